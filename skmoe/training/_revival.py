"""Experts that lost their rows, and a second chance for them."""

import numpy as np

# Below this fraction of an even share, an expert has lost its rows.
_LOST_FRACTION = 0.01
# Rows that an expert needs for each column, within fractions of an even share.
_ROWS_PER_COLUMN, _STARVED_FRACTIONS = 2, (0.05, 0.25)
# A revived expert gets this fraction of an even share, of the rows explained worst.
_REVIVAL_FRACTION = 0.5
_REVIVAL_RESPONSIBILITY = 0.9


def lost_experts(load):
    """Numbers of the experts with next to no share of the weight, as a set."""
    return set(np.flatnonzero(load < _LOST_FRACTION / len(load)).tolist())


def least_load(data, n_experts):
    """Least load of an expert that knows enough rows, where they are sent to few.

    What is fitted to a handful of rows is worth nothing for the next that is sent there:
    there are to be two for each column, as far as a quarter of an even share allows.

    Parameters
    ----------
    data : TrainingData
    n_experts : int

    Returns
    -------
    load : float
    """
    even_rows = max(data.total, len(data.weights)) / n_experts
    needed = _ROWS_PER_COLUMN * (data.X.shape[1] + 1) / even_rows
    return float(np.clip(needed, *_STARVED_FRACTIONS)) / n_experts


def revive(responsibilities, log_joint, lost, data):
    """Responsibilities that give each lost expert rows that nobody explains well."""
    responsibilities = responsibilities.copy()
    n_experts = responsibilities.shape[1]
    order = np.argsort(log_joint.max(axis=1), kind="stable")
    taken = np.cumsum(data.weights[order]) / data.total
    share = _REVIVAL_FRACTION / n_experts
    for place, expert in enumerate(sorted(lost)):
        first, last = np.searchsorted(taken, [place * share, (place + 1) * share])
        rows = order[first : max(last, first + 1)]
        responsibilities[rows] *= 1 - _REVIVAL_RESPONSIBILITY
        responsibilities[rows, expert] += _REVIVAL_RESPONSIBILITY
    return responsibilities


def revived_pairs(given, log_joint, lost, data):
    """The same where each row has shares in a few experts only.

    Parameters
    ----------
    given : Given
    log_joint : ndarray of shape (n_samples, n_slots)
    lost : set of int
    data : TrainingData

    Returns
    -------
    routes : Routes
    shares : ndarray of shape (n_samples, n_slots)
    """
    experts, shares = given.routes.experts.copy(), given.shares.copy()
    order = np.argsort(log_joint.max(axis=1), kind="stable")
    taken = np.cumsum(data.weights[order]) / data.total
    part = _REVIVAL_FRACTION / given.routes.n_experts
    for place, expert in enumerate(sorted(lost)):
        first, last = np.searchsorted(taken, [place * part, (place + 1) * part])
        rows = order[first : max(last, first + 1)]
        # Where the row knows it already, or else in place of its least expert.
        own = experts[rows] == expert
        slot = np.where(own.any(axis=1), own.argmax(axis=1), shares[rows].argmin(axis=1))
        experts[rows, slot] = expert
        shares[rows] *= 1 - _REVIVAL_RESPONSIBILITY
        shares[rows, slot] = _REVIVAL_RESPONSIBILITY
        shares[rows] /= shares[rows].sum(axis=1, keepdims=True)
    return type(given.routes)(experts, given.routes.n_experts), shares
