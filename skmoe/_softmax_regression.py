"""Weighted softmax regression by Newton's method.

The one numerical routine behind :class:`~skmoe.gates.SoftmaxGate` and the logistic
experts: both maximise a weighted multinomial log-likelihood with soft targets.
"""

from functools import partial

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from skmoe._grams import triangle, weighted_grams

# Above this many unknowns a Hessian costs more than the gradient steps that it saves.
_MAX_NEWTON_UNKNOWNS = 600


def log_softmax(logits):
    """Log of the softmax over axis 0 of ``logits`` (n_classes, n_samples)."""
    shifted = logits - logits.max(axis=0)
    shifted -= np.log(np.exp(shifted).sum(axis=0))
    return shifted


def fit_softmax_regression(
    design, targets, *, ridge, coupling, start, tol=1e-10, max_iter=100
):
    r"""Minimise a penalised multinomial cross-entropy.

    .. math:: -\sum_{ik} t_{ik} \log p_{ik}
              + \tfrac12 \sum_{kl} M_{kl} \sum_j \rho_j v_{kj} v_{lj},
              \qquad p_i = \mathrm{softmax}(V x_i), \quad v_K = 0 .

    The last class is the reference, which makes the Hessian regular. A symmetric
    penalty :math:`\sum_k \|v_k\|^2` on coefficients that sum to zero is written in these
    coordinates with the coupling :math:`M = I - 11^T / K`.

    Parameters
    ----------
    design : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    targets : ndarray of shape (n_classes, n_samples)
        Non-negative weights; a column sums to the weight of its row.
    ridge : ndarray of shape (n_columns,)
        :math:`\rho`, zero for an intercept.
    coupling : ndarray of shape (n_classes - 1, n_classes - 1)
        :math:`M`.
    start : ndarray of shape (n_classes - 1, n_columns)
        Where to begin.
    tol : float
        Newton's decrement per unit of weight at which to stop.
    max_iter : int

    Returns
    -------
    coef : ndarray of shape (n_classes - 1, n_columns)
    n_iter : int
    """
    if start.size == 0:  # one class
        return start, 0
    problem = _Problem(design, targets, ridge, coupling)
    if start.size > _MAX_NEWTON_UNKNOWNS:
        return _lbfgs(problem, start, tol, max_iter)
    return _newton(problem, start, tol, max_iter)


def softmax_information(grams, proba, weights):
    """Sums of w p_c (delta_cd - p_d) x x' over the rows, for all classes c and d.

    Parameters
    ----------
    grams : callable
        From weights (n_sets, n_samples) to the rows' weighted grams.
    proba : ndarray of shape (..., n_free, n_samples)
        Of all classes but the reference.
    weights : ndarray of shape (..., n_samples)

    Returns
    -------
    information : ndarray of shape (..., n_free, n_columns, n_free, n_columns)
    """
    n_free = proba.shape[-2]
    first, second = triangle(n_free)
    curvature = -proba[..., first, :] * proba[..., second, :]
    curvature[..., first == second, :] += proba
    curvature *= weights[..., None, :]
    flat = grams(curvature.reshape(-1, curvature.shape[-1]))
    n_columns = flat.shape[-1]
    blocks = flat.reshape(*curvature.shape[:-1], n_columns, n_columns)
    leading = proba.shape[:-2]
    information = np.empty((*leading, n_free, n_free, n_columns, n_columns))
    information[..., first, second, :, :] = blocks
    information[..., second, first, :, :] = blocks
    return np.swapaxes(information, -3, -2)


def add_coupled_ridge(information, coupling, ridge):
    """Add the Hessian of the penalty, in place."""
    columns = np.arange(len(ridge))
    information[:, columns, :, columns] += ridge[:, None, None] * coupling


class _Problem:
    """Value, gradient and Hessian of the penalised cross-entropy."""

    def __init__(self, design, targets, ridge, coupling):
        self.design = design
        self.targets = targets
        self.ridge = ridge
        self.coupling = coupling
        self.weights = targets.sum(axis=0)
        self.total = self.weights.sum()

    def value(self, coef):
        """Penalised cross-entropy; keeps the log-probabilities for the derivatives."""
        logits = np.zeros_like(self.targets)
        logits[:-1] = (self.design @ coef.T).T
        self.log_proba = log_softmax(logits)
        penalty = 0.5 * np.sum((self.coupling @ coef) * coef * self.ridge)
        return penalty - np.vdot(self.targets, self.log_proba)

    def gradient(self, coef):
        """Gradient at the ``coef`` of the last :meth:`value`."""
        self.proba = np.exp(self.log_proba[:-1])
        excess = self.proba * self.weights - self.targets[:-1]
        return (self.design.T @ excess.T).T + (self.coupling @ coef) * self.ridge

    def hessian(self):
        """Hessian at the ``coef`` of the last :meth:`gradient`."""
        grams = partial(weighted_grams, self.design)
        hessian = softmax_information(grams, self.proba, self.weights)
        add_coupled_ridge(hessian, self.coupling, self.ridge)
        return hessian.reshape(self.proba.shape[0] * self.design.shape[1], -1)


def _newton(problem, coef, tol, max_iter):
    # A state that is sure of the wrong class has no curvature to lead out of it.
    if problem.value(np.zeros_like(coef)) < problem.value(coef):
        coef = np.zeros_like(coef)
    value, n_iter = problem.value(coef), 0
    while n_iter < max_iter:
        n_iter += 1
        gradient = problem.gradient(coef)
        step = -_solve(problem.hessian(), gradient.ravel()).reshape(coef.shape)
        slope = np.vdot(gradient, step)
        if -slope <= tol * problem.total:
            # The last, free step shrinks the error further. What it gains may be less
            # than a rounding of the value, which must not decide on it.
            if problem.value(coef + step) <= value + 1e-13 * abs(value):
                coef = coef + step
            break
        coef, value, moved = _line_search(problem, coef, value, step, slope)
        if not moved:
            break
    return coef, n_iter


def _line_search(problem, coef, value, step, slope):
    """Halve the step until it lowers the objective (Armijo)."""
    size = 1.0
    for _ in range(30):
        trial = coef + size * step
        trial_value = problem.value(trial)
        if trial_value <= value + 1e-4 * size * slope:
            return trial, trial_value, True
        size *= 0.5
    problem.value(coef)
    return coef, value, False


def _solve(matrix, right):
    """Solve a positive semi-definite system; singular directions get no step."""
    diagonal = np.einsum("ii->i", matrix)
    # Relative to the largest curvature, so that constant columns stay where they are.
    diagonal += 1e-13 * max(diagonal.max(), np.finfo(float).tiny)
    try:
        factor = cho_factor(matrix, lower=True, overwrite_a=False, check_finite=False)
        return cho_solve(factor, right, check_finite=False)
    except LinAlgError:
        return np.linalg.lstsq(matrix, right, rcond=1e-12)[0]


def _lbfgs(problem, start, tol, max_iter):
    def value_and_gradient(flat):
        coef = flat.reshape(start.shape)
        value = problem.value(coef)
        return value / problem.total, problem.gradient(coef).ravel() / problem.total

    result = minimize(
        value_and_gradient,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 20 * max_iter, "gtol": np.sqrt(tol), "ftol": 0.01 * tol},
    )
    return result.x.reshape(start.shape), result.nit
