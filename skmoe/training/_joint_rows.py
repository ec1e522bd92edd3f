"""Rows as the joint log-likelihood sees them: visited in slices, and added up."""

import numpy as np

from skmoe._grams import row_slices, triangle

# Numbers that the rows visited at a time hold in each of their arrays.
_CHUNK_CELLS = 50_000


class JointRows:
    """Some rows, and the gate's and the experts' terms that look at them.

    What the terms have collected is left in them; the methods return the rest.

    Parameters
    ----------
    gate, experts : object
        Terms; see ``skmoe.training``.
    weights : ndarray of shape (n_samples,)
    """

    def __init__(self, gate, experts, weights):
        self.gate, self.experts, self.weights = gate, experts, weights
        n_columns = max(experts.n_numbers, gate.n_experts, 1)
        self.slices = row_slices(len(weights), max(_CHUNK_CELLS // n_columns, 64))

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.weights)

    def subset(self, data):
        """Some of the rows, of which ``data.rows`` are the numbers."""
        gate, experts = self.gate.subset(data.rows), self.experts.subset(data.rows)
        if self.experts.design is self.gate.design:
            experts.design = gate.design
        return JointRows(gate, experts, data.weights)

    def with_rows(self, X, target, weights):
        """Other rows, in the same units."""
        gate_design = design = self.gate.design.with_rows(X)
        if self.experts.design is not self.gate.design:
            design = self.experts.design.with_rows(X)
        gate = self.gate.with_rows(gate_design, weights)
        return JointRows(gate, self.experts.with_rows(design, target, weights), weights)

    def begin(self, vector):
        """Let the terms take on parameters."""
        self.gate.begin(vector[: self.gate.size])
        self.experts.begin(vector[self.gate.size :])

    def visit(self, vector):
        """E-step: slices, log-likelihoods, and weighted responsibilities (K, n_rows)."""
        self.begin(vector)
        for part in self.slices:
            joint = self.experts.log_prob(part)
            joint += self.gate.log_prob(part)
            peak = joint.max(axis=0)
            joint -= peak
            np.exp(joint, out=joint)
            total = joint.sum(axis=0)
            joint *= self.weights[part] / total
            yield part, peak + np.log(total), joint

    @np.errstate(all="ignore")  # a step may lead out of all numbers
    def likelihood(self, vector):
        """Log-likelihood and each expert's weight; the terms collect the gradient."""
        value, mass = 0.0, 0.0
        for part, log_likelihood, share in self.visit(vector):
            value += self.weights[part] @ log_likelihood
            mass += share.sum(axis=1)
            self.gate.collect(share)
            self.experts.collect(share)
        return value, mass

    @np.errstate(all="ignore")
    def information(self, vector, observed):
        """The terms collect information; what of it is missing if ``observed``."""
        missing = 0.0
        for part, _, share in self.visit(vector):
            self.gate.collect_information(share)
            self.experts.collect_information(share)
            if observed:
                missing += self._missing(part, share)
        return missing

    @np.errstate(all="ignore")
    def moments(self, vector):
        """The terms of the experts collect what their M-step follows from."""
        for _, _, share in self.visit(vector):
            self.experts.collect_information(share)

    def _missing(self, part, share):
        """Covariance of the complete data's scores given the rows (q, p, q, p)."""
        gate, gate_owners = self.gate.scores()
        experts, owners = self.experts.scores()
        owners = np.concatenate([gate_owners, owners])
        scores = np.concatenate([gate, experts])
        first, second = triangle(len(scores))
        mine = scores * share[owners]
        weights = -mine[first] * (mine / self.weights[part])[second]
        same = owners[first] == owners[second]
        weights[same] += mine[first[same]] * scores[second[same]]
        grams = self.gate.design.grams(part, weights)
        n_columns = grams.shape[1]
        missing = np.empty((len(scores), len(scores), n_columns, n_columns))
        missing[first, second] = missing[second, first] = grams
        return missing.swapaxes(1, 2)
