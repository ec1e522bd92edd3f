"""EM in which no row is judged by what was fitted to it.

A flexible expert has memorised its rows: its errors there are tiny, so in the E-step it
claims them, and what follows is worth nothing elsewhere. Here the errors, dispersions and
gate probabilities of an E-step are held out: they come from fits to the other folds. In
the end, gate and experts are fitted to all rows, with the shares of the best round.

*Pooling* keeps experts from knowing their own rows only: expert k is fitted with weights
proportional to r_k + s. Where s is large, all are the expert that is fitted to all rows;
so there is a path from the single expert to the mixture. Unless the user has set s, it is
raised where the mixture's mean is further from held-out rows than the single expert's; a
round in which it is so is never the best. Where a round gains much, regimes are clear,
and experts that still know the others' rows would blur them: s is lowered.
"""

from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from skmoe._naming import naming_gate
from skmoe._routes import Routes
from skmoe._sklearn_compat import safe_indexing
from skmoe.likelihoods import component_of, fit_dispersion, likelihood_of_experts
from skmoe.training._em import Result
from skmoe.training._parts import normalise, reweighted

# Rounds fit every expert in every fold; more of them bring next to nothing.
_MAX_ROUNDS = 4
# Rounds without a better likelihood after which the best is returned.
_PATIENCE = 2
# In a round, gate and dispersions go on for so many steps while experts stay: they cost
# little, and spare rounds. The first is for experts that are fitted to all rows.
_N_STEPS, _N_FIRST_STEPS = 5, 10
# Rounding must not decide which round is the best, even where ``tol`` is zero.
_ROUNDING = 1e-9
# By so much may the squared error of held-out means exceed the single expert's: below it,
# chance and the fewer rows of a fold decide.
_MORE_ERROR = 1.02
# What pooling is multiplied by where the error exceeds that, or divided by where a round
# gains so many nats per row: less than that, boosting gains on tables without regimes.
_MORE_POOLING, _CLEAR_GAIN = 3.0, 0.1


