"""What incremental pools remember, with the experts in another order."""


def permuted_state(state, order):
    """Put the ``state`` of an incremental pool of clones into another order.

    Parameters
    ----------
    state : dict, list or None
        Of a pool whose experts are clones of one: arrays, or a state for each expert.
    order : ndarray of int of shape (n_experts,)
        Numbers of the experts, the first one to be the first.

    Returns
    -------
    state : dict, list or None
        Of the same kind.
    """
    if state is None:
        return None
    if isinstance(state, list):
        return [state[k] for k in order]
    if "inner" in state:  # beside a shared expert
        inner = permuted_state(state["inner"], order)
        return {**state, "inner": inner, "variances": state["variances"][order]}
    information = state["information"]
    if information is None:
        return state
    # Each expert has as many blocks as the others.
    by_expert = information.reshape(len(order), -1, *information.shape[1:])
    return {**state, "information": by_expert[order].reshape(information.shape)}
