"""What the generators share: checks, the gate, categories and draws."""

from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax

from skmoe._sklearn_compat import Interval, InvalidParameterError

_COUNT = Interval(Integral, 1, None, closed="left")
_SCALE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")

# Constraint and remedy of every number that is passed as it is.
_NUMBERS = {
    "n_samples": (_COUNT, "Ask for at least one row."),
    "n_features": (_COUNT, "Ask for at least one numeric column."),
    "n_experts": (_COUNT, "Use n_experts=1 for a model without regimes."),
    "n_classes": (
        Interval(Integral, 2, None, closed="left"),
        "A classification needs two classes or more.",
    ),
    "n_categorical": (
        Interval(Integral, 0, None, closed="left"),
        "Use n_categorical=0 for numeric columns only.",
    ),
    "n_categories": (
        Interval(Integral, 2, None, closed="left"),
        "Use n_categorical=0 to have no categories.",
    ),
    "gate_scale": (_SCALE, "Use gate_scale=0 for experts that are equally likely."),
    "class_scale": (_SCALE, "Use class_scale=0 for classes that are equally likely."),
    "outliers": (_SHARE, "It is a share of the rows: 0.05 stands for 5 percent."),
    "flip_y": (_SHARE, "It is a share of the rows: 0.05 stands for 5 percent."),
}

_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


def check_numbers(function, **values):
    """Raise for a number outside its range."""
    for name, value in values.items():
        constraint, remedy = _NUMBERS[name]
        _check(function, name, value, constraint, remedy)


def check_flags(function, **values):
    """Raise for a switch that is not a bool."""
    for name, value in values.items():
        if not isinstance(value, (bool, np.bool_)):
            raise InvalidParameterError(
                f"The {name!r} parameter of {function} must be True or False. Got "
                f"{value!r} instead."
            )


def check_gate_features(function, n_gate_features, n_features):
    """Number of columns that the gate sees."""
    if n_gate_features is None:
        return min(max(2, n_features // 4), n_features)
    constraint = Interval(Integral, 0, n_features, closed="both")
    remedy = (
        f"The gate sees the first columns of the n_features={n_features} numeric ones; "
        "lower n_gate_features or raise n_features."
    )
    _check(function, "n_gate_features", n_gate_features, constraint, remedy)
    return int(n_gate_features)


def check_noise(function, noise):
    """Lowest and highest standard deviation."""
    try:
        bounds = np.asarray(noise, dtype=np.float64)
    except (TypeError, ValueError):
        bounds = np.empty(0)
    if bounds.ndim == 0:
        bounds = np.repeat(bounds, 2)
    # Written so that nan fails.
    if bounds.shape != (2,) or not 0 < bounds[0] <= bounds[1] < np.inf:
        raise InvalidParameterError(
            f"The 'noise' parameter of {function} must be a positive standard deviation "
            f"or a pair (low, high) with 0 < low <= high. Got {noise!r} instead. A "
            "density needs some noise: use a small one, such as noise=1e-3, for data "
            "that are almost exact."
        )
    return bounds


def _check(function, name, value, constraint, remedy):
    if not constraint.is_satisfied_by(value):
        raise InvalidParameterError(
            f"The {name!r} parameter of {function} must be {constraint}. Got {value!r} "
            f"instead. {remedy}"
        )


def require_pandas(function, n_categorical):
    """The pandas module if it is needed, else None."""
    if n_categorical == 0:
        return None
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{function} returns categorical columns in a pandas DataFrame, and pandas "
            "is not installed. Install it with 'pip install pandas', or use "
            "n_categorical=0."
        ) from error
    return pandas


def draw_gate(rng, n_experts, n_features, n_gate_features, scale):
    """Coefficients and intercepts of a gate whose regions are of similar size.

    Each expert has a centre among the rows of X, and the gate softly prefers the
    nearest. Slopes and intercepts that are drawn apart leave experts without rows, and
    so do centres that all lie on one side of the rows.
    """
    centers = rng.standard_normal((n_experts, n_gate_features))
    centers -= centers.mean(axis=0)
    # Taking the mean off has made them this much smaller.
    centers *= np.sqrt(n_experts / max(n_experts - 1, 1))
    # Log-odds of the same size, however many columns they are made of.
    scale = scale / np.sqrt(max(n_gate_features, 1))
    coef = np.zeros((n_experts, n_features))
    coef[:, :n_gate_features] = scale * centers
    intercept = -0.5 * scale * np.sum(centers**2, axis=1)
    # Sums of zero are the form in which SoftmaxGate reports its own; the slopes have it.
    return coef, intercept - intercept.mean()


def draw_inputs(rng, n_samples, n_features, n_categorical, n_categories):
    """Numeric columns and codes of the categorical ones."""
    values = rng.standard_normal((n_samples, n_features))
    codes = rng.randint(n_categories, size=(n_samples, n_categorical))
    return values, codes


def gate_log_proba(values, coef, intercept):
    """Log gate probabilities of shape (n_samples, n_experts)."""
    return log_softmax(values @ coef.T + intercept, axis=1)


def draw_columns(rng, proba):
    """Draw a column for each row of ``proba``."""
    edges = proba[:, :-1].cumsum(axis=1)
    return (rng.uniform(size=(len(proba), 1)) >= edges).sum(axis=1)


def sum_shifts(shift, codes):
    """Add up the shifts of each row's categories.

    Parameters
    ----------
    shift : ndarray of shape (..., n_categorical, n_categories)
    codes : ndarray of shape (n_samples, n_categorical)

    Returns
    -------
    total : ndarray of shape (n_samples, ...)
    """
    total = shift[..., np.arange(codes.shape[1]), codes].sum(axis=-1)
    return np.moveaxis(total, -1, 0)


def make_table(pandas, values, codes, n_categories):
    """X as the user gets it: an array, or a DataFrame if there are categories."""
    if pandas is None:
        return values
    levels = [f"level{level}" for level in range(n_categories)]
    numeric = pandas.DataFrame(
        values, columns=[f"x{column}" for column in range(values.shape[1])]
    )
    categorical = pandas.DataFrame(
        {
            f"c{column}": pandas.Categorical.from_codes(codes[:, column], levels)
            for column in range(codes.shape[1])
        }
    )
    return pandas.concat([numeric, categorical], axis=1)


def log_normal(errors, sigma):
    """Log-density of normal errors."""
    return -0.5 * (errors / sigma) ** 2 - np.log(sigma) - _LOG_SQRT_2PI


def contaminate(log_prob, share, other):
    """Log of the mixture of two densities."""
    if share == 0:
        return log_prob
    return np.logaddexp(np.log1p(-share) + log_prob, np.log(share) + other)
