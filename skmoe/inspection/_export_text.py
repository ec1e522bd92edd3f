"""A report of who goes where."""

from numbers import Integral

import numpy as np

from skmoe.inspection._component import describe_component
from skmoe.inspection._experts import summary
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._gates import describe_gate
from skmoe.inspection._lines import Style, kind, wrapped
from skmoe.likelihoods import (
    GaussianLikelihood,
    component_of,
    experts_of,
    likelihood_of_experts,
)

_INDENT = "  "
# Outputs whose spread is told.
_MAX_SPREADS = 10


def export_text(estimator, *, feature_names=None, max_features=5, decimals=2):
    """Tell who goes where, and what holds there, as text.

    After a line on the model and one on its gate, each expert has a paragraph, the one
    with the most rows first: its share of the rows (of their weight), the gate's rule for
    it, the expert itself and the spread of its errors.

    The rule of a softmax gate is the expert's log-odds against the average expert, in
    the units of the columns. Linear experts are equations, too. Largest coefficients
    come first; as nothing is known of the columns' spread after the fit, those of a
    column with large numbers look small. Behind a ``StandardScaler``, in a pipeline,
    coefficients can be compared. Of a Gaussian gate, mean and standard deviation of an
    expert's rows are told, columns in which they differ most from all rows first, and
    the strongest correlation. A hierarchical gate is drawn as a tree: a branch is the
    likelier one where what stands at it is above zero.

    Of a pipeline, columns are those that its last step, the mixture, is given, and have
    the names that the steps before give them (``get_feature_names_out``).

    Parameters
    ----------
    estimator : mixture, Pipeline that ends in one, or search over these
        Fitted.
    feature_names : array-like of str of shape (n_features,), default=None
        Of the columns of the X that ``estimator`` was fitted to; of a pipeline, of its
        input. By default ``feature_names_in_``, or ``x0``, ``x1`` and so on.
    max_features : int or None, default=5
        Terms of an equation; None for all. Terms that are zero are left out.
    decimals : int, default=2
        Digits after the point.

    Returns
    -------
    report : str
        Lines of at most a hundred characters.

    Raises
    ------
    TypeError
        If ``estimator`` has no mixture of experts in it.
    NotFittedError
        If it is not fitted yet.
    ValueError
        If there is not one name for each feature, a pipeline that was fitted to a
        dataframe is given others than its own, or ``max_features`` or ``decimals`` is out
        of its range.

    See Also
    --------
    expert_report : The same in numbers, on rows of your choice.
    CoefficientsDisplay : Coefficients as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.inspection import export_text
    >>> X = np.arange(60.0)[:, None]
    >>> y = np.where(X[:, 0] < 20, 5 + 2 * X[:, 0], 80 - X[:, 0])
    >>> y += np.tile([-1, 1, 1, -1], 15)
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> print(export_text(model, feature_names=["age"], decimals=1))
    MixtureOfExpertsRegressor: 2 experts, dense, GaussianLikelihood
    gate: SoftmaxGate, log-odds against the average expert
    <BLANKLINE>
    expert0: LinearRegression, 66.7 % of the rows
      gate: +0.5 * age  (intercept -10.1)
      y: -1.0 * age  (intercept 80.0)
      errors: standard deviation 1.0
    <BLANKLINE>
    expert1: LinearRegression, 33.3 % of the rows
      gate: -0.5 * age  (intercept 10.1)
      y: +2.0 * age  (intercept 5.0)
      errors: standard deviation 1.0
    """
    mixture = FittedMixture.of(estimator)
    model, experts = mixture.model, mixture.names
    names = mixture.names_within(mixture.check_names(feature_names))
    style = _check_style(max_features, decimals)
    gate = describe_gate(model.gate_, names, experts, style)
    lines = [_header(mixture), *wrapped([gate.about], "gate:")]
    lines += [_INDENT + line for line in gate.drawing.splitlines()]
    shared = getattr(model, "shared_expert_", None)
    if shared is not None:
        lines += ["", f"shared expert: {kind(shared)}, added for all rows"]
        lines += _labelled(summary(shared, names, style))
    n_own = len(experts_of(model.likelihood_, model.experts_))
    for k in np.argsort(-model.expert_load_, kind="stable"):
        expert, is_own = model.experts_[k], k < n_own
        what = kind(expert) if is_own else describe_component(model, style)
        share = f"{100 * model.expert_load_[k]:.1f} % of the rows"
        lines += ["", f"{experts[k]}: {what}, {share}"]
        lines += _labelled(_rule(model, gate, k, style))
        if is_own:
            lines += _labelled(summary(expert, names, style))
            lines += _labelled(_spread(model, k, style))
    return "\n".join(lines)


def _header(mixture):
    model = mixture.model
    n, top_k = len(experts_of(model.likelihood_, model.experts_)), model.top_k_
    component = component_of(model.likelihood_)
    more = "" if component is None else f" and {component}"
    steps = " > ".join(kind(part) for part in (*mixture.before, model))
    return (
        f"{steps}: {n} expert{'s' if n > 1 else ''}{more}, "
        f"{'dense' if top_k >= n else f'top_k={top_k}'}, {kind(model.likelihood_)}"
    )


def _labelled(lines):
    return [
        line for label, pieces in lines for line in wrapped(pieces, f"{_INDENT}{label}:")
    ]


def _rule(model, gate, k, style):
    pieces = list(gate.rules[k])
    if model.routing_bias_ is not None:
        pieces.append(f"(routing bias {style.number(model.routing_bias_[k], '+')})")
    return [("gate", pieces)] if pieces else []


def _spread(model, k, style):
    """The spread of an expert's errors, where it is a number, or one for each output."""
    if not isinstance(model.dispersion_, np.ndarray):
        return []
    spread, name = model.dispersion_[k], "dispersion"
    if isinstance(likelihood_of_experts(model.likelihood_), GaussianLikelihood):
        variances = np.diag(spread) if spread.ndim == 2 else spread
        spread, name = np.sqrt(variances), "standard deviation"
    elif spread.ndim > 0:
        return []
    values = [style.number(value) for value in np.ravel(spread)]
    more = ["..."] if len(values) > _MAX_SPREADS else []
    return [("errors", [f"{name} {', '.join(values[:_MAX_SPREADS] + more)}"])]


def _check_style(max_features, decimals):
    for name, value, least in (
        ("max_features", max_features, 1),
        ("decimals", decimals, 0),
    ):
        if name == "max_features" and value is None:
            continue
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} is {value!r}; pass an integer of {least} or more.")
    return Style(max_features, decimals)
