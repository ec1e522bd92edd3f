"""What gates share."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array

from skmoe._sklearn_compat import check_sample_weight, num_samples


class GateMixin:
    """The part of the gate protocol that follows from ``predict_log_proba``.

    Put it before ``BaseEstimator`` in a gate of your own; the protocol is written down in
    :mod:`skmoe.gates`.

    See Also
    --------
    SoftmaxGate : A whole gate.
    BoundGate : A gate that is fitted to the same rows again and again.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skmoe.gates import GateMixin
    >>> class EvenGate(GateMixin, BaseEstimator):
    ...     n_parameters_ = 0
    ...
    ...     def fit(self, X, responsibilities, sample_weight=None):
    ...         self.n_experts_ = responsibilities.shape[1]
    ...         return self
    ...
    ...     def predict_log_proba(self, X):
    ...         return np.full((len(X), self.n_experts_), -np.log(self.n_experts_))
    >>> X = np.zeros((3, 1))
    >>> EvenGate().fit(X, np.eye(3)[:, :2]).predict_proba(X[:1])
    array([[0.5, 0.5]])
    """

    def predict_proba(self, X):
        """Gate probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_experts)
            Probabilities; each row sums to one.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_joint_log_proba(self, X):
        """Log of what the E-step multiplies the experts' densities by.

        The log gate probabilities; a generative gate adds log p(x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        joint_log_proba : ndarray of shape (n_samples, n_experts)
            What ``predict_log_proba`` gives.
        """
        return self.predict_log_proba(X)


def check_responsibilities(X, responsibilities, sample_weight):
    """Validate a gate's soft targets and weights against X; a sparse table stays one.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows; only their number counts.
    responsibilities : {array-like, sparse matrix} of shape (n_samples, n_experts)
        Each expert's share of a row.
    sample_weight : array-like of shape (n_samples,) or None
        Of the rows; None for one each.

    Returns
    -------
    responsibilities : {ndarray, sparse matrix} of shape (n_samples, n_experts)
        As float64.
    weights : ndarray of shape (n_samples,)
        As float64.

    Raises
    ------
    ValueError
        If shares are negative, or if the numbers of rows differ.

    See Also
    --------
    GateMixin : What else a gate of your own can use.

    Examples
    --------
    >>> from skmoe.gates import check_responsibilities
    >>> check_responsibilities([[0.0], [1.0]], [[1, 0], [0, 1]], None)
    (array([[1., 0.],
           [0., 1.]]), array([1., 1.]))
    """
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


def last_step(gate):
    """A gate itself, or the one that a pipeline ends in."""
    return last_step(gate.steps[-1][1]) if isinstance(gate, Pipeline) else gate


def is_gate(candidate):
    """Whether ``candidate`` follows the gate protocol as it stands."""
    candidate = last_step(candidate)
    return hasattr(candidate, "predict_joint_log_proba") and not is_classifier(candidate)
