"""How any gate learns, also one at the end of a pipeline."""

from copy import copy, deepcopy
from inspect import signature

from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmoe._fitting import weight_keyword
from skmoe._incremental import advance_transformers, is_fitted
from skmoe.gates._protocol import last_step


def fit_gate(gate, X, responsibilities, sample_weight):
    """Fit a gate, or a pipeline that ends in one.

    Parameters
    ----------
    gate : gate
        Fitted in place.
    X : array-like of shape (n_samples, n_features)
        Rows, as the gate takes them.
    responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
        Each expert's share of a row.
    sample_weight : ndarray of shape (n_samples,)
        Of the rows.

    Returns
    -------
    gate : gate
        The same gate.

    Raises
    ------
    ValueError
        If its ``fit`` takes no ``sample_weight``.

    See Also
    --------
    bind_gate : For many fits to the same rows.
    step_gate : For rows that come in batches.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmoe.gates import ConstantGate, fit_gate
    >>> gate = make_pipeline(StandardScaler(), ConstantGate())
    >>> fit_gate(gate, np.eye(2), np.eye(2), np.array([1.0, 3.0]))[-1].prior_
    array([0.25, 0.75])
    """
    keyword = weight_keyword(gate)
    if keyword is None:
        raise ValueError(f"{type(gate).__name__}.fit accepts no sample_weight.")
    last = last_step(gate)
    if issparse(responsibilities) and not getattr(last, "takes_sparse_targets", False):
        responsibilities = responsibilities.toarray()
    return gate.fit(X, responsibilities, **{keyword: sample_weight})


def check_gate_learns(gate):
    """Raise where a gate cannot learn from batches.

    Parameters
    ----------
    gate : gate
        Any gate, or a pipeline that ends in one.

    Raises
    ------
    ValueError
        If it has no ``partial_fit``.

    See Also
    --------
    step_gate : Learn from a batch.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmoe.gates import ClassifierGate, check_gate_learns
    >>> check_gate_learns(ClassifierGate(DecisionTreeClassifier()))
    Traceback (most recent call last):
        ...
    ValueError: gate: DecisionTreeClassifier has no partial_fit, so it cannot learn ...
    """
    last = last_step(gate)
    if not hasattr(last, "partial_fit"):
        own = getattr(last, "classifier", last)
        raise ValueError(
            f"gate: {type(own).__name__} has no partial_fit, so it cannot learn from "
            "batches; use gate='softmax', 'gaussian', 'constant' or a classifier with "
            "partial_fit, or fit with solver='em'."
        )


def step_gate(gate, X, responsibilities, sample_weight, step):
    """Copy a gate, or a pipeline that ends in one, and take a step on a batch.

    Parameters
    ----------
    gate : gate
        Left as it is.
    X : array-like of shape (n_samples, n_features)
        The batch.
    responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
        Each expert's share of a row.
    sample_weight : ndarray of shape (n_samples,)
        Of the rows.
    step : StepSize
        For gates that take one.

    Returns
    -------
    gate : gate
        The copy, a step further.

    Raises
    ------
    ValueError
        If the gate has no ``partial_fit``.

    See Also
    --------
    fit_gate : For all rows at once.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate, step_gate
    >>> from skmoe._running import StepSize
    >>> step = StepSize(weight=2.0)
    >>> step_gate(ConstantGate(), np.zeros((2, 1)), np.eye(2), np.ones(2), step).prior_
    array([0.5, 0.5])
    """
    check_gate_learns(gate)
    gate = deepcopy(gate)
    last = last_step(gate)
    if issparse(responsibilities) and not getattr(last, "takes_sparse_targets", False):
        responsibilities = responsibilities.toarray()
    X = _advanced_rows(gate, X, not is_fitted(last))
    takes_step = "step" in signature(last.partial_fit).parameters
    options = {"step": step} if takes_step else {}
    last.partial_fit(X, responsibilities, sample_weight=sample_weight, **options)
    return gate


def _advanced_rows(gate, X, is_first):
    """What a gate's transformers make of X, after they have learnt from it."""
    if not isinstance(gate, Pipeline):
        return X
    X = advance_transformers(gate, X, None, is_first)
    return _advanced_rows(gate.steps[-1][1], X, is_first)


