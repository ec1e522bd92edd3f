"""A tree with as many branches at each node of a level, and who is where in it."""

from itertools import combinations
from math import comb, prod

import numpy as np

from skmoe._softmax_regression import fit_softmax_regression, log_softmax

# More splits than this are not tried out.
_MAX_SPLITS = 300
# Of a split that is tried out: rows that it has less of do not matter.
_N_STEPS, _TOLERANCE, _LEAST_SHARE = 5, 1e-4, 1e-3


class Tree:
    """The shape of a tree.

    Parameters
    ----------
    branching : sequence of int
        Branches at each node of a level, from the root on.
    """

    def __init__(self, branching):
        self.branching = tuple(int(b) for b in branching)
        self.n_leaves = prod(self.branching)
        self.n_nodes = [prod(self.branching[:level]) for level in range(len(branching))]

    def levels(self):
        """Number of nodes, branches of each and leaves of each branch, by level."""
        for n_nodes, n_branches in zip(self.n_nodes, self.branching, strict=True):
            yield n_nodes, n_branches, self.n_leaves // (n_nodes * n_branches)

    @property
    def nested(self):
        """Numbers of the leaves, nested as the nodes are."""
        branches = range(self.n_leaves)
        for n_branches in self.branching[::-1]:
            branches = [
                tuple(branches[first : first + n_branches])
                for first in range(0, len(branches), n_branches)
            ]
        return branches[0]

    def branch_orders(self, order):
        """What becomes of the nodes when leaves change places.

        Parameters
        ----------
        order : ndarray of int of shape (n_leaves,)
            Numbers of the leaves, the first one to be the first.

        Returns
        -------
        orders : list of (int, ndarray of int of shape (n_branches,))
            For each place of a node, the node that comes there, and the order of its
            branches.

        Raises
        ------
        ValueError
            If more than branches of one node change places.
        """
        orders, below = [], np.asarray(order)
        for n_branches, first in zip(
            self.branching[::-1], np.cumsum([0, *self.n_nodes])[-2::-1], strict=True
        ):
            below = below.reshape(-1, n_branches)
            nodes = below[:, 0] // n_branches
            if np.any(below // n_branches != nodes[:, None]):
                raise ValueError(
                    f"HierarchicalGate: the order {list(map(int, order))} is not one of "
                    f"the tree {self.nested}, where only branches of one node can change "
                    "places; use a SoftmaxGate to have the experts in any order."
                )
            own = zip(nodes + first, below % n_branches, strict=True)
            orders[:0], below = own, nodes
        return orders

    def shares(self, leaves):
        """What comes to each branch of each node.

        Parameters
        ----------
        leaves : ndarray of shape (n_leaves, n_samples)

        Returns
        -------
        shares : list of ndarray of shape (n_branches, n_samples)
            One for each node, level by level.
        """
        nodes = []
        for n_nodes, n_branches, size in self.levels():
            nodes += list(leaves.reshape(n_nodes, n_branches, size, -1).sum(axis=2))
        return nodes

    def along_paths(self, nodes):
        """Sums along the paths from the root to each leaf.

        Parameters
        ----------
        nodes : list of ndarray of shape (n_branches, n_samples)
            One for each node, level by level.

        Returns
        -------
        leaves : ndarray of shape (n_leaves, n_samples)
        """
        nodes = iter(nodes)
        sums = np.zeros((1, 1))
        for n_nodes, _, _ in self.levels():
            own = np.stack([next(nodes) for _ in range(n_nodes)])
            sums = (sums[:, None] + own).reshape(-1, own.shape[-1])
        return sums


def best_order(design, shares, tree, alpha):
    """An order of the experts in which the nodes can tell their branches apart.

    Of few experts, all ways of sharing them out are tried. Many are shared out along the
    line on which their means vary most, at each node.

    Parameters
    ----------
    design : Design
    shares : ndarray of shape (n_experts, n_samples)
        Weights times responsibilities.
    tree : Tree
    alpha : float
        Strength of the L2 penalty of each node.

    Returns
    -------
    order : ndarray of int of shape (n_experts,)
        Numbers of the experts at the leaves, from left to right.
    """
    experts = tuple(range(len(shares)))
    if _n_splits(tree.branching) > _MAX_SPLITS:
        mass = np.maximum(shares.sum(axis=1), np.finfo(np.float64).tiny)
        means = (shares @ design.matrix) / mass[:, None]
        return np.array(_along_lines(means, mass, list(experts), tree.branching))
    search = _Search(design.matrix, shares, alpha * design.penalized)
    return np.array(search.best(experts, tree.branching)[1])


class _Search:
    """Tries all ways of sharing out experts among branches.

    Parameters
    ----------
    rows : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    shares : ndarray of shape (n_experts, n_samples)
    ridge : ndarray of shape (n_columns,)
    """

    def __init__(self, rows, shares, ridge):
        self.rows, self.shares, self.ridge = rows, shares, ridge
        self.known = {}

    def best(self, experts, branching):
        """The highest objective below a node that has these experts, and their order."""
        if not branching:
            return 0.0, experts
        key = (experts, branching)
        if key not in self.known:
            size = len(experts) // branching[0]
            ways = (self._of(groups, branching[1:]) for groups in _groups(experts, size))
            self.known[key] = max(ways, key=lambda way: way[0])
        return self.known[key]

    def _of(self, groups, below):
        value = self.value(groups)
        order = ()
        for group in groups:
            more, part = self.best(group, below)
            value, order = value + more, order + part
        return value, order

    def value(self, groups):
        """What a softmax regression of rows on these groups of experts reaches."""
        targets = np.stack([self.shares[list(group)].sum(axis=0) for group in groups])
        mass = targets.sum(axis=0)
        kept = mass > _LEAST_SHARE * mass.max()
        rows, targets = self.rows[kept], targets[:, kept]
        n_groups, n_columns = len(groups), rows.shape[1]
        coef, _ = fit_softmax_regression(
            rows,
            targets,
            ridge=self.ridge,
            coupling=np.eye(n_groups - 1) - 1.0 / n_groups,
            start=np.zeros((n_groups - 1, n_columns)),
            tol=_TOLERANCE,
            max_iter=_N_STEPS,
        )
        logits = np.zeros(targets.shape)
        logits[:-1] = (rows @ coef.T).T
        return np.vdot(targets, log_softmax(logits))


def _groups(experts, size):
    """All ways of making groups of a size, whose order does not matter."""
    if not experts:
        yield ()
        return
    first, rest = experts[0], experts[1:]
    for others in combinations(rest, size - 1):
        left = tuple(k for k in rest if k not in others)
        for groups in _groups(left, size):
            yield ((first, *others), *groups)


def _n_splits(branching):
    """How many splits of a node there are to try out."""
    n_splits, n_subsets, size = 0, 1, prod(branching)
    for n_branches in branching:
        part, ways, left = size // n_branches, 1, size
        while left > 0:
            ways *= comb(left - 1, part - 1)
            left -= part
        n_splits += n_subsets * ways
        n_subsets = comb(prod(branching), part)
        size = part
    return n_splits


def _along_lines(means, mass, experts, branching):
    """Experts shared out along the line on which their means vary most."""
    if not branching:
        return experts
    own, own_mass = means[experts], mass[experts]
    centred = own - np.average(own, axis=0, weights=own_mass)
    direction = np.linalg.svd(centred * np.sqrt(own_mass)[:, None])[2][0]
    # The sign of a direction is nobody's choice.
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    order = np.argsort(centred @ direction, kind="stable")
    parts = np.array_split(np.array(experts)[order], branching[0])
    ordered = (_along_lines(means, mass, sorted(p), branching[1:]) for p in parts)
    return [k for part in ordered for k in part]
