"""From the ``gate`` parameter to a gate."""

from sklearn.base import is_classifier

from skmoe._fitting import clone_seeded
from skmoe.gates._classifier import ClassifierGate
from skmoe.gates._constant import ConstantGate
from skmoe.gates._gaussian import GaussianGate
from skmoe.gates._protocol import is_gate
from skmoe.gates._softmax import SoftmaxGate

_NAMED = {"softmax": SoftmaxGate, "gaussian": GaussianGate, "constant": ConstantGate}


def check_gate(gate, random_state):
    """Return an unfitted gate for the ``gate`` parameter.

    Parameters
    ----------
    gate : {"softmax", "gaussian", "constant"}, gate, or classifier with ``predict_proba``
        The parameter; it is cloned.
    random_state : RandomState
        Fills open ``random_state`` parameters.

    Returns
    -------
    gate : gate
        A classifier becomes a :class:`ClassifierGate`.

    Raises
    ------
    ValueError
        If a name is unknown.
    TypeError
        If it is a class, or neither a gate nor a classifier with ``predict_proba``.

    See Also
    --------
    skmoe.MixtureOfExpertsRegressor : Whose parameter it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import check_gate
    >>> check_gate("softmax", np.random.RandomState(0))
    SoftmaxGate()
    """
    if isinstance(gate, str):
        if gate not in _NAMED:
            raise ValueError(
                f"gate: {gate!r} is unknown; use one of {sorted(_NAMED)}, a gate, or a "
                "classifier with predict_proba."
            )
        return _NAMED[gate]()
    if isinstance(gate, type):
        raise TypeError(
            f"gate: {gate.__name__} is a class; pass an instance, {gate.__name__}()."
        )
    if is_gate(gate):
        return clone_seeded(gate, random_state)
    if hasattr(gate, "predict_proba") and is_classifier(gate):
        return ClassifierGate(clone_seeded(gate, random_state))
    raise TypeError(
        f"gate: {gate!r} is neither a gate (fit, predict_log_proba and "
        "predict_joint_log_proba) nor a classifier with predict_proba."
    )
