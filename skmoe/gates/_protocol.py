"""What gates share, and how training talks to any of them."""

from copy import copy, deepcopy
from inspect import signature

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array

from skmoe._fitting import n_parameters, weight_keyword
from skmoe._incremental import advance_transformers, is_fitted
from skmoe._sklearn_compat import check_sample_weight, num_samples


class GateMixin:
    """The part of the gate protocol that follows from ``predict_log_proba``."""

    def predict_proba(self, X):
        """Gate probabilities, of shape (n_samples, n_experts)."""
        return np.exp(self.predict_log_proba(X))

    def predict_joint_log_proba(self, X):
        """What the E-step adds to the experts' log-densities.

        The log gate probabilities; a generative gate adds log p(x).
        """
        return self.predict_log_proba(X)


def check_responsibilities(X, responsibilities, sample_weight):
    """Validate a gate's soft targets and weights against X; a sparse table stays one."""
    responsibilities = check_array(
        responsibilities,
        dtype=np.float64,
        input_name="responsibilities",
        accept_sparse="csr",
    )
    n_samples = num_samples(X)
    if responsibilities.shape[0] != n_samples:
        raise ValueError(
            f"responsibilities has {responsibilities.shape[0]} rows, X has {n_samples}."
        )
    if responsibilities.min() < 0:
        raise ValueError("responsibilities has negative values.")
    weights = check_sample_weight(sample_weight, X, dtype=np.float64)
    return responsibilities, weights


def check_n_experts(given, known):
    """Raise where a batch is shared by another number of experts than those before.

    Parameters
    ----------
    given : int
    known : int or None
        None before the first batch.
    """
    if known is not None and given != known:
        raise ValueError(
            f"responsibilities has {given} columns, but the gate knows {known} experts; "
            "pass a column for each, or begin with an unfitted clone of the gate."
        )


class BoundGate:
    """A gate and the rows that it is fitted to, again and again.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,)
    """

    def __init__(self, X, weights):
        self.X = X
        self.weights = weights

    def subset(self, X, rows):
        """The same for some rows, which are X."""
        return type(self)(X, self.weights[rows])

    def fit(self, gate, responsibilities):
        """A fitted copy of ``gate``, which starts from its state."""
        return fit_gate(deepcopy(gate), self.X, responsibilities, self.weights)

    def joint_log_proba(self, gate):
        """What the E-step adds for these rows, of shape (n_samples, n_experts)."""
        return joint_log_proba(gate, self.X)


def bind_gate(gate, X, weights):
    """A :class:`BoundGate`, or what the gate offers in its place."""
    return getattr(gate, "bind", BoundGate)(X, weights)


def fit_gate(gate, X, responsibilities, sample_weight):
    """Fit a gate, or a pipeline that ends in one."""
    keyword = weight_keyword(gate)
    if keyword is None:
        raise ValueError(f"{type(gate).__name__}.fit accepts no sample_weight.")
    last = _last_step(gate)
    if issparse(responsibilities) and not getattr(last, "takes_sparse_targets", False):
        responsibilities = responsibilities.toarray()
    return gate.fit(X, responsibilities, **{keyword: sample_weight})


def check_gate_learns(gate):
    """Raise where a gate cannot learn from batches."""
    last = _last_step(gate)
    if not hasattr(last, "partial_fit"):
        raise ValueError(
            f"gate: {type(last).__name__} has no partial_fit, so it cannot learn from "
            "batches; use gate='softmax', 'constant' or a classifier with partial_fit, "
            "or fit with solver='em'."
        )


def step_gate(gate, X, responsibilities, sample_weight, step):
    """A copy of a gate, or of a pipeline that ends in one, after a step on a batch.

    Parameters
    ----------
    gate : gate
    X : array-like of shape (n_samples, n_features)
    responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
    sample_weight : ndarray of shape (n_samples,)
    step : StepSize
        For gates that take one.
    """
    check_gate_learns(gate)
    gate = deepcopy(gate)
    last = _last_step(gate)
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


def _last_step(gate):
    """A gate itself, or the one that a pipeline ends in."""
    return _last_step(gate.steps[-1][1]) if isinstance(gate, Pipeline) else gate


def joint_log_proba(gate, X):
    """``gate.predict_joint_log_proba(X)``, through the steps of a pipeline."""
    if isinstance(gate, Pipeline):
        rows = gate[:-1].transform(X) if len(gate.steps) > 1 else X
        return joint_log_proba(gate.steps[-1][1], rows)
    return gate.predict_joint_log_proba(X)


def gate_scores(gate, rows):
    """What experts of a row are selected by: log g_k(x), up to a number of each row.

    Parameters
    ----------
    gate : gate
    rows : Rows

    Returns
    -------
    scores : ndarray of shape (n_samples, n_experts)
        A new array.
    log_evidence : ndarray of shape (n_samples,) or float
        log p(x) of a generative gate.
    """
    if has_fast_scores(gate) and rows.numbers is not None:
        return gate.logits_of_numbers(rows.numbers), 0.0
    scores = joint_log_proba(gate, rows.X)
    # scipy's logsumexp takes two to ten times as long.
    peak = scores.max(axis=1)
    return scores, peak + np.log(np.exp(scores - peak[:, None]).sum(axis=1))


def has_fast_scores(gate):
    """Whether scores of a few rows cost next to nothing."""
    # Of its own class: a subclass may answer otherwise, and is asked itself.
    return "logits_of_numbers" in vars(type(gate))


def gate_with_load_loss(gate, slopes):
    """A copy of ``gate`` whose next fit lowers the probability of busy experts.

    Parameters
    ----------
    gate : gate
    slopes : ndarray of shape (n_experts,)
        See :meth:`SoftmaxGate.with_load_loss`.
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
    """A copy of ``gate`` that gives experts who have lost their rows a share of them.

    Of a gate that cannot, the gate itself, which learns of it with time.

    Parameters
    ----------
    gate : gate
    experts : sequence of int
    X : array-like of shape (n_samples, n_features)
    share : float
        Mean probability of each.
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


def gate_penalty(gate):
    """What a fitted gate subtracts from the log-likelihood in its objective."""
    return getattr(_last_step(gate), "penalty_", 0.0)


def gate_n_parameters(gate):
    """Number of parameters of a fitted gate, or None if it does not tell."""
    return n_parameters(gate)


def is_gate(candidate):
    """Whether ``candidate`` follows the gate protocol as it stands."""
    candidate = _last_step(candidate)
    return hasattr(candidate, "predict_joint_log_proba") and not is_classifier(candidate)
