r"""Rows that come from one expert together: repeated measures of one unit.

The log-likelihood of a group is

.. math:: \log \sum_k g_k(x_g) \prod_i f_k(y_i \mid x_i)^{w_i}

where the gate sees :math:`x_g`, the group's row in a table of groups. So a row's part of
the joint log-likelihood is :math:`\log f_k + \log g_k / W`, where W is the weight of its
group: parts that are added up, by weight, over the rows of a group. What follows is of
groups, and is given to all of their rows; the loops of training see rows, as ever.
"""

from functools import cached_property

import numpy as np

from skmoe._naming import naming_gate
from skmoe._sklearn_compat import safe_indexing
from skmoe.gates import bind_gate, looks_at_rows
from skmoe.training._draws import RowDraws
from skmoe.training._group_runs import GroupedShortRuns
from skmoe.training._parts import FoldGate, TrainingData, normalise
from skmoe.training._revival import revive
from skmoe.training._rows import RowSummary


class GroupedData(TrainingData):
    """Rows in ``groups``; ``log_prior``, if there is one, is constant within a group."""

    @cached_property
    def table(self):
        """One row for each group."""
        return self.groups.table(self.X, self.weights)

    def table_for(self, gate):
        """What the gate sees of the groups; their first rows if it looks at none."""
        if looks_at_rows(gate):
            return self.table
        return safe_indexing(self.X, self.groups.first)

    @cached_property
    def mass(self):
        """Weight of each group."""
        return self.groups.sums(self.weights)

    @property
    def unit_weights(self):
        """Groups count once."""
        return np.ones(len(self.groups))

    def bind(self, gate):
        """Prepare the groups for being fitted by ``gate`` many times."""
        table = self.table_for(gate)
        with naming_gate(gate):
            bound = bind_gate(gate, table, self.unit_weights)
        self.bound_gate = _BoundToGroups(bound, self.groups)

    def joint(self, log_gate, log_prob):
        """Each row's part of what is added up within its group."""
        if self.log_prior is not None:
            log_gate = log_gate + self.log_prior
        return log_gate / self.mass[self.groups.codes, None] + log_prob

    def added_up(self, log_joint):
        """Joint log-likelihoods of the groups, (n_groups, n_experts)."""
        return self.groups.sums(self.weights[:, None] * log_joint)

    def expect(self, log_joint, e_step):
        """E-step of the groups; all rows of one have its responsibilities."""
        value, shares = e_step(self.added_up(log_joint), self.unit_weights)
        return value, shares[self.groups.codes]

    def log_likelihood(self, log_joint):
        """Of each group."""
        return normalise(self.added_up(log_joint))[0]

    def revived(self, responsibilities, log_joint, lost):
        """Whole groups for the experts that lost theirs."""
        mean = self.added_up(log_joint) / self.mass[:, None]
        units = TrainingData(None, None, self.mass)
        shares = revive(responsibilities[self.groups.first], mean, lost, units)
        return self.allowed(shares[self.groups.codes])

    def allowed(self, responsibilities):
        """The mean over the rows of a group, as far as is allowed."""
        sums = self.groups.sums(self.weights[:, None] * responsibilities)
        return super().allowed((sums / self.mass[:, None])[self.groups.codes])

    def fold_gate(self, gate, train, test):
        """A gate that is fitted to the groups of some rows, and asked about others."""
        own, codes = np.unique(self.groups.codes[train]), self.groups.codes[test]
        table = self.table_for(gate)
        X, X_test = safe_indexing(table, own), safe_indexing(table, codes)
        first = self.groups.first[own]
        return FoldGate(gate, X, self.unit_weights[own], first, X_test)


class _BoundToGroups:
    """A gate bound to the table of groups, for who thinks in rows."""

    def __init__(self, bound, groups):
        self.bound, self.groups = bound, groups

    def fit(self, gate, responsibilities):
        """A fitted copy of ``gate``; each group counts once."""
        return self.bound.fit(gate, responsibilities[self.groups.first])

    def joint_log_proba(self, gate):
        """What the E-step adds for each row's group."""
        return self.bound.joint_log_proba(gate)[self.groups.codes]


class GroupedSummary(RowSummary):
    """Rows in groups, whose samples, draws and folds are those of whole groups.

    Parameters
    ----------
    data : GroupedData
    columns : ndarray of shape (n_samples, n_targets)
        The target as numbers.
    least_variance : float
        See :class:`RowSummary`.
    """

    def __init__(self, data, columns, least_variance=1e-3):
        super().__init__(data.X, columns, data.weights, least_variance)
        self.data, self.groups = data, data.groups

    runs = GroupedShortRuns

    @cached_property
    def of_groups(self):
        """The summary of what the rows of a group are in the mean."""
        data = self.data
        sums = self.groups.sums(self.weights[:, None] * self.raw_target)
        target, ones = sums / data.mass[:, None], data.unit_weights
        means = self.groups.sums(self.weights[:, None] * self.features)
        return RowSummary(means / data.mass[:, None], target, ones, self.least_variance)

    @property
    def draws(self):
        """Draws of whole groups."""
        return GroupDraws(self)

    def thinned(self, n_rows, random_state):
        """The rows of groups that are drawn by their content, at most ``n_rows``."""
        offset = random_state.uniform()
        if n_rows >= len(self.weights):
            return self
        places = self.of_groups._places(offset)
        order = np.argsort(places, kind="stable")
        n_before = np.cumsum(self.groups.sizes[order])
        n_groups = max(int(np.searchsorted(n_before, n_rows, side="right")), 1)
        # All copies of the last group, as a group twice is not another sample.
        kept = places <= places[order[n_groups - 1]]
        rows = self.order[kept[self.groups.codes[self.order]]]
        groups = self.groups.subset(rows)
        data = GroupedData(None, None, self.weights[rows], groups=groups)
        part = GroupedSummary(data, None, self.least_variance)
        part.features, part.target = self.features[rows], self.target[rows]
        part.order = np.arange(len(rows))
        return part

    def around(self, center):
        """The same of what ``center`` leaves of the target."""
        rest = super().around(center)
        if rest is self:
            return self
        return GroupedSummary(self.data, rest.raw_target, self.least_variance)

    def folds(self, n_folds, random_state, strata=None):
        """The fold of each row, that of its group; strata are of rows, and of no use."""
        return self.of_groups.folds(n_folds, random_state)[self.groups.codes]

    def n_distinct(self):
        """Number of groups that are no copies of others."""
        return self.of_groups.n_distinct()


class GroupDraws(RowDraws):
    """Whole groups in place of shares of groups; steady draws are of rows.

    Parameters
    ----------
    summary : GroupedSummary
    """

    def random(self, mass, random_state):
        """Weights of the rows of random groups, each as often as it is drawn."""
        summary, groups = self.summary, self.summary.groups
        shares = mass[groups.first] / summary.weights[groups.first, None]
        drawn = RowDraws(summary.of_groups).random(shares, random_state)
        return drawn[groups.codes] * summary.weights[:, None]
