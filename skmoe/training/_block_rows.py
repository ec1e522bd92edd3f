"""Rows of the joint log-likelihood that are in blocks, each wherever it is."""

from functools import partial

from skmoe._threads import limited_threads
from skmoe.training._joint_rows import JointRows


class BlockRows:
    """The same as ``JointRows`` of all rows, whose sums each block makes of its own.

    Parameters
    ----------
    gate, experts : object
        Terms in the units of all rows; what the blocks collect is added up in them.
    data : BlockData
    """

    def __init__(self, gate, experts, data):
        self.gate, self.experts, self.data = gate, experts, data
        self.n_samples = data.n_samples
        # Of all rows, of which the terms have none themselves.
        gate.total = experts.total = data.total
        self.of_no_row = JointRows(gate, experts, data.weights).with_rows(
            data.X_checked[:0], data.target[:0], data.weights[:0]
        )
        for terms in (self.of_no_row.gate, self.of_no_row.experts):
            terms.design.keeps = False

    def subset(self, data):
        """Rows that have been brought here, in the same units."""
        rows = JointRows(self.gate, self.experts, self.data.weights)
        return rows.with_rows(data.X, data.target, data.weights)

    def likelihood(self, vector):
        """Log-likelihood and each expert's weight; the terms collect the gradient."""
        return self._added_up("likelihood", vector)

    def information(self, vector, observed):
        """The terms collect information; what of it is missing if ``observed``."""
        return self._added_up("information", vector, observed)

    def moments(self, vector):
        """The terms of the experts collect what their M-step follows from."""
        self._added_up("moments", vector)

    def _added_up(self, method, vector, *options):
        self.gate.begin(vector[: self.gate.size])
        self.experts.begin(vector[self.gate.size :])
        visit = partial(_visit, self.of_no_row, method, (vector, *options))
        answer, gate, experts = self.data.blocks.add_up(visit)
        self.gate.add(gate)
        self.experts.add(experts)
        return answer


def _visit(of_no_row, method, arguments, block):
    """In the block's place: what it answers, and what its terms have collected."""
    rows = of_no_row.with_rows(block.X, block.target, block.weights)
    with limited_threads(0):
        answer = getattr(rows, method)(*arguments)
    return answer, rows.gate.collected(), rows.experts.collected()
