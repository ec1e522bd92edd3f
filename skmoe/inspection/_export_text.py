"""A report of who goes where."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmoe.inspection._experts import summary
from skmoe.inspection._gates import describe_gate
from skmoe.inspection._lines import Style, kind, numbered, wrapped
from skmoe.likelihoods import GaussianLikelihood

_INDENT = "  "
# Outputs whose spread is told.
_MAX_SPREADS = 10


def export_text(model, *, feature_names=None, max_features=5, decimals=2):
    """Tell who goes where, and what holds there, as text.

    After a line on the model and one on its gate, each expert has a paragraph, the one
    with the most rows first: its share of the rows (of their weight), the gate's rule for
    it, the expert itself and the spread of its errors.

    The rule of a softmax gate is the expert's log-odds against the average expert, in
    the units of the columns. Linear experts are equations, too. Largest coefficients
    come first; as nothing is known of the columns' spread after the fit, those of a
    column with large numbers look small. Behind a ``StandardScaler``, in a pipeline,
    coefficients can be compared.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Fitted.
    feature_names : array-like of str of shape (n_features,), default=None
        By default ``feature_names_in_``, or ``x0``, ``x1`` and so on.
    max_features : int or None, default=5
        Terms of an equation; None for all. Terms that are zero are left out.
    decimals : int, default=2
        Digits after the point.

    Returns
    -------
    report : str

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
    if not hasattr(model, "predict_gate_proba"):
        raise TypeError(
            f"model: {type(model).__name__} is no mixture of experts; of a pipeline or a "
            "search, pass the mixture within."
        )
    check_is_fitted(model)
    names = _check_names(feature_names, model)
    style = _check_style(max_features, decimals)
    experts = model._expert_names
    gate = describe_gate(model.gate_, names, experts, style)
    lines = [_header(model), *wrapped([gate.about], "gate:")]
    lines += [_INDENT + line for line in gate.drawing.splitlines()]
    shared = getattr(model, "shared_expert_", None)
    if shared is not None:
        lines += ["", f"shared expert: {kind(shared)}, added for all rows"]
        lines += _labelled(summary(shared, names, style))
    for k in np.argsort(-model.expert_load_, kind="stable"):
        expert = model.experts_[k]
        share = f"{100 * model.expert_load_[k]:.1f} % of the rows"
        lines += ["", f"{experts[k]}: {kind(expert)}, {share}"]
        lines += _labelled(_rule(model, gate, k, style))
        lines += _labelled(summary(expert, names, style))
        lines += _labelled(_spread(model, k, style))
    return "\n".join(lines)


def _header(model):
    n, top_k = model.n_experts_, model.top_k_
    return (
        f"{kind(model)}: {n} expert{'s' if n > 1 else ''}, "
        f"{'dense' if top_k == n else f'top_k={top_k}'}, {kind(model.likelihood_)}"
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
    if isinstance(model.likelihood_, GaussianLikelihood):
        variances = np.diag(spread) if spread.ndim == 2 else spread
        spread, name = np.sqrt(variances), "standard deviation"
    elif spread.ndim > 0:
        return []
    values = [style.number(value) for value in np.ravel(spread)]
    more = ["..."] if len(values) > _MAX_SPREADS else []
    return [("errors", [f"{name} {', '.join(values[:_MAX_SPREADS] + more)}"])]


def _check_names(feature_names, model):
    n_features = model.n_features_in_
    if feature_names is None:
        feature_names = getattr(model, "feature_names_in_", numbered(n_features))
    names = [str(name) for name in feature_names]
    if len(names) != n_features:
        raise ValueError(
            f"feature_names has {len(names)} names, but the model was fitted to "
            f"{n_features} features; pass one name for each."
        )
    return names


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
