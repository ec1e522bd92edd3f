"""What gates share, and how training talks to any of them."""

from copy import deepcopy

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array

from skmoe._fitting import n_parameters, weight_keyword
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
    """Validate a gate's soft targets and weights against X."""
    responsibilities = check_array(
        responsibilities, dtype=np.float64, input_name="responsibilities"
    )
    n_samples = num_samples(X)
    if len(responsibilities) != n_samples:
        raise ValueError(
            f"responsibilities has {len(responsibilities)} rows, X has {n_samples}."
        )
    if (responsibilities < 0).any():
        raise ValueError("responsibilities has negative values.")
    weights = check_sample_weight(sample_weight, X, dtype=np.float64)
    return responsibilities, weights


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
    return gate.fit(X, responsibilities, **{keyword: sample_weight})


def joint_log_proba(gate, X):
    """``gate.predict_joint_log_proba(X)``, through the steps of a pipeline."""
    if isinstance(gate, Pipeline):
        rows = gate[:-1].transform(X) if len(gate.steps) > 1 else X
        return joint_log_proba(gate.steps[-1][1], rows)
    return gate.predict_joint_log_proba(X)


def gate_penalty(gate):
    """What a fitted gate subtracts from the log-likelihood in its objective."""
    if isinstance(gate, Pipeline):
        return gate_penalty(gate.steps[-1][1])
    return getattr(gate, "penalty_", 0.0)


def gate_n_parameters(gate):
    """Number of parameters of a fitted gate, or None if it does not tell."""
    return n_parameters(gate)


def is_gate(candidate):
    """Whether ``candidate`` follows the gate protocol as it stands."""
    if isinstance(candidate, Pipeline):
        return is_gate(candidate.steps[-1][1])
    return hasattr(candidate, "predict_joint_log_proba") and not is_classifier(candidate)
