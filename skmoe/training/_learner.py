"""One step on a batch: the gradient of the mixture's likelihood (Jordan & Jacobs 1994).

The gradient with respect to an expert is that of its own log-likelihood, weighted by its
responsibilities. So a step is: responsibilities from what is known before, a step of each
expert with these weights, one of the gate towards them, and dispersions from the last
rows as they were predicted before they were learnt from.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from skmoe._naming import naming_gate
from skmoe._routes import Routes
from skmoe._running import LEARNING_RATE, StepSize, averaged, step_rate
from skmoe.gates import (
    gate_with_least_share,
    gate_with_load_loss,
    joint_log_proba,
    step_gate,
)
from skmoe.likelihoods import dispersion_of_pairs
from skmoe.training._balance import is_even
from skmoe.training._parts import Parts, keeping_mass, normalise
from skmoe.training._residuals import Residuals
from skmoe.training._revival import lost_experts, revive, revived_pairs
from skmoe.training._routed import Given

# A load is averaged over so many batches, at least; and after a revival an expert has as
# long to show what it is worth.
_LOAD_RATE = 0.05
# Standard deviation of what is added to scores for the choice of experts while training.
_JITTER = 0.3
# Batches between the first two revivals of an expert; then twice as many, and so on, as
# one that is not needed costs something each time.
_FIRST_REST = 50
# Of an even share, which the gate gives a revived expert.
_REVIVED_SHARE = 0.5
# Of a bias, in nats, by which an expert's scores move at most with each batch.
_BIAS_STEP = 0.05


@dataclass(frozen=True)
class Batch:
    """Rows that are learnt from together; ``target`` is y as the likelihood takes it."""

    X: object
    target: np.ndarray
    weights: np.ndarray

    def __len__(self):
        return len(self.target)

    @property
    def total(self):
        """Sum of the weights."""
        return self.weights.sum()


@dataclass(frozen=True)
class Pace:
    """How fast older rows lose weight against new ones; see ``step_rate``.

    ``total`` is the weight of the rows that penalties are compared with, where it is not
    that of the rows so far.
    """

    learning_rate: float = LEARNING_RATE
    forgetting_rate: float = 0.0
    total: float | None = None

    def step(self, seen, arriving):
        """The step of a batch of the weight ``arriving`` after others."""
        rate = step_rate(seen, arriving, self.learning_rate, self.forgetting_rate)
        return StepSize(arriving, rate, self.total or seen + arriving)


@dataclass(frozen=True)
class Learner:
    """Gate, experts and dispersions, and what it takes to go on with the next batch.

    It is never changed: :meth:`learn` gives another.

    Parameters
    ----------
    parts : Parts
        With an incremental pool.
    pace : Pace
    random_state : RandomState
    seen : float
        Weight of the rows so far.
    residuals : Residuals
    load : ndarray of shape (n_experts,) or None
        Running average of the experts' shares.
    iteration : int
        Number of the batch.
    rests : ndarray of shape (2, n_experts) or None
        The batch from which on each expert may be revived, and how many there will be
        between its next revival and the one after.
    """

    parts: Parts
    pace: Pace
    random_state: np.random.RandomState
    seen: float = 0.0
    residuals: Residuals | None = None
    load: np.ndarray | None = None
    iteration: int = 0
    rests: np.ndarray | None = None

    @property
    def n_experts(self):
        """Number of experts."""
        return self.parts.pool.n_experts

    def begin(self, batch, given):
        """Fit to given shares, from nothing.

        Parameters
        ----------
        batch : Batch
        given : ndarray of shape (n_samples, n_experts) or Given

        Returns
        -------
        learner : Learner
        """
        answers = _Answers.given(given)
        step = StepSize(batch.total, 1.0, self.pace.total or batch.total)
        parts = self.parts
        for _ in range(parts.pool.n_first_passes):
            weights = answers.expert_weights(parts, batch)
            parts = _moved(parts, batch, answers, weights, step, 0)
        prediction = answers.ask(parts.pool, batch.X)
        window = self.forgotten.residuals.followed_by(
            batch.target, prediction, batch.weights[:, None] * answers.shares,
            answers.routes,
        )  # fmt: skip
        dispersion, window = window.dispersion(parts.likelihood, None)
        parts = replace(parts, dispersion=dispersion)
        return replace(
            self, parts=parts, residuals=window, load=answers.load(batch.weights)
        )

    @property
    def forgotten(self):
        """The same without a window."""
        rate = self.pace.forgetting_rate
        most = np.inf if rate == 0 else max(1.0 / rate, 1.0)
        return replace(self, residuals=Residuals(self.n_experts, most))

    def learn(self, batch, rate=None, n_slots=None):
        """Take one step.

        Parameters
        ----------
        batch : Batch
        rate : float, optional
            Instead of what the rows so far ask for; these rows are not counted then.
        n_slots : int, optional
            Experts of each row, where not ``top_k``.

        Returns
        -------
        learner : Learner
        log_likelihood : ndarray of shape (n_samples,)
            Of the rows, before they were learnt from.
        """
        step = self.pace.step(self.seen, batch.total)
        seen = self.seen + batch.total
        if rate is not None:
            step, seen = replace(step, rate=rate), self.seen
        answers = self._asked(batch, n_slots)
        log_likelihood, shares = normalise(answers.log_joint)
        answers = replace(answers, shares=shares)
        iteration = self.iteration + 1
        load = averaged(
            self.load, answers.load(batch.weights), max(step.rate, _LOAD_RATE)
        )
        window = self.residuals.followed_by(
            batch.target, answers.prediction, batch.weights[:, None] * shares,
            answers.routes,
        )  # fmt: skip
        parts, rests = self.parts, self._rests
        lost = {k for k in lost_experts(load) if iteration >= rests[0, k]}
        if lost:
            rests = _resting(rests, sorted(lost), iteration)
            share = _REVIVED_SHARE / self.n_experts
            gate = gate_with_least_share(parts.gate, sorted(lost), batch.X, share)
            parts = replace(parts, gate=gate, pool=parts.pool.renewed(lost))
            answers = answers.revived(lost, batch)
            load[list(lost)] = 1.0 / self.n_experts
        weights = answers.expert_weights(parts, batch)
        parts = _moved(parts, batch, answers, weights, step, iteration)
        if window.is_due:
            dispersion, window = window.dispersion(parts.likelihood, parts.dispersion)
            parts = replace(parts, dispersion=dispersion)
        if parts.router is not None:
            parts = replace(parts, router=_nudged(parts.router, load))
        learner = replace(
            self, parts=parts, seen=seen, residuals=window, load=load,
            iteration=iteration, rests=rests,
        )  # fmt: skip
        return learner, log_likelihood

    @property
    def _rests(self):
        if self.rests is not None:
            return self.rests
        return np.tile([[0], [_FIRST_REST]], (1, self.n_experts))

    def _asked(self, batch, n_slots):
        """What gate and experts say of a batch before they learn from it."""
        if self.parts.router is None:
            return _Answers.of_all(self.parts, batch)
        keys = self.random_state.uniform(size=len(batch))
        n_slots = n_slots or self.parts.router.top_k
        return _Answers.of_routed(self.parts, batch, keys, n_slots, _JITTER)

    def score(self, batch):
        """Log-likelihood of rows (n_samples,), and each expert's share of them."""
        if self.parts.router is None:
            answers = _Answers.of_all(self.parts, batch)
        else:
            keys, top_k = np.linspace(0, 1, len(batch)), self.parts.router.top_k
            answers = _Answers.of_routed(self.parts, batch, keys, top_k, 0.0)
        log_likelihood, shares = normalise(answers.log_joint)
        return log_likelihood, replace(answers, shares=shares).load(batch.weights)


