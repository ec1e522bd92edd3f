"""Rows whose experts are known in part, before y is seen."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def weighted_by_prior(responsibilities, log_prior):
    """Responsibilities times what is known; where nothing is left, what is known.

    Parameters
    ----------
    responsibilities, log_prior : ndarray of shape (n_samples, n_experts)
    """
    prior = np.exp(log_prior)
    product = responsibilities * prior
    total = product.sum(axis=1, keepdims=True)
    product = np.where(total > 0, product, prior)
    return product / product.sum(axis=1, keepdims=True)


def matched_to_prior(responsibilities, log_prior, weights):
    """The same responsibilities, with the experts numbered as those that are known.

    A start numbers experts by their load. Of all ways to number them, this is the one
    whose expected number of rows that are known to be so is largest.

    Parameters
    ----------
    responsibilities, log_prior : ndarray of shape (n_samples, n_experts)
    weights : ndarray of shape (n_samples,)
    """
    prior = np.exp(log_prior)
    total = prior.sum(axis=1, keepdims=True)
    prior = prior / np.where(total > 0, total, 1.0)  # zero: known to be none of these
    agreement = (weights[:, None] * prior).T @ responsibilities
    _, order = linear_sum_assignment(agreement, maximize=True)
    return responsibilities[:, order]
