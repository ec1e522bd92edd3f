"""One iteration of EM in which each row is sent to a few of the experts.

With held-out rows, gate and experts are fitted on one *side*, the rows of the other
folds, and asked about those of their own; without, both sides are all rows.
"""

from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from skmoe._naming import naming_gate
from skmoe._routes import Routes, largest
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import gate_penalty, gate_with_load_loss
from skmoe.likelihoods import (
    dispersion_of_pairs,
    fit_dispersion_of_pairs,
    smallest_floor,
)
from skmoe.training._balance import is_even
from skmoe.training._em import Result
from skmoe.training._parts import TrainingData
from skmoe.training._revival import least_load
from skmoe.training._routing import Router, Routing

# In an iteration, dispersions go on for so many steps while experts stay.
_N_STEPS = 3


@dataclass
class Given:
    """What an M-step fits: the rows of each expert, and its shares in them.

    ``shares`` and ``factor`` have the shape (n_samples, n_slots). ``factor`` multiplies
    the shares that experts are fitted with, where the likelihood asks for that.
    """

    routes: Routes
    shares: np.ndarray
    factor: np.ndarray | None = None

    @classmethod
    def of_table(cls, responsibilities, n_slots):
        """The ``n_slots`` largest responsibilities of each row (n_samples, n_experts)."""
        experts, shares = largest(responsibilities.copy(), n_slots)
        shares /= shares.sum(axis=1, keepdims=True)
        return cls(Routes(experts, responsibilities.shape[1]), shares)

    def relabelled(self, order):
        """The same, of experts that are numbered in another order."""
        n_experts = self.routes.n_experts
        numbers = np.empty(n_experts, dtype=np.intp)
        numbers[order] = np.arange(n_experts)
        routes = Routes(numbers[self.routes.experts], n_experts)
        return replace(self, routes=routes)

    def load(self, weights):
        """Share of the weight that each expert is responsible for."""
        mass = weights[:, None] * self.shares
        load = np.bincount(
            self.routes.experts.ravel(), mass.ravel(), self.routes.n_experts
        )
        return load / load.sum()

    def expert_weights(self, weights, pooling):
        """The weights (n_samples, n_slots) that experts are fitted with."""
        values = weights[:, None] * (self.shares + pooling) / (1.0 + pooling)
        if self.factor is None:
            return values
        # Each expert keeps the sum of its weights.
        product, experts = values * self.factor, self.routes.experts
        mass, own = (
            np.bincount(experts.ravel(), numbers.ravel(), self.routes.n_experts)
            for numbers in (values, product)
        )
        return product * (mass / np.where(own > 0, own, 1.0))[experts]

    def drawn(self, draws, weights, random_state):
        """The same with rows drawn by their shares."""
        mass = self.routes.table(weights[:, None] * self.shares)
        drawn = self.routes.values_of(draws.random(mass, random_state))
        return replace(self, shares=drawn / weights[:, None])

    def without(self, experts):
        """The same where these experts have no share of a row."""
        if not experts:
            return self
        closed = np.isin(self.routes.experts, list(experts))
        shares = np.where(closed, 0.0, self.shares)
        total = shares.sum(axis=1, keepdims=True)
        return replace(self, shares=shares / np.where(total > 0, total, 1.0))

    def within(self, routes):
        """The same for other routes; who had no share in a row has next to none."""
        same = self.routes.experts[:, None, :] == routes.experts[:, :, None]
        shares = np.maximum((same * self.shares[:, None, :]).sum(axis=2), 1e-6)
        return Given(routes, shares / shares.sum(axis=1, keepdims=True))


@dataclass
class Side:
    """What is fitted to some rows, ``data``, and asked about the rows ``asked``.

    ``rows`` and ``asked`` are slices or numbers of rows; ``X`` are those asked.
    """

    data: TrainingData
    gate: object
    pool: object
    router: Router
    X: object
    rows: object = field(default_factory=lambda: slice(None))
    asked: object = field(default_factory=lambda: slice(None))


@dataclass
class Step:
    """One iteration: what was fitted, to what it was, and what came of it."""

    sides: list
    given: Given
    routing: Routing
    prediction: np.ndarray
    dispersion: object
    shares: np.ndarray
    log_joint: np.ndarray
    log_likelihood: np.ndarray
    bound: float
    factor: np.ndarray | None
    weights: np.ndarray
    least_load: float

    def without(self, experts):
        """The same where no more rows are sent to these experts.

        Of what was learned of the last rows, nothing is left to them either.
        """
        sides = [
            replace(side, router=side.router.without(experts)) for side in self.sides
        ]
        return replace(self, sides=sides)

    @property
    def starved(self):
        """The experts that get rows, but next to none."""
        is_starved = self.next_given.load(self.weights) < self.least_load
        return set(np.flatnonzero(is_starved).tolist()) - self.closed

    @property
    def closed(self):
        """The experts that no row is sent to any more."""
        return set(self.sides[0].router.closed)

    @property
    def next_given(self):
        """What the next M-step fits."""
        given = Given(self.routing.routes, self.shares, self.factor)
        return given.without(self.closed)


