"""Any classifier as a gate."""

from copy import copy

import numpy as np
from scipy.sparse import coo_array
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmoe._fitting import n_parameters, weight_keyword
from skmoe._incremental import advanced, learns_from_batches, takes_weights
from skmoe._sklearn_compat import num_samples, safe_indexing
from skmoe.gates._protocol import GateMixin, check_n_experts, check_responsibilities

# Shares of a row below this are not worth a copy of the row.
_SMALLEST_SHARE = 1e-3
# An expert that the classifier rules out can still be told by its density.
_SMALLEST_PROBA = 1e-10


def _classifier_learns_from_batches(gate):
    return learns_from_batches(gate.classifier)


def _as_classes(X, responsibilities, sample_weight):
    """Rows, once for each expert with a share in them, and the weights of these."""
    targets, weights = check_responsibilities(X, responsibilities, sample_weight)
    table = coo_array(targets)
    kept = table.data >= _SMALLEST_SHARE
    rows, experts = table.row[kept], table.col[kept]
    return rows, experts, table.data[kept] * weights[rows]


class ClassifierGate(GateMixin, BaseEstimator):
    """Gate made of a classifier: the classes are the experts.

    A row is given to the classifier once for each expert with a share in it, weighted
    by that share.

    Parameters
    ----------
    classifier : classifier with ``predict_proba``
        Its ``fit`` accepts ``sample_weight``; it is cloned.

    Attributes
    ----------
    classifier_ : classifier
        The fitted clone.
    expert_numbers_ : ndarray of int of shape (n_experts,)
        The expert that each class of the classifier stands for. These are the same
        numbers, unless experts were put into another order since.
    n_experts_ : int
        Number of experts.
    n_parameters_ : int or None
        Number of the classifier's parameters; None where it does not tell.

    See Also
    --------
    SoftmaxGate : Gate whose log-odds are linear in x.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmoe.gates import ClassifierGate
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> responsibilities = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
    >>> gate = ClassifierGate(DecisionTreeClassifier(max_depth=1))
    >>> gate.fit(X, responsibilities).predict_proba([[0.5], [2.5]]).round(2)
    array([[0.9, 0.1],
           [0.2, 0.8]])
    """

    takes_sparse_targets = True

    def __init__(self, classifier):
        self.classifier = classifier

    def fit(self, X, responsibilities, sample_weight=None):
        """Fit the classifier to soft targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Anything that the classifier takes.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one. A share below 0.001 is left
            out.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : ClassifierGate
            The fitted gate.

        Raises
        ------
        ValueError
            If the classifier takes no ``sample_weight``, or if ``responsibilities`` are
            negative or have another number of rows than X.
        """
        keyword = weight_keyword(self.classifier)
        if keyword is None:
            raise ValueError(
                f"gate: {type(self.classifier).__name__} accepts no sample_weight, so "
                "it cannot be given soft targets; use a classifier that does."
            )
        rows, experts, shares = _as_classes(X, responsibilities, sample_weight)
        classifier, keyword = clone(self.classifier), {keyword: shares}
        if np.all(experts == experts[:1]):
            # Many classifiers refuse a single class: one expert has all rows.
            classifier, keyword = DummyClassifier(strategy="most_frequent"), {}
        self.classifier_ = classifier.fit(safe_indexing(X, rows), experts, **keyword)
        self.n_experts_ = np.shape(responsibilities)[1]
        self.expert_numbers_ = np.arange(self.n_experts_)
        return self

    @available_if(_classifier_learns_from_batches)
    def partial_fit(self, X, responsibilities, sample_weight=None):
        """Let the classifier learn from a batch of rows.

        Only where it has ``partial_fit``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Anything that the classifier takes.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : ClassifierGate
            The gate, a step further.

        Raises
        ------
        ValueError
            If the classifier's ``partial_fit`` takes no ``sample_weight``, or if the
            batch has another number of experts than earlier ones.
        """
        if not takes_weights(self.classifier):
            raise ValueError(
                f"gate: partial_fit of {type(self.classifier).__name__} accepts no "
                "sample_weight, so it cannot be given soft targets; use a classifier "
                "that does."
            )
        n_experts = np.shape(responsibilities)[1]
        check_n_experts(n_experts, getattr(self, "n_experts_", None))
        if n_experts == 1:
            return self.fit(X, responsibilities, sample_weight)
        earlier = self._known_classifier(n_experts)
        if earlier is None:
            self.expert_numbers_ = np.arange(n_experts)
        rows, experts, shares = _as_classes(X, responsibilities, sample_weight)
        classes = np.argsort(self.expert_numbers_)[experts]
        self.classifier_ = advanced(
            self.classifier, earlier, safe_indexing(X, rows), classes, shares,
            np.arange(n_experts),
        )  # fmt: skip
        self.n_experts_ = n_experts
        return self

    def _known_classifier(self, n_experts):
        """The classifier so far, or None if there is none that knows every expert.

        One that was fitted where an expert had no row cannot learn of this expert.
        """
        earlier = getattr(self, "classifier_", None)
        knows_all = earlier is not None and len(earlier.classes_) == n_experts
        return earlier if knows_all else None

    def permuted(self, order):
        """Copy the gate, with its experts in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts, the first one to be the first.

        Returns
        -------
        gate : ClassifierGate
            The copy.
        """
        gate = copy(self)
        gate.expert_numbers_ = np.argsort(order)[self.expert_numbers_]
        return gate

    def predict_log_proba(self, X):
        """Log gate probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            Logarithms of the classifier's probabilities, of which none is below 1e-10.

        Raises
        ------
        NotFittedError
            If the gate is not fitted yet.
        """
        check_is_fitted(self)
        proba = np.full((num_samples(X), self.n_experts_), _SMALLEST_PROBA)
        # Of an expert whose first row is yet to come; and one-against-rest probabilities
        # that all underflow are no numbers.
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.nan_to_num(self.classifier_.predict_proba(X))
        experts = self.expert_numbers_[self.classifier_.classes_]
        proba[:, experts] = np.maximum(known, _SMALLEST_PROBA)
        proba /= proba.sum(axis=1, keepdims=True)
        return np.log(proba)

    @property
    def n_parameters_(self):
        """Number of the classifier's parameters.

        Returns
        -------
        n_parameters_ : int or None
            None where the classifier does not tell.
        """
        return n_parameters(self.classifier_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.classifier, "__sklearn_tags__"):
            tags.input_tags = get_tags(self.classifier).input_tags
        return tags
