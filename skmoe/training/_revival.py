"""Experts that lost their rows, and a second chance for them."""

import numpy as np

# Below this fraction of an even share, an expert has lost its rows.
_LOST_FRACTION = 0.01
# A revived expert gets this fraction of an even share, of the rows explained worst.
_REVIVAL_FRACTION = 0.5
_REVIVAL_RESPONSIBILITY = 0.9


def lost_experts(load):
    """Numbers of the experts with next to no share of the weight, as a set."""
    return set(np.flatnonzero(load < _LOST_FRACTION / len(load)).tolist())


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
