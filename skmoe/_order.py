"""The order in which the experts of a fit are published.

What an expert is called says nothing of the model. So that fits can be compared, clones
of one expert are numbered by their load, the largest first. Where loads are alike, as
they are where the data are symmetric, it is told from where an expert's rows lie.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from skmoe.gates import can_be_permuted, expert_tree, permuted_gate
from skmoe.likelihoods import permuted_dispersion
from skmoe.training import E_STEPS, first_rows

# Of an even share, by which loads may differ and be alike: training tells no more.
_ALIKE_LOADS = 1e-5
# Standard deviations by which the means of what experts see may differ and be alike.
_ALIKE_MEANS = 0.05


def in_order(result, model, data, summary):
    """What training led to, with its experts in order.

    Unless there is an order to be kept, or the gate has no ``permuted``. Where a gate is
    a tree, branches are ordered within their nodes, by the load of all experts below
    them.

    Parameters
    ----------
    result : Result
    model : estimator
        That is fitted.
    data : TrainingData
    summary : RowSummary

    Returns
    -------
    result : Result
    """
    gate, n_experts = result.parts.gate, result.parts.pool.n_experts
    is_given = _has_order(model) or data.log_prior is not None
    if n_experts == 1 or is_given or not can_be_permuted(gate):
        return result
    find_means = partial(_means_of_rows, result.parts, data, summary)
    ranking, tree = _Ranking(result.load, find_means), expert_tree(gate, n_experts)
    n_own = result.parts.n_own
    if n_own == n_experts:
        return _permuted(result, np.array(ranking.order(tree)))
    if tree != tuple(range(n_experts)):  # one of its branches holds the component
        return result
    # A component besides the experts stays the last.
    return _permuted(result, np.array([*ranking.order(tree[:-1]), n_own]))


def _has_order(model):
    """Whether a user's list or responsibilities, or an earlier fit, give an order."""
    if isinstance(model.experts, list) or not isinstance(model.init, str):
        return True
    return model.warm_start and hasattr(model, "experts_")


class _Ranking:
    """Experts, or branches of a tree of them, by load, and by where their rows lie.

    Parameters
    ----------
    load : ndarray of shape (n_experts,)
    find_means : callable
        Without arguments, it gives means of numbers that describe the rows of each
        expert, (n_experts, n_numbers). It is only called if loads are alike.
    """

    def __init__(self, load, find_means):
        self.load, self.find_means = load, find_means

    def order(self, tree):
        """Numbers of the experts of a tree, the first one first."""
        if not isinstance(tree, tuple):
            return [tree]
        branches = self._sorted([self.order(branch) for branch in tree], 0)
        return [k for branch in branches for k in branch]

    def _sorted(self, branches, level):
        """Branches by a number of theirs; those that are alike in it by the next."""
        if len(branches) < 2 or (level > 0 and self._is_over(branches, level)):
            return branches
        values, alike = self._values(branches, level)
        order = np.argsort(values, kind="stable")
        values, first, branches_in_order = values[order], 0, []
        while first < len(order):
            last = np.searchsorted(values, values[first] + alike, side="right")
            tied = [branches[i] for i in sorted(order[first:last])]
            branches_in_order += self._sorted(tied, level + 1)
            first = last
        return branches_in_order

    def _values(self, branches, level):
        """The number of each branch at a level, and by how much equal ones may differ."""
        loads = self._loads(branches)
        if level == 0:
            return -loads, _ALIKE_LOADS / len(self.load)
        means = self.means[:, level - 1]
        sums = np.array([self.load[b] @ means[b] for b in branches])
        return sums / loads, _ALIKE_MEANS

    def _is_over(self, branches, level):
        """Whether nothing more is known of branches: they have no rows, or no number."""
        least = _ALIKE_LOADS / len(self.load)
        return self._loads(branches).min() <= least or level > self.means.shape[1]

    def _loads(self, branches):
        return np.array([self.load[branch].sum() for branch in branches])

    @cached_property
    def means(self):
        """What is found of the experts when it is needed."""
        return self.find_means()


def _means_of_rows(parts, data, summary):
    """Means of target, columns and their products over the rows of each expert.

    In standard units, of as many rows as a start needs; (n_experts, n_numbers).
    """
    part, seen = _part_of_rows(data, summary, parts.pool.n_experts)
    if parts.router is None:
        log_joint = parts.log_joint(part)
    else:  # many experts, and the gate tells where the rows of each lie
        log_joint = part.bound_gate.joint_log_proba(parts.gate)
    shares = part.expect(log_joint, E_STEPS["em"])[1].T * part.weights
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    products = [(shares * column) @ seen.features for column in seen.target.T]
    return np.hstack([shares @ seen.target, shares @ seen.features, *products])


def _part_of_rows(data, summary, n_experts):
    """As many rows as a start needs, and their summary; groups are not torn apart."""
    if data.groups is not None:
        return data, summary
    if data.is_elsewhere:
        rows = np.arange(len(data.gathered.weights))
    else:
        rows = first_rows(data, summary, n_experts, np.random.RandomState(0))
    return data.subset(rows, None), summary.subset(rows)


def _permuted(result, order):
    """A result whose experts are in another order."""
    parts = result.parts
    router = parts.router and parts.router.permuted(order)
    places = np.argsort(order)
    parts = replace(
        parts, gate=permuted_gate(parts.gate, order), router=router,
        pool=OrderedExperts(parts.pool, order),
        dispersion=permuted_dispersion(parts.dispersion, order),
    )  # fmt: skip
    lost = tuple(sorted(int(places[k]) for k in result.lost))
    return replace(result, parts=parts, load=result.load[order], lost=lost)


@dataclass(frozen=True)
class OrderedExperts:
    """A trained pool as it is published: there is no more to fit, or to predict.

    Parameters
    ----------
    pool : pool
    order : ndarray of int of shape (n_experts,)
        Numbers of its experts, the first one to be the first.
    """

    pool: object
    order: np.ndarray

    @property
    def n_experts(self):
        """Number of experts."""
        return self.pool.n_experts

    @property
    def shared_fitted(self):
        """The shared expert, if there is one."""
        return getattr(self.pool, "shared_fitted", None)

    def estimators(self):
        """The fitted scikit-learn estimators."""
        estimators = self.pool.estimators()
        return [estimators[k] for k in self.order]