class RoutedTrainer:
    """Makes iterations.

    Parameters
    ----------
    parts : Parts
        To be fitted, or fitted.
    data : TrainingData
    keys : ndarray of shape (n_samples,)
        Numbers in [0, 1) that follow from the rows' content.
    e_step : {soft_step, hard_step}
    folds : list of (train, test), optional
        How rows are held out, if they are.
    """

    def __init__(self, parts, data, keys, e_step, folds=None):
        self.parts, self.data, self.keys, self.e_step = parts, data, keys, e_step
        self.likelihood, self.is_held_out = parts.likelihood, folds is not None
        self.floor = smallest_floor(parts.likelihood, data.target, data.weights)
        self.least_load = least_load(data, parts.pool.n_experts)
        gate = parts.gate
        if folds is None:
            self.sides = [Side(data, gate, parts.pool, parts.router, data.X)]
        else:
            self.sides = [self._side(gate, train, test) for train, test in folds]

    def _side(self, gate, train, test):
        data = self.data
        X = safe_indexing(data.X, train)
        part = TrainingData(X, data.target[train], data.weights[train])
        part.bind(gate)
        asked = safe_indexing(data.X, test)
        parts = self.parts
        return Side(
            part, gate, parts.pool.unfitted(train), parts.router, asked, train, test
        )

    def first(self, given):
        """What is given to the first M-step, balanced and within capacities."""
        router, weights = self.parts.router, self.data.weights
        if router.load_balancing == "bias" and not is_even(given.load(weights)):
            shares = router.balanced_shares(
                given.routes, given.shares, weights, self.keys
            )
            given = replace(given, shares=shares)
        if router.capacity_factor is None:
            return given
        gate = self.data.bound_gate.fit(
            self.sides[0].gate, given.routes.table(given.shares)
        )
        routing = router.route(gate, self.data.X, weights, self.keys, router.top_k)
        return given.within(routing.routes)

    def given_of(self, parts, n_slots):
        """What follows from fitted parts, as they are asked about all rows."""
        return self._evaluated(parts, n_slots).next_given

    def evaluated(self, parts):
        """Fitted parts with their objective."""
        step = self._evaluated(parts, parts.router.top_k)
        return Result(
            parts,
            load=step.routing.routes.load(self.data.weights),
            lower_bound=step.bound,
            gate_entropy=self._entropy(step.routing),
        )

    def _evaluated(self, parts, n_slots):
        side = Side(self.data, parts.gate, parts.pool, self.parts.router, self.data.X)
        return self._answered([side], None, parts.dispersion, n_slots, 0.0, 0)

    def step(self, before, given, iteration, n_slots, jitter):
        """An M-step, and the E-step that follows.

        Parameters
        ----------
        before : Step or None
            What it goes on from.
        given : Given
        iteration, n_slots : int
            The latter is how many experts rows are sent to.
        jitter : float
            Standard deviation of noise in the choice of experts.

        Returns
        -------
        step : Step
        """
        sides = self.sides if before is None else before.sides
        sides = [self._maximise(side, given, iteration) for side in sides]
        dispersion = None if before is None else before.dispersion
        return self._answered(sides, given, dispersion, n_slots, jitter, _N_STEPS)

    def settled(self, step):
        """The same parts, as rows are sent to no more experts than in the end."""
        top_k = self.parts.router.top_k
        return self._answered(
            step.sides, step.given, step.dispersion, top_k, 0.0, _N_STEPS
        )

    def _maximise(self, side, given, iteration):
        data, router = side.data, side.router
        own = Given(given.routes[side.rows], given.shares[side.rows])
        own.factor = None if given.factor is None else given.factor[side.rows]
        weights = own.expert_weights(data.weights, self.parts.pooling)
        pool = copy(side.pool)
        pool.iteration = iteration
        pool.fit(data.X, data.target, own.routes.table(weights))
        gate = side.gate
        if router.load_balancing == "auxiliary":
            load = own.routes.load(data.weights)
            slopes = router.auxiliary_strength * router.n_experts * load
            gate = gate_with_load_loss(gate, slopes)
        with naming_gate(gate, iteration):
            gate = data.bound_gate.fit(gate, own.routes.table(own.shares))
        asked = self.data.weights[side.asked], self.keys[side.asked]
        router = router.balanced(gate, side.X, *asked)
        return replace(side, gate=gate, pool=pool, router=router)

    def _answered(self, sides, given, dispersion, n_slots, jitter, n_steps):
        """What fitted sides say of the rows they are asked about."""
        data = self.data
        answers = [self._ask(side, n_slots, jitter) for side in sides]
        routing, prediction = self._joined(sides, answers)
        routes, shares = routing.routes, np.exp(routing.log_gate)
        if dispersion is not None or n_steps == 0:
            at_pairs = dispersion_of_pairs(self.likelihood, dispersion, data.X, routes)
            value, shares, log_joint = self._e_step(routing, prediction, at_pairs)
        for _ in range(n_steps):
            dispersion, at_pairs = self._dispersion(
                sides, prediction, data.weights[:, None] * shares, routes, dispersion
            )
            value, shares, log_joint = self._e_step(routing, prediction, at_pairs)
        if not self.is_held_out:
            value -= gate_penalty(sides[0].gate) + sides[0].pool.penalty
        value += np.sum(data.weights * routing.log_evidence)
        factor = None
        if hasattr(self.likelihood, "expert_weights"):
            factor = self.likelihood.expert_weights(data.target, prediction, at_pairs)
        return Step(
            sides, given, routing, prediction, dispersion, shares, log_joint,
            np.logaddexp.reduce(log_joint, axis=1), value / data.total, factor,
            data.weights, self.least_load,
        )  # fmt: skip

    def _e_step(self, routing, prediction, dispersion):
        """Log-likelihood, shares, and log g_k + log f_k of the pairs."""
        log_prob = self.likelihood.log_prob(self.data.target, prediction, dispersion)
        log_joint = routing.log_gate + log_prob
        value, shares = self.e_step(log_joint, self.data.weights)
        return value, shares, log_joint

    def _ask(self, side, n_slots, jitter):
        weights, keys = self.data.weights[side.asked], self.keys[side.asked]
        routing = side.router.route(side.gate, side.X, weights, keys, n_slots, jitter)
        return routing, side.pool.predict_routed(side.X, routing.routes)

    def _joined(self, sides, answers):
        """The answers of all sides as one."""
        if len(sides) == 1:
            return answers[0]
        n_samples = len(self.keys)
        experts, log_gate, evidence, prediction = (
            np.empty((n_samples, *part.shape[1:]), part.dtype)
            for part in _arrays(*answers[0])
        )
        joined = experts, log_gate, evidence, prediction
        for side, answer in zip(sides, answers, strict=True):
            for whole, part in zip(joined, _arrays(*answer), strict=True):
                whole[side.asked] = part
        routes = Routes(experts, answers[0][0].routes.n_experts)
        return Routing(routes, log_gate, evidence), prediction

    def _dispersion(self, sides, prediction, mass, routes, earlier):
        """Dispersions, and those of each row's experts."""
        data, likelihood = self.data, self.likelihood
        if not (self.is_held_out and hasattr(likelihood, "fit_dispersion_model")):
            dispersion = fit_dispersion_of_pairs(
                likelihood, data.X, data.target, prediction, mass, routes, self.floor,
                earlier,
            )  # fmt: skip
            return dispersion, dispersion_of_pairs(likelihood, dispersion, data.X, routes)
        # Models are held out, as gates and experts are.
        at_pairs = np.empty(mass.shape)
        for side in sides:
            rows = side.rows
            models = fit_dispersion_of_pairs(
                likelihood, side.data.X, side.data.target, prediction[rows], mass[rows],
                routes[rows], self.floor,
            )  # fmt: skip
            at_pairs[side.asked] = dispersion_of_pairs(
                likelihood, models, side.X, routes[side.asked]
            )
        return models, at_pairs

    def finished(self, step, iteration):
        """Fitted parts, refitted to all rows where these were held out, as a result."""
        data, parts = self.data, self.parts
        side, dispersion = step.sides[0], step.dispersion
        if self.is_held_out:
            whole = Side(data, side.gate, parts.pool, side.router, data.X)
            side = self._maximise(whole, step.given, iteration)
            if hasattr(self.likelihood, "fit_dispersion_model"):
                dispersion = fit_dispersion_of_pairs(
                    self.likelihood, data.X, data.target, step.prediction,
                    data.weights[:, None] * step.shares, step.routing.routes, self.floor,
                )  # fmt: skip
        fitted = replace(
            parts, gate=side.gate, pool=side.pool, dispersion=dispersion,
            router=side.router,
        )  # fmt: skip
        routing = side.router.route(
            side.gate, data.X, data.weights, self.keys, side.router.top_k
        )
        return Result(
            fitted,
            load=routing.routes.load(data.weights),
            lower_bound=step.bound,
            converged=True,
            lost=tuple(sorted(step.starved | step.closed)),
            held_out=step.log_likelihood if self.is_held_out else None,
            gate_entropy=self._entropy(routing),
        )

    def _entropy(self, routing):
        """Mean entropy of the weights of each row's experts, in nats."""
        entropy = -np.sum(np.exp(routing.log_gate) * routing.log_gate, axis=1)
        return float(self.data.weights @ entropy / self.data.total)


def _arrays(routing, prediction):
    evidence = np.broadcast_to(routing.log_evidence, len(prediction))
    return routing.routes.experts, routing.log_gate, evidence, prediction
