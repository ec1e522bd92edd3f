"""A tree of softmax gates (Jordan & Jacobs 1994)."""

from copy import copy
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skmoe._design import Design
from skmoe._running import next_step
from skmoe._sklearn_compat import Interval
from skmoe._softmax_regression import log_softmax
from skmoe.gates._bound import BoundGate
from skmoe.gates._protocol import GateMixin, check_responsibilities
from skmoe.gates._softmax import SoftmaxGate
from skmoe.gates._tree import Tree, best_order
from skmoe.gates._tree_terms import TreeTerms


class HierarchicalGate(GateMixin, BaseEstimator):
    r"""Gate that decides step by step: a tree with a softmax gate at each node.

    .. math:: g_k(x) = \prod_{j \in \text{path to } k} g_{k_j \mid j}(x)

    Experts are the leaves, from left to right. The M-step splits into one weighted
    softmax regression for each node, of the responsibilities that come to its branches.
    With linear experts, all nodes and experts are solved together.

    Which experts are neighbours in the tree is decided where a fit starts: up to eight
    or so are arranged so that the nodes can tell their branches apart best, more along
    lines on which their means vary. In the end, the branches of each node are ordered by
    load, the largest first; the load of a branch is that of all experts below it. If the
    start is given as an array, experts stay in its order.

    Parameters
    ----------
    branching : tuple of int, default=(2, 2)
        Branches at each node of a level, from the root on. Their product is the number
        of experts.
    alpha : float, default=0.01
        Strength of the L2 penalty of each node; see :class:`SoftmaxGate`.
    max_iter : int, default=100
        Most Newton steps of a node in one fit.
    tol : float, default=1e-10
        Expected gain of log-likelihood per row at which the steps end.

    Attributes
    ----------
    nodes_ : list of SoftmaxGate
        Level by level and from left to right; the first is the root. The experts of a
        node are its branches.
    n_parameters_ : int
    penalty_ : float
        The sum of the nodes' penalties.
    n_samples_seen_ : float
        Weight of the rows that it was fitted to, and learnt from.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    SoftmaxGate : One decision between all experts.

    References
    ----------
    .. [1] M. I. Jordan and R. A. Jacobs (1994). Hierarchical mixtures of experts and the
       EM algorithm. Neural Computation 6, 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import HierarchicalGate
    >>> X = np.arange(8.0)[:, None]
    >>> gate = HierarchicalGate((2, 2)).fit(X, np.repeat(np.eye(4), 2, axis=0))
    >>> gate.predict_proba([[0.0], [2.5], [7.0]]).argmax(axis=1)
    array([0, 1, 3])
    >>> [node.n_samples_seen_ for node in gate.nodes_]
    [8.0, 8.0, 8.0]
    """

    _parameter_constraints: dict = {
        "branching": [tuple, list],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, branching=(2, 2), *, alpha=1e-2, max_iter=100, tol=1e-10):
        self.branching = branching
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X, responsibilities, sample_weight=None):
        """Fit each node to what comes to its branches.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : HierarchicalGate
            The fitted gate.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        vars(self).update(vars(self.bind(X, weights).fit(self, targets)))
        return self

    def bind(self, X, weights):
        """Check and standardise X once, for many fits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        bound : BoundGate
            What fits gates to these rows, and may solve them together with experts.
        """
        return _BoundTree(self, X, weights)

    def partial_fit(self, X, responsibilities, sample_weight=None, *, step=None):
        """Let each node take one step on a batch of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.
        step : StepSize, default=None
            How far to go. None counts the rows so far: the last ones weigh most.

        Returns
        -------
        self : HierarchicalGate
            The gate, a step further.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        tree = self._tree(targets.shape[1])
        is_first = not hasattr(self, "nodes_")
        X = _check_numbers(self, X, reset=is_first)
        step = step or next_step(self, weights)
        nodes = [
            copy(node) for node in (self._new_nodes(tree) if is_first else self.nodes_)
        ]
        for node, shares in zip(nodes, tree.shares(targets.T), strict=True):
            mass = shares.sum(axis=0)
            mass[mass < np.finfo(np.float64).tiny] = 0.0
            own = np.full(shares.shape, 1.0 / len(shares))
            np.divide(shares, mass, out=own, where=mass > 0)
            comes = mass * weights
            if comes.any():
                node.partial_fit(X, own.T, comes, step=step)
            elif is_first:  # it has yet to learn of how many branches it has
                node.partial_fit(X, own.T, weights, step=step)
        self._set(nodes)
        return self

    def expert_order(self, X, responsibilities, weights):
        """Find an order of the experts in which the nodes can tell branches apart.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
            Each expert's share of a row.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts at the leaves, from left to right.
        """
        tree = self._tree(responsibilities.shape[1])
        X = _check_numbers(copy(self), X, reset=True)
        if issparse(responsibilities):
            responsibilities = responsibilities.toarray()
        shares = responsibilities.T * weights
        return best_order(Design(X, weights), shares, tree, self.alpha)

    def permuted(self, order):
        """Copy the gate, with its experts in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts, the first one to be the first.

        Returns
        -------
        gate : HierarchicalGate
            The copy.

        Raises
        ------
        ValueError
            If more than branches of one node would change places.
        """
        gate = copy(self)
        orders = self._tree(len(order)).branch_orders(order)
        gate.nodes_ = [self.nodes_[j].permuted(own) for j, own in orders]
        return gate

    @property
    def expert_tree(self):
        """Numbers of the experts, as nested as the nodes are.

        Returns
        -------
        expert_tree : tuple
            Of a tuple for each branch of the root, and so on.
        """
        return self._tree(None).nested

    def predict_log_proba(self, X):
        """Log gate probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            Sums of those along each expert's path.
        """
        check_is_fitted(self)
        X = _check_numbers(self, X, reset=False)
        return self._log_proba(
            X,
            np.concatenate([node.coef_ for node in self.nodes_]),
            np.concatenate([node.intercept_ for node in self.nodes_]),
        )

    def _log_proba(self, rows, coef, intercept):
        """That of rows, with the coefficients of all nodes' branches."""
        logits = coef @ rows.T + intercept[:, None]
        ends = np.cumsum([len(node.intercept_) for node in self.nodes_])[:-1]
        tree = self._tree(None)
        return tree.along_paths(list(map(log_softmax, np.split(logits, ends)))).T

    def _tree(self, n_experts):
        """The tree, which has a leaf for each expert."""
        branching = self.branching
        if not branching or not all(
            isinstance(b, Integral) and b >= 2 for b in branching
        ):
            raise ValueError(
                f"HierarchicalGate: branching={branching!r}; pass the branches at each "
                "level, integers of two or more, such as (2, 2)."
            )
        tree = Tree(branching)
        if n_experts is not None and tree.n_leaves != n_experts:
            product = " x ".join(map(str, branching))
            raise ValueError(
                f"HierarchicalGate: branching={tuple(branching)} has {product} = "
                f"{tree.n_leaves} leaves, and there are {n_experts} experts; set "
                f"n_experts={tree.n_leaves}, or another branching."
            )
        return tree

    def _new_nodes(self, tree):
        n_nodes = sum(tree.n_nodes)
        params = {"max_iter": self.max_iter, "tol": self.tol}
        return [SoftmaxGate(self.alpha, **params) for _ in range(n_nodes)]

    def _set(self, nodes):
        self.nodes_ = nodes
        self.n_parameters_ = sum(node.n_parameters_ for node in nodes)
        self.penalty_ = sum(node.penalty_ for node in nodes)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _BoundTree(BoundGate):
    """Trees of gates and the rows that they are fitted to; see ``BoundGate``."""

    def __init__(self, gate, X, weights):
        checker = copy(gate)
        X = _check_numbers(checker, X, reset=True)
        names = ("n_features_in_", "feature_names_in_")
        self.features = {k: v for k, v in vars(checker).items() if k in names}
        #: Of each node, which differ in what comes to them only.
        self.node = SoftmaxGate().bind(X, weights)

    @property
    def design(self):
        """The rows in standard units."""
        return self.node.design

    @property
    def weights(self):
        """Of the rows."""
        return self.node.weights

    def _with(self, node):
        part = copy(self)
        part.node = node
        return part

    def subset(self, X, rows):
        """The same for some rows, in the same units."""
        return self._with(self.node.subset(X, rows))

    def with_rows(self, X, weights):
        """The same for other rows, in the same units."""
        return self._with(self.node.with_rows(X, weights))

    def in_units(self, mean, scale):
        """The same rows in the units that these moments of the columns give."""
        return self._with(self.node.in_units(mean, scale))

    def fit(self, gate, responsibilities):
        """A fitted copy of ``gate``, which starts from its state."""
        if issparse(responsibilities):
            responsibilities = responsibilities.toarray()
        tree = gate._tree(responsibilities.shape[1])
        nodes = getattr(gate, "nodes_", None) or gate._new_nodes(tree)
        return self._published(
            gate,
            [
                self.node.fit(node, shares.T)
                for node, shares in zip(
                    nodes, tree.shares(responsibilities.T), strict=True
                )
            ],
        )

    def _published(self, gate, nodes):
        gate = copy(gate)
        vars(gate).pop("feature_names_in_", None)
        vars(gate).update(self.features, n_samples_seen_=float(self.weights.sum()))
        gate._set(nodes)
        return gate

    def joint_log_proba(self, gate):
        """Log gate probabilities of these rows."""
        coef = np.concatenate(
            [self.design.from_user(node.coef_, node.intercept_) for node in gate.nodes_]
        )
        return gate._log_proba(self.design.matrix, coef, np.zeros(len(coef)))

    def terms(self, gate, n_experts):
        """The gate's part of the log-likelihood, for solving it with the experts."""
        return TreeTerms(self.design, self.weights, gate._tree(n_experts), gate.alpha)

    def parameters(self, gate, terms):
        """The parameters of a fitted gate, as ``terms`` takes them."""
        pairs = zip(gate.nodes_, terms.nodes, strict=True)
        return np.concatenate([self.node.parameters(*pair) for pair in pairs])

    def with_parameters(self, gate, terms, vector, n_iter):
        """A copy of ``gate`` with these parameters."""
        nodes = gate._new_nodes(terms.tree)
        parts = zip(nodes, terms.nodes, terms.split(vector), strict=True)
        return self._published(
            gate, [self.node.with_parameters(*part, n_iter) for part in parts]
        )


def _check_numbers(gate, X, reset):
    return validate_data(
        gate, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=reset
    )
