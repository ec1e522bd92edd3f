"""Starts in an order of the experts that suits the gate."""

from skmoe._naming import naming_gate
from skmoe.gates import expert_order, has_expert_order


def arranged(given, gate, X, weights):
    """What a start gives to be fitted first, with the experts in another order.

    A start numbers experts by their load, which says nothing. To most gates it says
    nothing either; a tree of gates can tell neighbours apart the better, the more alike
    they are.

    Parameters
    ----------
    given : ndarray of shape (n_samples, n_experts), or Given
    gate : gate
        To be fitted.
    X : array-like of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,)
    """
    if not has_expert_order(gate):
        return given
    is_routed = hasattr(given, "routes")
    table = given.routes.table(given.shares) if is_routed else given
    with naming_gate(gate):
        order = expert_order(gate, X, table, weights)
    return given.relabelled(order) if is_routed else given[:, order]
