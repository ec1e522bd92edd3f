"""EM in which no row is judged by what was fitted to it.

A flexible expert has memorised its rows: its errors there are tiny, so in the E-step it
claims them, and what follows is worth nothing elsewhere. Here the errors, dispersions and
gate probabilities of an E-step are held out: they come from fits to the other folds. In
the end, gate and experts are fitted to all rows, with the shares of the best round.

*Pooling* keeps experts from knowing their own rows only: expert k is fitted with weights
proportional to r_k + s. Where s is large, all are the expert that is fitted to all rows;
so there is a path from the single expert to the mixture. Unless the user has set s, it is
raised where the mixture's mean is further from held-out rows than the single expert's; a
round in which it is so is never the best.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from skmoe._naming import naming_gate
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import bind_gate, joint_log_proba
from skmoe.likelihoods import fit_dispersion
from skmoe.training._em import Result
from skmoe.training._parts import normalise, reweighted

# Rounds fit every expert in every fold; more of them bring next to nothing.
_MAX_ROUNDS = 4
# Rounds without a better likelihood after which the best is returned.
_PATIENCE = 2
# In a round, gate and dispersions go on for so many steps while experts stay: they cost
# little, and spare rounds.
_N_INNER = 5
_N_INNER_ALONE = 10
# Rounding must not decide which round is the best, even where ``tol`` is zero.
_ROUNDING = 1e-9
# By so much may the squared error of held-out means exceed the single expert's: below it,
# chance and the fewer rows of a fold decide.
_MORE_ERROR = 1.02
# What pooling is multiplied by where the error exceeds that.
_MORE_POOLING = 3.0


@dataclass
class CrossFitting:
    """How rows are held out.

    ``folds`` are pairs of row numbers (train, test); ``columns`` is the target as
    numbers, (n_samples, n_targets); ``adapts`` tells whether pooling may be raised.
    ``alone`` holds the predictions for held-out rows of each expert that was fitted to
    all others, (n_samples, n_experts, ...); ``alone_bounds`` are the log-likelihoods per
    unit of weight of each without a mixture, ``alone_error`` is the least squared error.
    """

    folds: list
    columns: np.ndarray
    adapts: bool
    alone: np.ndarray | None = None
    alone_bounds: np.ndarray | None = None
    alone_error: float = np.inf

    def with_alone(self, parts, data, n_kinds):
        """The same with the predictions of experts alone.

        Parameters
        ----------
        parts : Parts
        data : TrainingData
        n_kinds : int
            1 where all experts are clones, of which one answers for all.
        """
        weights = np.tile(data.weights[:, None], parts.pool.n_experts)
        pool = copy(parts.pool)
        pool.iteration = 1
        alone = pool.predict_held_out(
            data.X, data.target, weights, self.folds, range(n_kinds)
        )
        bounds, errors = [], []
        for k in range(n_kinds):
            one, own = alone[:, [k]], data.weights[:, None]
            at_rows = _held_out_dispersion(parts, data, self.folds, one, own)
            log_prob = parts.likelihood.log_prob(data.target, one, at_rows)
            bounds.append(data.weights @ log_prob[:, 0] / data.total)
            mean = parts.likelihood.mean(one, at_rows)[:, 0]
            errors.append(self.squared_error(mean, data))
        return replace(
            self, alone=alone, alone_bounds=np.array(bounds), alone_error=min(errors)
        )

    def squared_error(self, mean, data):
        """Of means of y, per unit of weight, over all columns in units of their own."""
        center = data.weights @ self.columns / data.total
        spread = data.weights @ (self.columns - center) ** 2
        squares = data.weights @ (self.columns - mean.reshape(self.columns.shape)) ** 2
        return float((squares / np.where(spread > 0, spread, 1.0)).sum())

    def repeated(self, n_experts):
        """Held-out predictions of ``n_experts`` experts alone."""
        kinds = np.arange(n_experts) % self.alone.shape[1]
        return self.alone[:, kinds]


class _HeldOutGates:
    """One gate for each fold, which goes on from its last state."""

    def __init__(self, gate, data, folds):
        self.folds = []
        for train, test in folds:
            X = safe_indexing(data.X, train)
            with naming_gate(gate):
                bound = bind_gate(gate, X, data.weights[train])
            self.folds.append([gate, bound, train, test, safe_indexing(data.X, test)])

    def log_proba(self, responsibilities, iteration):
        """log g_k(x) of each row by a gate fitted to the other folds."""
        log_gate = np.empty_like(responsibilities)
        for fold in self.folds:
            gate, bound, train, test, X = fold
            with naming_gate(gate, iteration):
                fold[0] = bound.fit(gate, responsibilities[train])
                log_gate[test] = joint_log_proba(fold[0], X)
        return log_gate


@dataclass
class _Round:
    """The shares that experts and gate were fitted to, and what came of it."""

    weights: np.ndarray
    gate_shares: np.ndarray
    prediction: np.ndarray
    dispersion: object
    bound: float
    error: float
    responsibilities: np.ndarray
    log_likelihood: np.ndarray


def cross_fitted_em(
    start, data, *, cross, e_step, redraw, max_iter, tol, on_iteration, earlier=None
):
    """Alternate held-out E-steps and M-steps; return the best round, refitted.

    Parameters
    ----------
    start : Result
        Parts to be fitted, and responsibilities to begin with.
    data : TrainingData
    cross : CrossFitting
    e_step : {soft_step, hard_step}
    redraw : callable
        What is made of responsibilities before experts are fitted to them.
    max_iter : int
        Most rounds, of which there are never more than four.
    tol : float
        A gain below this is none.
    on_iteration : callable
        As in ``expectation_maximisation``.
    earlier : Result, optional
        A fit whose objective must not be undercut.

    Returns
    -------
    best : Result
        Its objective is the held-out log-likelihood per unit of weight; the first of its
        ``lower_bounds`` is that of a mixture of experts that are all fitted to all rows.
    """
    parts, point = start.parts, start.responsibilities
    n_experts = parts.pool.n_experts
    gates = _HeldOutGates(parts.gate, data, cross.folds)
    total = data.weights[:, None]

    def settle(prediction, weights, shares, n_steps, iteration):
        """Gate and dispersions for experts that stay as they are."""
        for _ in range(n_steps):
            given = shares
            dispersion = _held_out_dispersion(
                parts, data, cross.folds, prediction, total * given
            )
            log_prob = parts.likelihood.log_prob(data.target, prediction, dispersion)
            log_gate = gates.log_proba(given, iteration)
            log_joint = log_prob + log_gate
            value, shares = e_step(log_joint, data.weights)
        bound = value / data.total
        means = parts.likelihood.mean(prediction, dispersion)
        mean = np.einsum("nk,nk...->n...", normalise(log_gate)[1], means)
        error = cross.squared_error(mean, data)
        log_likelihood = normalise(log_joint)[0]
        return _Round(
            weights, given, prediction, dispersion, bound, error, shares, log_likelihood
        )

    alone = np.tile(total, n_experts)
    # Where dispersions have models, a step costs as much as a round.
    is_cheap = not hasattr(parts.likelihood, "fit_dispersion_model")
    n_steps = _N_INNER_ALONE if is_cheap and n_experts > 1 else 1
    now = best = settle(cross.repeated(n_experts), alone, point, n_steps, 1)
    n_steps = _N_INNER if is_cheap else 1
    bounds, n_without = [best.bound], 0
    stop = on_iteration(1, best.bound, best.bound - cross.alone_bounds.max())
    n_rounds = min(max_iter - 1, _MAX_ROUNDS) if n_experts > 1 else 0
    for iteration in range(2, n_rounds + 2):
        if stop or n_without == _PATIENCE:
            break
        pool = copy(parts.pool)
        pool.iteration = iteration
        pooled = parts.pooled(total * redraw(point), data)
        if parts.has_memory:
            pooled = reweighted(
                parts.likelihood, data.target, now.prediction, now.dispersion, pooled
            )
        prediction = pool.predict_held_out(data.X, data.target, pooled, cross.folds)
        now = settle(prediction, pooled, point, n_steps, iteration)
        point, gain = now.responsibilities, now.bound - best.bound
        is_worse = now.error > _MORE_ERROR * cross.alone_error + _ROUNDING
        if is_worse and cross.adapts:
            parts = replace(parts, pooling=_MORE_POOLING * parts.pooling)
        is_better = gain > tol + _ROUNDING and not (is_worse and cross.adapts)
        n_without = 0 if is_better else n_without + 1
        best = now if is_better else best
        bounds.append(now.bound)
        stop = on_iteration(iteration, now.bound, gain)
    if earlier is not None and earlier.lower_bound > best.bound:
        return replace(earlier, lower_bounds=tuple(bounds), converged=True)
    return _refitted(best, parts, data, bounds)


def _held_out_dispersion(parts, data, folds, prediction, weights):
    """Dispersions at each row; models of them are fitted to the other folds."""
    likelihood = parts.likelihood
    if not hasattr(likelihood, "fit_dispersion_model"):
        return likelihood.fit_dispersion(data.target, prediction, weights)
    at_rows = np.empty(weights.shape)
    for train, test in folds:
        models = likelihood.fit_dispersion_model(
            safe_indexing(data.X, train), data.target[train], prediction[train],
            weights[train],
        )  # fmt: skip
        at_rows[test] = likelihood.dispersion_at(models, safe_indexing(data.X, test))
    return at_rows


def _refitted(best, parts, data, bounds):
    """Gate and experts fitted to all rows, with the shares of the best round."""
    pool = copy(parts.pool)
    pool.iteration = len(bounds)
    pool.fit(data.X, data.target, best.weights)
    with naming_gate(parts.gate, pool.iteration):
        gate = data.bound_gate.fit(parts.gate, best.gate_shares)
    shares = data.weights[:, None] * best.gate_shares
    dispersion = fit_dispersion(
        parts.likelihood, data.X, data.target, best.prediction, shares
    )
    return Result(
        replace(parts, gate=gate, pool=pool, dispersion=dispersion),
        responsibilities=best.responsibilities,
        load=data.weights @ best.responsibilities / data.total,
        lower_bound=best.bound,
        lower_bounds=tuple(bounds),
        converged=True,
        held_out=best.log_likelihood,
    )