@dataclass(frozen=True)
class _Answers:
    """What is known of rows and the experts asked: all, or those of ``routes``."""

    routes: Routes | None
    shares: np.ndarray | None = None
    prediction: np.ndarray | None = None
    dispersion: object = None
    log_joint: np.ndarray | None = None

    @classmethod
    def given(cls, given):
        """With shares and nothing else."""
        if isinstance(given, Given):
            return cls(given.routes, given.shares)
        return cls(None, given)

    @classmethod
    def of_all(cls, parts, batch):
        """Of fitted parts that ask all experts."""
        return cls._of(parts, batch, None, joint_log_proba(parts.gate, batch.X))

    @classmethod
    def of_routed(cls, parts, batch, keys, n_slots, jitter):
        """Of fitted parts that send rows to some experts."""
        routing = parts.router.route(
            parts.gate, batch.X, batch.weights, keys, n_slots, jitter
        )
        return cls._of(parts, batch, routing.routes, routing.log_gate)

    @classmethod
    def _of(cls, parts, batch, routes, log_gate):
        answers = cls(routes)
        prediction = answers.ask(parts.pool, batch.X)
        dispersion = parts.dispersion
        if routes is not None:
            dispersion = dispersion_of_pairs(
                parts.likelihood, parts.dispersion, batch.X, routes
            )
        log_prob = parts.likelihood.log_prob(batch.target, prediction, dispersion)
        return replace(
            answers, prediction=prediction, dispersion=dispersion,
            log_joint=log_gate + log_prob,
        )  # fmt: skip

    def ask(self, pool, X):
        """What the experts of a pool predict."""
        if self.routes is None:
            return pool.predict(X)
        return pool.predict_routed(X, self.routes)

    def table(self, values):
        """Values as a table of all rows and experts."""
        return values if self.routes is None else self.routes.table(values)

    def load(self, weights):
        """Each expert's share of the weight, or of that of the rows sent to experts."""
        if self.routes is not None:
            return self.routes.load(weights)
        return weights @ self.shares / weights.sum()

    def revived(self, lost, batch):
        """The same with rows for the experts that lost theirs."""
        if self.routes is None:
            shares = revive(self.shares, self.log_joint, lost, batch)
            return replace(self, shares=shares)
        routes, shares = revived_pairs(
            Given(self.routes, self.shares), self.log_joint, lost, batch
        )
        return replace(self, routes=routes, shares=shares)

    def expert_weights(self, parts, batch):
        """The weights that experts are fitted with; see ``Parts.maximise``."""
        factor = None
        if parts.has_memory and self.prediction is not None:
            factor = parts.likelihood.expert_weights(
                batch.target, self.prediction, self.dispersion
            )
        if self.routes is not None:
            given = Given(self.routes, self.shares, factor)
            return self.table(given.expert_weights(batch.weights, parts.pooling))
        shares = (self.shares + parts.pooling) / (1.0 + parts.pooling)
        weights = batch.weights[:, None] * shares
        return weights if factor is None else keeping_mass(weights, factor)


