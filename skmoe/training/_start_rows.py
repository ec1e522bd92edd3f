"""Starts that are made of some of the rows, and the others' part in them."""

import numpy as np

from skmoe.likelihoods import component_of

# Of the weight, added to each column's: a start must not fit a few rows exactly.
_RIDGE = 1e-3


def start_of_some(likelihood, propose, summary, target, n_experts):
    """Starting responsibilities of the experts, and last of a component besides them.

    Outliers take no part: one expert would be theirs. Each is given to the expert that
    comes nearest to it.

    Parameters
    ----------
    likelihood : likelihood
        With ``start_rows``, or a component; see :mod:`skmoe.likelihoods`.
    propose : callable
        ``propose(summary)`` gives responsibilities (n_samples, n_experts) of rows.
    summary : RowSummary
    target : ndarray of shape (n_samples,)
        As the likelihood takes it.
    n_experts : int
        Without the component.

    Returns
    -------
    responsibilities : ndarray of shape (n_samples, n_experts[ + 1])
    """
    inside = _start_rows(likelihood, summary)
    if inside.all() and component_of(likelihood) is None:
        return propose(summary)
    rows = np.flatnonzero(inside)
    given = np.zeros((len(inside), n_experts))
    given[rows] = propose(summary if inside.all() else summary.subset(rows))
    residuals = _of_linear_fits(given, summary)
    nearest = np.abs(residuals).argmin(axis=1)
    given[~inside] = np.eye(n_experts)[nearest[~inside]]
    if component_of(likelihood) is None:
        return given
    share = likelihood.starting_share(target, summary.weights, residuals)[:, None]
    return np.concatenate([(1.0 - share) * given, share], axis=1)


def _start_rows(likelihood, summary):
    """Which rows a start is made of: all, where too few would be left, or in groups."""
    everywhere = np.ones(len(summary.weights), dtype=bool)
    if not hasattr(likelihood, "start_rows") or hasattr(summary, "groups"):
        return everywhere
    inside = likelihood.start_rows(summary.raw_target[:, 0], summary.weights)
    return inside if 2 * np.count_nonzero(inside) > len(inside) else everywhere


def _of_linear_fits(responsibilities, summary):
    """Residuals of a linear fit to each expert's rows, in standard units."""
    ones = np.ones((len(summary.weights), 1))
    design = np.concatenate([ones, summary.features], axis=1)
    ridge = _RIDGE * np.eye(design.shape[1])
    residuals = np.empty(responsibilities.shape)
    for k, share in enumerate(responsibilities.T):
        weights = summary.weights * share
        weights /= weights.sum() or 1.0
        gram = design.T @ (design * weights[:, None]) + ridge
        coef = np.linalg.solve(gram, design.T @ (weights * summary.target[:, 0]))
        residuals[:, k] = summary.target[:, 0] - design @ coef
    return residuals
