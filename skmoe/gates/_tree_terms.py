"""A tree of softmax gates as a part of the joint log-likelihood."""

from copy import copy

import numpy as np
from scipy.linalg import block_diag

from skmoe._blocks import Blocks
from skmoe.gates._softmax_terms import SoftmaxTerms


class NodeTerms(SoftmaxTerms):
    """Those of one softmax gate, to which only a part of each row comes."""

    def _mass(self, share):
        return share.sum(axis=0)


class TreeTerms:
    """log g_k(x) and its derivatives; see ``skmoe.training`` for the protocol.

    The nodes' coefficients come one after the other, level by level.

    Parameters
    ----------
    design : Design
    weights : ndarray of shape (n_samples,)
    tree : Tree
    alpha : float
        Strength of the L2 penalty of each node.
    """

    def __init__(self, design, weights, tree, alpha):
        self.tree = tree
        self.n_experts = tree.n_leaves
        self.nodes = [
            NodeTerms(design, weights, n_branches, alpha)
            for n_nodes, n_branches, _ in tree.levels()
            for _ in range(n_nodes)
        ]
        self.size = sum(node.size for node in self.nodes)
        self.lower = np.full(self.size, -np.inf)

    @property
    def design(self):
        """The rows that all nodes look at."""
        return self.nodes[0].design

    @property
    def total(self):
        """Weight of all rows."""
        return self.nodes[0].total

    @total.setter
    def total(self, total):
        for node in self.nodes:
            node.total = total

    def subset(self, rows):
        """The terms of some rows, in the same units."""
        first = self.nodes[0]
        return self.with_rows(first.design.subset(rows), first.weights[rows])

    def with_rows(self, design, weights):
        """The terms of other rows, in the same units."""
        part = copy(self)
        part.nodes = [node.with_rows(design, weights) for node in self.nodes]
        return part

    def split(self, vector):
        """The part of each node."""
        return np.split(vector, np.cumsum([node.size for node in self.nodes])[:-1])

    def begin(self, vector):
        """Take on parameters, before the first rows."""
        for node, own in zip(self.nodes, self.split(vector), strict=True):
            node.begin(own)

    def log_prob(self, part):
        """log g_k of the rows of a slice, (n_experts, n_rows)."""
        return self.tree.along_paths([node.log_prob(part) for node in self.nodes])

    def collect(self, share):
        """Add the gradient of sum_ik share_ik log g_k(x_i) for these rows."""
        for node, own in zip(self.nodes, self.tree.shares(share), strict=True):
            node.collect(own)

    def collect_information(self, share):
        """Add the information of these rows."""
        for node, own in zip(self.nodes, self.tree.shares(share), strict=True):
            node.collect_information(own)

    def gradient(self):
        """What was collected."""
        return np.concatenate([node.gradient() for node in self.nodes])

    def penalty(self):
        """The penalty and its gradient."""
        values, slopes = zip(*(node.penalty() for node in self.nodes), strict=True)
        return sum(values), np.concatenate(slopes)

    def information(self, total):
        """What was collected, scaled up to rows of the weight ``total``; by blocks."""
        blocks = [node.information(total).blocks for node in self.nodes]
        if len({block.shape[1] for block in blocks}) == 1:
            return Blocks(np.concatenate(blocks))
        return Blocks(block_diag(*(one for block in blocks for one in block))[None])

    def collected(self):
        """What has been collected since the parameters were taken on."""
        return tuple(node.collected() for node in self.nodes)

    def add(self, collected):
        """Add what others have collected with the same parameters."""
        for node, own in zip(self.nodes, collected, strict=True):
            node.add(own)
