"""A hierarchical gate as a tree to read, and as coefficients of its nodes."""

import numpy as np

from skmoe.inspection._lines import numbered, wrapped

_BAR, _BRANCH, _BELOW = "|   ", "|--- ", "|    "
# Of the report that the tree is a part of.
_INDENT = 2


def drawn_tree(gate, names, expert_names, style):
    """The rule of each branch, one below the other, with the experts as leaves.

    Parameters
    ----------
    gate : HierarchicalGate
        Fitted.
    names : list of str or None
        Of the features.
    expert_names : list of str
    style : Style

    Returns
    -------
    drawing : str
    """
    names = names_of_columns(gate, names)
    return "\n".join(_lines(gate, (), names, expert_names, style))


def names_of_columns(gate, names):
    """Names of a gate's features, numbered where they are not known."""
    known = names is not None and len(names) == gate.n_features_in_
    return names if known else numbered(gate.n_features_in_)


def node_at(gate, path):
    """The node that a path of branches leads to from the root.

    Parameters
    ----------
    gate : HierarchicalGate
    path : tuple of int
        Numbers of the branches taken.

    Returns
    -------
    node : SoftmaxGate
    """
    above = gate.branching[: len(path)]
    before = sum(int(np.prod(above[:level])) for level in range(len(path)))
    return gate.nodes_[before + _number(path, above)]


def path_to(gate, expert):
    """The branches that lead to an expert.

    Parameters
    ----------
    gate : HierarchicalGate
    expert : int
        Its number.

    Returns
    -------
    path : tuple of int
    """
    return tuple(int(b) for b in np.unravel_index(expert, tuple(gate.branching)))


def _number(path, branching):
    """Of what a path leads to, among all of its level."""
    return int(np.ravel_multi_index(path, tuple(branching))) if path else 0


def _lines(gate, path, names, expert_names, style):
    """Of what is below a node; of a leaf, its expert."""
    depth = len(path)
    if depth == len(gate.branching):
        return [_BAR * depth + _BRANCH + expert_names[_number(path, gate.branching)]]
    lines = []
    for branch, pieces in enumerate(_rules(node_at(gate, path), names, style)):
        taken = _INDENT + len(_BAR * depth + _BRANCH)
        first, *rest = wrapped(pieces[1:], pieces[0], taken)
        lines.append(_BAR * depth + _BRANCH + first)
        lines += [_BAR * depth + _BELOW + line for line in rest]
        lines += _lines(gate, (*path, branch), names, expert_names, style)
    return lines


def _rules(node, names, style):
    """Pieces of each branch's rule."""
    if len(node.coef_) == 2:
        coef = node.coef_[0] - node.coef_[1]
        intercept = node.intercept_[0] - node.intercept_[1]
        return [["if", *style.equation(coef, intercept, names), "> 0"], ["else"]]
    pairs = zip(node.coef_, node.intercept_, strict=True)
    return [["if largest:", *style.equation(*pair, names)] for pair in pairs]
