"""Where training starts.

Starts are responsibilities, so they do not depend on the kind of gate or expert. The
default, "auto", makes twenty short runs at once: hard assignment alternates with local
linear regressions ("k-plane"), a few EM steps follow, the experts of all runs are
recombined, and the likeliest after a few more steps is the start.
"""

import numpy as np

from skmoe._grams import row_slices
from skmoe._routes import largest
from skmoe.training._draws import draw_by_weight
from skmoe.training._rows import WORTH_A_SAMPLE

_N_CANDIDATES = 20
_N_FINALISTS, _N_LAST = 6, 3
_N_PLANE_STEPS = 12
_N_GAUSSIAN_STEPS = 8
_N_NEWTON_STEPS, _N_LAST_STEPS = 6, 9
# A start is a rough thing: more rows than this, for each expert and for each of its
# columns, do not make a better one.
_ROWS_PER_EXPERT = 500
_ROWS_PER_COLUMN = 50
_MAX_CELLS = 3_000_000
# Above this many experts, there is one short run instead of twenty.
_MANY_EXPERTS = 32
# More responsibilities than this are not held at once; nor distances in columns.
_MAX_PAIRS_CELLS, _DISTANCE_CELLS = 6_000_000, 10_000_000
_AUTO_CYCLE = ("auto", "k-plane", "auto", "random", "auto")
_COMPETITORS = ("k-plane", "random") * 3
# Share of a row that a hard start leaves to all experts.
_SOFTNESS = 0.1


def strategies_of(init, number, rough):
    """What start ``number`` does: several of "auto" are not all of one kind.

    Twenty short runs nearly always agree on the basin they end in. Where that is not the
    best one, only a start with less foresight finds it. And where linear regressions are
    but a rough picture of the experts, several such starts compete.
    """
    kind = _AUTO_CYCLE[number % len(_AUTO_CYCLE)] if init == "auto" else init
    return _COMPETITORS if rough and kind == "auto" else (kind,)


def n_start_rows(summary, n_experts):
    """As many rows as a start needs."""
    per_expert = max(_ROWS_PER_EXPERT, _ROWS_PER_COLUMN * summary.n_columns)
    return per_expert * n_experts


def worth_a_sample(n_samples, summary, n_experts):
    """Whether there are enough rows for a start to be made on some of them."""
    return n_samples >= WORTH_A_SAMPLE * n_start_rows(summary, n_experts)


def starting_responsibilities(init, summary, n_experts, random_state):
    """Responsibilities to start from.

    Parameters
    ----------
    init : {"auto", "k-plane", "k-means", "random"}
    summary : RowSummary
    n_experts : int
    random_state : RandomState

    Returns
    -------
    responsibilities : ndarray of shape (n_samples, n_experts)
    """
    if n_experts == 1:
        return np.ones((len(summary.weights), 1))
    responsibilities = _STARTS[init](summary, n_experts, random_state)
    # Largest first: candidates that differ in nothing but labels are the same start.
    load = summary.weights @ responsibilities
    return responsibilities[:, np.argsort(-load, kind="stable")]


def starting_pairs(init, summary, n_experts, n_slots, random_state):
    """The largest responsibilities of each row, where there are many experts.

    Parameters
    ----------
    init, summary, n_experts, random_state
        As in :func:`starting_responsibilities`.
    n_slots : int
        At most so many experts of each row.

    Returns
    -------
    experts : ndarray of int, of shape (n_samples, n_slots)
    shares : ndarray of shape (n_samples, n_slots)
    """
    is_small = len(summary.weights) * n_experts <= _MAX_PAIRS_CELLS
    if n_experts <= _MANY_EXPERTS and is_small:
        table = starting_responsibilities(init, summary, n_experts, random_state)
        experts, shares = largest(table, n_slots)
        return experts, shares / shares.sum(axis=1, keepdims=True)
    if init in _LABELS:
        labels = _LABELS[init](summary, n_experts, random_state)
        return labels[:, None], np.ones((len(labels), 1))
    # Of many experts, twenty runs would cost too much, or have too few rows each.
    runs = _short_runs(summary, n_experts, random_state, 1)
    runs.gaussian_em(1)
    return runs.best_pairs(summary, n_slots)


def _auto(summary, n_experts, random_state):
    runs = _short_runs(summary, n_experts, random_state, _N_CANDIDATES)
    runs.gaussian_em(_N_GAUSSIAN_STEPS)
    runs.recombine(_N_FINALISTS, _N_FINALISTS, random_state)
    runs.gaussian_em(_N_GAUSSIAN_STEPS)
    runs.keep_best(_N_FINALISTS)
    runs.newton_em(_N_NEWTON_STEPS)
    runs.keep_best(_N_LAST)
    runs.newton_em(_N_LAST_STEPS)
    return runs.best_responsibilities(summary)


def _k_plane(summary, n_experts, random_state):
    runs = _short_runs(summary, n_experts, random_state, 1)
    runs.gaussian_em(1)
    return runs.best_responsibilities(summary)


def _short_runs(summary, n_experts, random_state, n_candidates):
    """Candidates at the end of k-plane, on at most as many rows as a start needs."""
    limit = _MAX_CELLS // (n_candidates * n_experts)
    n_rows = min(n_start_rows(summary, n_experts), limit)
    part = summary.thinned(n_rows, random_state)
    runs = part.runs(part, n_experts, n_candidates, random_state)
    runs.alternate(_N_PLANE_STEPS)
    return runs


def _k_means(summary, n_experts, random_state):
    # Half of what importing the package would cost, for a start that few ask for.
    from sklearn.cluster import KMeans

    points = np.concatenate([summary.features, summary.target], axis=1)
    centers = points[_spread_rows(points, summary, n_experts, random_state)]
    model = KMeans(n_experts, init=centers, n_init=1, tol=1e-6)
    return model.fit_predict(points, sample_weight=summary.weights)


def _random(summary, n_experts, random_state):
    """Each row to the nearest of K rows drawn at random."""
    points = np.concatenate([summary.features, summary.target], axis=1)
    mass = np.tile(summary.weights, (n_experts, 1))
    uniforms = random_state.uniform(size=n_experts)
    centers = points[draw_by_weight(mass, summary.order, uniforms)]
    labels = [
        ((points[part, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
        for part in row_slices(len(points), _DISTANCE_CELLS // centers.size + 1)
    ]
    return np.concatenate(labels)


def _spread_rows(points, summary, n_experts, random_state):
    """k-means++ seeds, drawn by content."""
    distance = np.ones(len(points))
    rows = []
    for uniform in random_state.uniform(size=(n_experts, 1)):
        mass = (summary.weights * distance)[None]
        rows.append(draw_by_weight(mass, summary.order, uniform)[0])
        nearest = ((points - points[rows[-1]]) ** 2).sum(axis=1)
        distance = nearest if len(rows) == 1 else np.minimum(distance, nearest)
        if not distance.any():
            distance = np.ones(len(points))
    return rows


def _soft(labels_of):
    """Responsibilities from labels, a little softened."""

    def responsibilities(summary, n_experts, random_state):
        labels = labels_of(summary, n_experts, random_state)
        return (1 - _SOFTNESS) * np.eye(n_experts)[labels] + _SOFTNESS / n_experts

    return responsibilities


_LABELS = {"k-means": _k_means, "random": _random}
_STARTS = {
    "auto": _auto,
    "k-plane": _k_plane,
    **{name: _soft(labels_of) for name, labels_of in _LABELS.items()},
}