def _moved(parts, batch, answers, expert_weights, step, iteration):
    """The parts after a step of experts and gate."""
    pool = copy(parts.pool)
    pool.iteration = iteration
    pool.partial_fit(batch.X, batch.target, expert_weights, step)
    gate, router = parts.gate, parts.router
    if router is not None and router.load_balancing == "auxiliary":
        load = answers.load(batch.weights)
        strength = router.auxiliary_strength * len(load)
        gate = gate_with_load_loss(gate, strength * load)
    with naming_gate(gate, iteration):
        table = answers.table(answers.shares)
        gate = step_gate(gate, batch.X, table, batch.weights, step)
    return replace(parts, gate=gate, pool=pool)


def _resting(rests, experts, iteration):
    """``rests`` after a revival."""
    rests = rests.copy()
    rests[0, experts] = iteration + rests[1, experts]
    rests[1, experts] *= 2
    return rests


def _nudged(router, load):
    """The router with a bias a little towards an even load (DeepSeek-AI 2024)."""
    if router.load_balancing != "bias" or is_even(load):
        return router
    excess = load * len(load) - 1.0
    balance = 0.0 if router.balance is None else router.balance
    balance = balance - _BIAS_STEP * np.clip(excess, -1.0, 1.0)
    return replace(router, balance=balance - balance.mean())