def gate_with_load_loss(gate, slopes):
    """Copy a gate, with a next fit that lowers the probability of busy experts.

    Parameters
    ----------
    gate : gate
        Or a pipeline that ends in one.
    slopes : ndarray of shape (n_experts,)
        See :meth:`SoftmaxGate.with_load_loss`.

    Returns
    -------
    gate : gate
        The copy.

    Raises
    ------
    ValueError
        If the gate has no ``with_load_loss``.

    See Also
    --------
    gate_with_least_share : For experts that have lost their rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import SoftmaxGate, gate_with_load_loss
    >>> X, responsibilities = np.arange(4.0)[:, None], np.eye(2)[[0, 0, 1, 0]]
    >>> gate = gate_with_load_loss(SoftmaxGate(), np.array([1.0, 0.0]))
    >>> balanced = gate.fit(X, responsibilities).predict_proba(X).mean(axis=0)
    >>> plain = SoftmaxGate().fit(X, responsibilities).predict_proba(X).mean(axis=0)
    >>> bool(balanced[0] < plain[0])
    True
    """
    if isinstance(gate, Pipeline):
        gate = copy(gate)
        name, last = gate.steps[-1]
        gate.steps = [*gate.steps[:-1], (name, gate_with_load_loss(last, slopes))]
        return gate
    if not hasattr(gate, "with_load_loss"):
        raise ValueError(
            f"load_balancing='auxiliary': {type(gate).__name__} cannot take the load "
            "into its objective; use gate='softmax', or load_balancing='bias'."
        )
    return gate.with_load_loss(slopes)


def gate_with_least_share(gate, experts, X, share):
    """Copy a gate, and give experts that have lost their rows a share of them.

    Of a gate that cannot, it is the gate itself, which learns of it with time.

    Parameters
    ----------
    gate : gate
        Fitted; or a pipeline that ends in one.
    experts : sequence of int
        Their numbers.
    X : array-like of shape (n_samples, n_features)
        The rows.
    share : float
        Mean probability of each.

    Returns
    -------
    gate : gate
        The copy.

    See Also
    --------
    gate_with_load_loss : For experts that have too many rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate, gate_with_least_share
    >>> gate = ConstantGate().fit(np.zeros((2, 1)), np.array([[1.0, 0.0], [1.0, 0.0]]))
    >>> gate_with_least_share(gate, [1], np.zeros((2, 1)), 0.25).prior_
    array([0.8, 0.2])
    """
    if isinstance(gate, Pipeline):
        rows = gate[:-1].transform(X) if len(gate.steps) > 1 else X
        name, last = gate.steps[-1]
        gate = copy(gate)
        last = gate_with_least_share(last, experts, rows, share)
        gate.steps = [*gate.steps[:-1], (name, last)]
        return gate
    offer = getattr(gate, "with_least_share", None)
    return gate if offer is None else offer(experts, X, share)


def has_expert_order(gate):
    """Tell whether it matters to a gate which experts have neighbouring numbers.

    Parameters
    ----------
    gate : gate
        Fitted or not.

    Returns
    -------
    has_order : bool
        Whether :func:`expert_order` can be asked.

    See Also
    --------
    expert_order : What the order is.

    Examples
    --------
    >>> from skmoe.gates import HierarchicalGate, SoftmaxGate, has_expert_order
    >>> has_expert_order(HierarchicalGate()), has_expert_order(SoftmaxGate())
    (True, False)
    """
    return hasattr(last_step(gate), "expert_order")


def expert_order(gate, X, responsibilities, weights):
    """Find the order of experts that suits a gate to which it matters.

    Parameters
    ----------
    gate : gate
        For which :func:`has_expert_order` is true.
    X : array-like of shape (n_samples, n_features)
        Rows, as the gate takes them.
    responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
        Of experts in any order.
    weights : ndarray of shape (n_samples,)
        Of the rows.

    Returns
    -------
    order : ndarray of int of shape (n_experts,)
        Numbers of the experts, the first one to be the first.

    See Also
    --------
    HierarchicalGate : A gate to which it matters.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import HierarchicalGate, expert_order
    >>> X = np.arange(8.0)[:, None]
    >>> mixed = np.repeat(np.eye(4)[[0, 2, 1, 3]], 2, axis=0)
    >>> expert_order(HierarchicalGate(), X, mixed, np.ones(8))
    array([0, 2, 1, 3])
    """
    if isinstance(gate, Pipeline):
        rows = clone(gate[:-1]).fit_transform(X) if len(gate.steps) > 1 else X
        return expert_order(gate.steps[-1][1], rows, responsibilities, weights)
    return gate.expert_order(X, responsibilities, weights)
