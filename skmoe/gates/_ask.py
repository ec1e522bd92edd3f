"""What any fitted gate tells, also one at the end of a pipeline."""

import numpy as np
from sklearn.pipeline import Pipeline

from skmoe._fitting import n_parameters
from skmoe.gates._protocol import last_step


def joint_log_proba(gate, X):
    """Log of what the E-step multiplies the experts' densities by.

    ``gate.predict_joint_log_proba(X)``, through the steps of a pipeline.

    Parameters
    ----------
    gate : gate
        Fitted; or a pipeline that ends in one.
    X : array-like of shape (n_samples, n_features)
        Rows to ask about.

    Returns
    -------
    joint_log_proba : ndarray of shape (n_samples, n_experts)
        The log gate probabilities; of a generative gate, plus log p(x).

    See Also
    --------
    gate_scores : What experts are selected by.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate, joint_log_proba
    >>> gate = ConstantGate().fit(np.zeros((2, 1)), np.eye(2))
    >>> np.exp(joint_log_proba(gate, np.zeros((1, 1))))
    array([[0.5, 0.5]])
    """
    if isinstance(gate, Pipeline):
        rows = gate[:-1].transform(X) if len(gate.steps) > 1 else X
        return joint_log_proba(gate.steps[-1][1], rows)
    return gate.predict_joint_log_proba(X)


def gate_scores(gate, rows):
    """What experts of a row are selected by: log g_k(x), up to a number of each row.

    Parameters
    ----------
    gate : gate
        Fitted.
    rows : Rows
        To be asked about.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_experts)
        A new array.
    log_evidence : ndarray of shape (n_samples,) or float
        Of a generative gate, log p(x); zero of others.

    See Also
    --------
    has_fast_scores : Whether they cost next to nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe._validation import Rows
    >>> from skmoe.gates import ConstantGate, gate_scores
    >>> gate = ConstantGate().fit(np.zeros((4, 1)), np.eye(2)[[0, 1, 1, 1]])
    >>> scores, _ = gate_scores(gate, Rows(np.zeros((1, 1))))
    >>> scores.argmax(axis=1)
    array([1])
    """
    if has_fast_scores(gate) and rows.numbers is not None:
        return gate.logits_of_numbers(rows.numbers), 0.0
    scores = joint_log_proba(gate, rows.X)
    # scipy's logsumexp takes two to ten times as long.
    peak = scores.max(axis=1)
    return scores, peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1))


def has_fast_scores(gate):
    """Whether scores of a few rows cost next to nothing.

    Parameters
    ----------
    gate : gate
        Any gate.

    Returns
    -------
    is_fast : bool
        True where its own class has ``logits_of_numbers``.

    See Also
    --------
    gate_scores : The scores.

    Examples
    --------
    >>> from skmoe.gates import ConstantGate, SoftmaxGate, has_fast_scores
    >>> has_fast_scores(SoftmaxGate()), has_fast_scores(ConstantGate())
    (True, False)
    """
    # Of its own class: a subclass may answer otherwise, and is asked itself.
    return "logits_of_numbers" in vars(type(gate))


def gate_penalty(gate):
    """What a fitted gate subtracts from the log-likelihood in its objective.

    Parameters
    ----------
    gate : gate
        Fitted; or a pipeline that ends in one.

    Returns
    -------
    penalty : float
        In units of log-likelihood; zero where the gate has none.

    See Also
    --------
    gate_n_parameters : What information criteria count instead.

    Examples
    --------
    >>> from skmoe.gates import ConstantGate, gate_penalty
    >>> gate_penalty(ConstantGate())
    0.0
    """
    return getattr(last_step(gate), "penalty_", 0.0)


def gate_n_parameters(gate):
    """Number of parameters of a fitted gate.

    Parameters
    ----------
    gate : gate
        Fitted; or a pipeline that ends in one.

    Returns
    -------
    n_parameters : int or None
        None where the gate does not tell.

    See Also
    --------
    gate_penalty : What its objective subtracts.

    Examples
    --------
    >>> from skmoe.gates import SoftmaxGate, gate_n_parameters
    >>> gate = SoftmaxGate().fit([[0.0], [1.0]], [[0.8, 0.2], [0.4, 0.6]])
    >>> gate_n_parameters(gate)  # a slope and an intercept
    2
    """
    return n_parameters(gate)


def looks_at_rows(gate):
    """Tell whether a gate's answer depends on X at all.

    Parameters
    ----------
    gate : gate
        Fitted or not; or a pipeline that ends in one.

    Returns
    -------
    looks_at_rows : bool
        False of a gate that says so, as the constant one does.

    See Also
    --------
    bind_gate : Shows rows to a gate.

    Examples
    --------
    >>> from skmoe.gates import ConstantGate, SoftmaxGate, looks_at_rows
    >>> looks_at_rows(SoftmaxGate()), looks_at_rows(ConstantGate())
    (True, False)
    """
    return getattr(last_step(gate), "looks_at_rows", True)
