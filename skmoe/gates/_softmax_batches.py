"""Steps of the softmax gate on batches of rows."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from skmoe._design import Design
from skmoe._running import averaged, next_step
from skmoe._softmax_steps import SoftmaxSteps, with_penalty
from skmoe.gates._protocol import check_n_experts


def step_on_batch(gate, X, targets, weights, step=None):
    """Move ``gate`` by binding new attributes.

    Besides the fitted attributes, the gate keeps ``_steps``, the units and the running
    information.

    Parameters
    ----------
    gate : SoftmaxGate
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    targets : {ndarray, sparse matrix} of shape (n_samples, n_experts)
    weights : ndarray of shape (n_samples,)
    step : StepSize or None
    """
    is_first = not hasattr(gate, "coef_")
    X = validate_data(
        gate, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=is_first
    )
    n_experts = targets.shape[1]
    check_n_experts(n_experts, None if is_first else len(gate.coef_))
    step = step or next_step(gate, weights)
    design, information = _known(gate, X, weights)
    order = _places(getattr(gate, "_steps", {}))
    targets = targets[:, order]
    coef = np.zeros((n_experts - 1, design.n_columns))
    if not is_first:
        centred = design.from_user(gate.coef_[order], gate.intercept_[order])
        coef = centred[:-1] - centred[-1]
    steps = SoftmaxSteps(design.transform(X), coef[None])
    share = weights / step.weight
    ridge = gate.alpha / step.total * design.penalized
    if n_experts > 1:
        excess = _excess(gate, steps, targets, share, order)
        gradient = steps.gradient(excess[None, :-1])
        # On all coefficients, which sum to zero.
        gradient -= ridge * (coef - coef.sum(axis=0) / n_experts)
        information = averaged(information, steps.information(share[None]), step.rate)
        ridges = np.broadcast_to(ridge, (1, *coef.shape))
        penalized = with_penalty(information, ridges)
        coef = coef + steps.step(gradient, penalized, step.rate)[0]
    coef = np.vstack([coef, np.zeros(design.n_columns)])
    coef -= coef.mean(axis=0)
    slopes, intercept = np.empty((n_experts, X.shape[1])), np.empty(n_experts)
    slopes[order], intercept[order] = design.to_user(coef)
    vars(gate).pop("_load_slopes", None)
    vars(gate).update(
        coef_=slopes,
        intercept_=intercept,
        n_iter_=getattr(gate, "n_iter_", 0) + 1,
        n_parameters_=coef[:-1].size,
        penalty_=0.5 * gate.alpha * np.sum(coef**2 * design.penalized),
        _steps={
            "center": design.center,
            "scale": design.scale,
            "information": information,
            "order": getattr(gate, "_steps", {}).get("order"),
        },
    )


def permuted_steps(steps, order):
    """What a gate knows of its steps, with the experts in another order.

    The information is against the last expert, so it stays as it is, and knows the order
    in which it has the experts.

    Parameters
    ----------
    steps : dict
    order : ndarray of int of shape (n_experts,)
    """
    return {**steps, "order": np.argsort(order)[_places(steps)]}


def _places(steps):
    """Numbers of the experts in the order in which the information has them."""
    order = steps.get("order")
    return slice(None) if order is None else order


def _known(gate, X, weights):
    """Units, and the information in them; those of X where there are none yet."""
    known = getattr(gate, "_steps", None)
    if known is None:
        return Design(X, weights), None
    return Design.of_units(known["center"], known["scale"], True), known["information"]


def _excess(gate, steps, targets, weights, order):
    """Derivatives of the objective by the logits, (n_experts, n_samples)."""
    targets = targets.toarray() if issparse(targets) else targets
    proba = steps.proba[0]
    excess = targets.T - proba * targets.sum(axis=1)
    slopes = getattr(gate, "_load_slopes", None)
    if slopes is not None:
        slopes = slopes[order]
        excess -= proba * (slopes[:, None] - slopes @ proba)
    if gate.z_loss:
        logits = steps.logits[:, 0] - steps.logits[:, 0].mean(axis=0)
        peak = logits.max(axis=0)
        log_sum = peak + np.log(np.exp(logits - peak).mean(axis=0))
        excess -= 2.0 * gate.z_loss * log_sum * (proba - 1.0 / len(proba))
    return excess * weights