@dataclass
class CrossFitting:
    """How rows are held out, and what experts alone make of them.

    ``folds`` are pairs of row numbers (train, test); ``columns`` is the target as
    numbers, (n_samples, n_targets); ``adapts`` tells whether pooling may be changed.
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
        # None of the others is asked, so none is fitted.
        n_samples, n_experts = len(data.weights), parts.pool.n_experts
        routes = Routes(np.tile(np.arange(n_kinds), (n_samples, 1)), n_experts)
        weights = routes.table(np.tile(data.weights[:, None], n_kinds))
        parts = replace(parts, likelihood=likelihood_of_experts(parts.likelihood))
        pool = copy(parts.pool)
        pool.iteration = 1
        alone = pool.predict_held_out(
            data.X, data.target, weights, self.folds, range(n_kinds)
        )
        bounds, errors = [], []
        for k in range(n_kinds):
            one, own = alone[:, [k]], data.weights[:, None]
            dispersion = _held_out_dispersion(parts, data, self.folds, one, own)
            log_prob = parts.likelihood.log_prob(data.target, one, dispersion)
            bounds.append(data.weights @ log_prob[:, 0] / data.total)
            mean = parts.likelihood.mean(one, dispersion)[:, 0]
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

    def repeated(self, parts):
        """Held-out predictions of experts alone, in the columns of ``parts``."""
        kinds = np.arange(parts.n_own) % self.alone.shape[1]
        prediction = self.alone[:, kinds]
        if component_of(parts.likelihood) is None:
            return prediction
        return parts.pool.with_constant(prediction)


@dataclass
class _Round:
    """What experts and gate were fitted with, and what came of it on held-out rows.

    ``dispersion`` is that of each row where it depends on x; ``error`` is the squared
    error of the mixture's mean.
    """

    weights: np.ndarray
    gate_shares: np.ndarray
    prediction: np.ndarray
    dispersion: object
    bound: float
    error: float
    responsibilities: np.ndarray
    log_likelihood: np.ndarray


class _HeldOut:
    """Rounds on held-out rows; each fold has a gate, which goes on from its last state.

    Parameters
    ----------
    parts : Parts
    data : TrainingData
    cross : CrossFitting
    e_step : {soft_step, hard_step}
    """

    def __init__(self, parts, data, cross, e_step):
        self.parts, self.data, self.cross, self.e_step = parts, data, cross, e_step
        # Where dispersions have models, a step costs as much as a round.
        self.is_cheap = not hasattr(parts.likelihood, "fit_dispersion_model")
        self.gates = [data.fold_gate(parts.gate, *fold) for fold in cross.folds]

    def alone(self, responsibilities):
        """The round of experts that are all fitted to all rows."""
        n_experts = self.parts.pool.n_experts
        weights = np.tile(self.data.weights[:, None], n_experts)
        prediction = self.cross.repeated(self.parts)
        n_steps = _N_FIRST_STEPS if n_experts > 1 else 1
        return self._settle(prediction, weights, responsibilities, n_steps, 1)

    def next(self, before, drawn, responsibilities, pooling, iteration):
        """The round of experts that are fitted to the shares ``drawn``."""
        parts, data = replace(self.parts, pooling=pooling), self.data
        weights = parts.pooled(data.weights[:, None] * drawn, data)
        if parts.has_memory:
            weights = reweighted(
                parts.likelihood, data.target, before.prediction, before.dispersion,
                weights,
            )  # fmt: skip
        pool = copy(parts.pool)
        pool.iteration = iteration
        prediction = pool.predict_held_out(data.X, data.target, weights, self.cross.folds)
        return self._settle(prediction, weights, responsibilities, _N_STEPS, iteration)

    def _settle(self, prediction, weights, responsibilities, n_steps, iteration):
        """Gate, dispersions and responsibilities for experts that stay as they are."""
        parts, data, cross = self.parts, self.data, self.cross
        for _ in range(n_steps if self.is_cheap else 1):
            given = responsibilities
            dispersion = _held_out_dispersion(
                parts, data, cross.folds, prediction, data.weights[:, None] * given
            )
            log_gate = self._log_gate(given, iteration)
            log_prob = parts.likelihood.log_prob(data.target, prediction, dispersion)
            log_joint = data.joint(log_gate, log_prob)
            value, responsibilities = data.expect(log_joint, self.e_step)
        means = parts.likelihood.mean(prediction, dispersion)
        mean = np.einsum("nk,nk...->n...", normalise(log_gate)[1], means)
        return _Round(
            weights, given, prediction, dispersion, value / data.total,
            cross.squared_error(mean, data), responsibilities,
            data.log_likelihood(log_joint),
        )  # fmt: skip

    def _log_gate(self, responsibilities, iteration):
        """log g_k(x) of each row by a gate that was fitted to the other folds."""
        log_gate = np.empty_like(responsibilities)
        for gate, (_, test) in zip(self.gates, self.cross.folds, strict=True):
            log_gate[test] = gate.fitted_log_proba(responsibilities, iteration)
        return log_gate


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
    held_out = _HeldOut(parts, data, cross, e_step)
    now = best = held_out.alone(point)
    bounds, n_without, pooling = [best.bound], 0, parts.pooling
    so_far = partial(_ended, best, parts, data, bounds, earlier)
    gain = best.bound - cross.alone_bounds.max()
    stop = on_iteration(1, best.bound, gain, so_far)
    n_rounds = min(max_iter - 1, _MAX_ROUNDS) if parts.pool.n_experts > 1 else 0
    # An expert that is given whole rows may have too few of its own to be fitted.
    lowers = cross.adapts and not getattr(parts.pool, "draws_rows", False)
    for iteration in range(2, n_rounds + 2):
        if stop or n_without == _PATIENCE:
            break
        now = held_out.next(now, redraw(point), point, pooling, iteration)
        point, gain = now.responsibilities, now.bound - best.bound
        is_worse = cross.adapts and (
            now.error > _MORE_ERROR * cross.alone_error + _ROUNDING
        )
        if is_worse:
            pooling *= _MORE_POOLING
        elif lowers and gain > _CLEAR_GAIN:
            pooling /= _MORE_POOLING
        if gain > tol + _ROUNDING and not is_worse:
            best, n_without = now, 0
        else:
            n_without += 1
        bounds.append(now.bound)
        so_far = partial(_ended, best, parts, data, bounds, earlier)
        stop = on_iteration(iteration, now.bound, gain, so_far)
    return _ended(best, parts, data, bounds, earlier)


def _ended(best, parts, data, bounds, earlier):
    """The best round, refitted, or the earlier fit if that is better."""
    if earlier is not None and earlier.lower_bound > best.bound:
        return replace(earlier, lower_bounds=tuple(bounds), converged=True)
    return _refitted(best, parts, data, bounds)


def _held_out_dispersion(parts, data, folds, prediction, weights):
    """Dispersions, at each row where models of them are fitted to the other folds."""
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
