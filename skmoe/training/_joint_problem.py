"""The likelihood of gate and experts together, as a function of one vector."""

from copy import copy
from dataclasses import replace

import numpy as np
from scipy.linalg import block_diag

from skmoe._blocks import dense_solver
from skmoe.training._parts import Parts

# The information of so many rows, times parameters, is not worth what it costs; but for
# that of a small part of all rows.
_MAX_INFORMATION, _PART = 6_000_000, 0.07
# With more parameters, the observed information costs more than the steps it saves.
_MAX_OBSERVED = 1000
_MAX_HALVINGS = 20
# Curvature of a direction without data, per unit of weight.
_FLAT = 1e-9


class JointProblem:
    """The objective per unit of weight as a function of one vector.

    Parameters
    ----------
    parts : Parts
        With a pool that is bound to the rows.
    data : TrainingData
    terms : object
        The experts' part, which is copied.
    """

    def __init__(self, parts, data, terms):
        self.parts, self.data, self.total = parts, data, data.total
        self.gate = data.bound_gate.terms(parts.gate, parts.pool.n_experts)
        self.experts = copy(terms)
        if self.experts.design.same_as(self.gate.design):
            self.experts.design = self.gate.design
        self.lower = np.concatenate([self.gate.lower, self.experts.lower])
        self.is_small = (
            len(self.lower) <= _MAX_OBSERVED
            and self.experts.design is self.gate.design
            and hasattr(self.gate, "scores")
        )
        self.rows = data.joint_rows(self.gate, self.experts)
        self.sample, self.is_near = self, False
        #: The same problem on what rows there are in memory: these, or a sample.
        self.at_hand = self

    @property
    def is_cheap(self):
        """Whether the information of all rows is worth what it costs."""
        return self.rows.n_samples * len(self.lower) <= _MAX_INFORMATION

    def subset(self, data):
        """The same problem for some of the rows; its vectors mean the same."""
        if data is self.data:
            return self
        part = copy(self)
        part.data, part.total, part.rows = data, data.total, self.rows.subset(data)
        part.gate, part.experts = part.rows.gate, part.rows.experts
        pool = self.data.pool_of(data, self.parts.pool)
        part.parts = replace(self.parts, pool=pool)
        part.sample = part.at_hand = part
        part.is_near = False
        if self.data.is_elsewhere:
            self.at_hand = part  # the last is the largest
        return part

    def take_information_from(self, below):
        """Let a smaller sample estimate the information, where all rows cost too much."""
        if not self.is_cheap:
            is_part = below.rows.n_samples <= _PART * self.rows.n_samples
            self.sample = below if below.is_cheap or is_part else below.sample

    # -- vectors and parts ------------------------------------------------------------

    def vector_of(self, parts):
        """The parameters of fitted parts."""
        gate = self.data.bound_gate.parameters(parts.gate, self.gate)
        experts = parts.pool.parameters(self.experts, parts.dispersion)
        return np.concatenate([gate, experts])

    def parts_at(self, vector, n_iter):
        """Fitted parts with these parameters."""
        gate, experts = self._split(vector)
        fitted = self.at_hand.data.bound_gate.with_parameters(
            self.parts.gate, self.gate, gate, n_iter
        )
        pool, dispersion = self.parts.pool.with_parameters(self.experts, experts, n_iter)
        return Parts(fitted, pool, self.parts.likelihood, dispersion)

    def _split(self, vector):
        return vector[: self.gate.size], vector[self.gate.size :]

    # -- what the climb asks for ------------------------------------------------------

    @np.errstate(all="ignore")  # a step may lead out of all numbers
    def evaluate(self, vector):
        """Objective and gradient."""
        self.evaluated = vector
        value, self.mass = self.rows.likelihood(vector)
        (gate_penalty, gate_slope) = self.gate.penalty()
        (experts_penalty, experts_slope) = self.experts.penalty()
        value -= gate_penalty + experts_penalty
        gradient = np.concatenate(
            [self.gate.gradient() - gate_slope, self.experts.gradient() - experts_slope]
        )
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return -np.inf, np.zeros_like(vector)
        return value / self.total, gradient / self.total

    def admissible(self, vector):
        """The vector, or what lies between it and a model without regimes."""
        if self.experts.has_m_step:
            return vector
        neutral = np.concatenate([np.zeros(self.gate.size), self.experts.neutral()])
        for _ in range(_MAX_HALVINGS):
            if np.isfinite(self.evaluate(vector)[0]):
                return vector
            vector = 0.5 * (vector + neutral)
        return neutral

    def load(self, vector):
        """Each expert's share of the weight."""
        if vector is not self.evaluated:
            self.evaluate(vector)
        return self.mass / self.total

    def preconditioner(self, vector):
        """Solve with the information, which the sample estimates.

        Far from the optimum with that of the complete data, which is block-diagonal and
        leads where EM does. Near it with what the rows tell (Louis 1982), which is less
        what is missing, the experts being unknown, and so leads there faster.
        """
        sample = self.sample
        observed = self.is_near and sample.is_small
        missing = sample.rows.information(vector, observed)
        gate = sample.gate.information(self.total)
        experts = sample.experts.information(self.total)
        solve = None
        if observed:
            matrix = block_diag(gate.dense(), experts.dense())
            size = missing.shape[0] * missing.shape[1]
            scale = self.total / sample.total
            matrix[:size, :size] -= scale * missing.reshape(size, size)
            solve = dense_solver(matrix, _FLAT * self.total)
        if solve is None:
            solve = _side_by_side(gate, experts, self.gate.size, _FLAT * self.total)
        return lambda gradient: solve(gradient * self.total)

    def stepped(self, responsibilities):
        """The M-step in short: one step of Newton, from a model without regimes."""
        neutral = np.concatenate([np.zeros(self.gate.size), self.experts.neutral()])
        self.rows.begin(neutral)
        for part in self.rows.slices:
            self.gate.log_prob(part)
            self.experts.log_prob(part)
            share = responsibilities[part].T * self.rows.weights[part]
            for terms in (self.gate, self.experts):
                terms.collect(share)
                terms.collect_information(share)
        solve = _side_by_side(
            self.gate.information(self.total),
            self.experts.information(self.total),
            self.gate.size,
            _FLAT * self.total,
        )
        slope = np.concatenate([self.gate.gradient(), self.experts.gradient()])
        step = solve(slope)
        least, _ = self.evaluate(neutral)
        # An exponential link may be led too far.
        for size in 0.5 ** np.arange(10):
            if self.evaluate(neutral + size * step)[0] > least:
                return neutral + size * step
        return neutral

    def maximised(self, vector):
        """The M-step of the experts, where it has a closed form."""
        self.rows.moments(vector)
        gate, experts = self._split(vector)
        return np.concatenate([gate, self.experts.maximised(experts)])


def _side_by_side(gate, experts, n_gate, least):
    """Solve with two block-diagonal matrices."""
    first, second = gate.solver(least), experts.solver(least)
    return lambda g: np.concatenate([first(g[:n_gate]), second(g[n_gate:])])
