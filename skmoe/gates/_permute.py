"""Gates whose experts get other numbers."""

from copy import copy

from sklearn.pipeline import Pipeline

from skmoe.gates._protocol import last_step


def can_be_permuted(gate):
    """Tell whether a gate's experts can be given other numbers.

    Parameters
    ----------
    gate : gate
        Fitted or not; or a pipeline that ends in one.

    Returns
    -------
    can_be : bool
        Whether it has ``permuted``.

    See Also
    --------
    permuted_gate : To do so.

    Examples
    --------
    >>> from skmoe.gates import SoftmaxGate, can_be_permuted
    >>> can_be_permuted(SoftmaxGate())
    True
    """
    return hasattr(last_step(gate), "permuted")


def permuted_gate(gate, order):
    """Copy a fitted gate, with its experts in another order.

    Parameters
    ----------
    gate : gate
        For which :func:`can_be_permuted` is true.
    order : ndarray of int of shape (n_experts,)
        Numbers of the experts, the first one to be the first.

    Returns
    -------
    gate : gate
        The copy.

    Raises
    ------
    ValueError
        If a gate does not allow this order; see :func:`expert_tree`.

    See Also
    --------
    can_be_permuted : Whether a gate has what it takes.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate, permuted_gate
    >>> gate = ConstantGate().fit(np.zeros((2, 1)), np.array([[0.2, 0.8], [0.2, 0.8]]))
    >>> permuted_gate(gate, np.array([1, 0])).prior_
    array([0.8, 0.2])
    """
    if not isinstance(gate, Pipeline):
        return gate.permuted(order)
    name, last = gate.steps[-1]
    gate = copy(gate)
    gate.steps = [*gate.steps[:-1], (name, permuted_gate(last, order))]
    return gate


def expert_tree(gate, n_experts):
    """Tell which experts can change places.

    Parameters
    ----------
    gate : gate
        Or a pipeline that ends in one.
    n_experts : int
        Number of its experts.

    Returns
    -------
    tree : tuple of int, or of tuples
        Numbers of the experts from left to right. Branches of one node can change
        places, and nothing else.

    See Also
    --------
    permuted_gate : To let them.

    Examples
    --------
    >>> from skmoe.gates import HierarchicalGate, SoftmaxGate, expert_tree
    >>> expert_tree(SoftmaxGate(), 4), expert_tree(HierarchicalGate((2, 2)), 4)
    ((0, 1, 2, 3), ((0, 1), (2, 3)))
    """
    return getattr(last_step(gate), "expert_tree", tuple(range(n_experts)))
