"""Predictions for the pairs of rows and experts that are routed, and no others."""

from functools import cached_property
from itertools import pairwise
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from scipy.sparse import issparse
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from skmoe._naming import naming_expert
from skmoe._sklearn_compat import (
    predict_unchecked,
    predicts_unchecked,
    safe_indexing,
)
from skmoe._validation import Rows
from skmoe.experts._linear_routed import (
    predict_linear_proba_routed,
    predict_linear_routed,
)

# Rows of a dataframe or a sparse matrix are brought in the order of their experts all at
# once, unless the copy had more cells than this: expert by expert they take several times
# as long. Those of an ndarray take less expert by expert, as they stay in the cache.
_MAX_CELLS = 25_000_000
# Work that takes no longer than this is not worth handing to threads.
_PARALLEL_SECONDS = 0.02
# Ranges of experts for each thread; a first one tells how long the others take.
_PIECES_PER_THREAD = 4
# Their checks take several times as long as finding the leaves of a few hundred rows.
# Exact classes: a subclass may predict otherwise.
_TREES = (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)


def predict_experts_routed(
    estimators, X, routes, n_outputs, names, iteration=None, n_jobs=None
):
    """Ask the experts about the rows that each is sent.

    Parameters
    ----------
    estimators : list of estimators
        Of all experts.
    X : {array-like, sparse matrix, dataframe} or Rows
        Rows are not checked again.
    routes : Routes
        Which experts each row is sent to.
    n_outputs : int or None
        None for a target of shape (n_samples,).
    names : list of str
        Of the experts, for errors.
    iteration : int, optional
        Of training, for errors.
    n_jobs : int or None
        Experts that are asked at the same time, in threads.

    Returns
    -------
    prediction : ndarray of shape (n_samples, top_k[, n_outputs])
        Of each row's own experts.

    Raises
    ------
    ValueError
        If a prediction is not finite; the expert and the row are named.

    See Also
    --------
    predict_experts : All experts about all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from skmoe._routes import Routes
    >>> from skmoe.experts import predict_experts_routed
    >>> X, y = np.zeros((2, 1)), [0.0, 1.0]
    >>> experts = [DummyRegressor(quantile=q, strategy="quantile") for q in (0.0, 1.0)]
    >>> experts = [expert.fit(X, y) for expert in experts]
    >>> routes = Routes(np.array([[1], [0]]), n_experts=2)
    >>> predict_experts_routed(experts, X, routes, None, ["low", "high"])
    array([[1.],
           [0.]])
    """
    rows, shape = Rows.of(X), () if n_outputs is None else (n_outputs,)
    together = predict_linear_routed(estimators, rows, routes, n_outputs)
    if together is not None:
        return together

    def ask(estimator, X, keywords, answer):
        if predicts_unchecked(estimator, X):
            prediction = predict_unchecked(estimator, X)
        else:
            prediction = estimator.predict(X, **keywords)
        answer[:] = np.reshape(prediction, answer.shape)

    experts = list(zip(names, estimators, strict=True))
    return _ask_each(experts, rows, routes, ask, shape, iteration, n_jobs)


def predict_experts_proba_routed(
    estimators, X, routes, classes, names, iteration=None, n_jobs=None
):
    """Ask the experts for class probabilities of the rows that each is sent.

    Parameters
    ----------
    estimators : list of estimators
        Of all experts.
    X : {array-like, sparse matrix, dataframe} or Rows
        Rows are not checked again.
    routes : Routes
        Which experts each row is sent to.
    classes : ndarray of shape (n_classes,)
        In whose order the probabilities are.
    names : list of str
        Of the experts, for errors.
    iteration : int, optional
        Of training, for errors.
    n_jobs : int or None
        Experts that are asked at the same time, in threads.

    Returns
    -------
    proba : ndarray of shape (n_samples, top_k, n_classes)
        Of each row's own experts.

    Raises
    ------
    ValueError
        If a probability is not finite; the expert and the row are named.

    See Also
    --------
    predict_experts_proba : All experts about all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skmoe._routes import Routes
    >>> from skmoe.experts import predict_experts_proba_routed
    >>> X, y = np.zeros((2, 1)), ["a", "b"]
    >>> experts = [DummyClassifier(strategy="constant", constant=c).fit(X, y) for c in y]
    >>> routes = Routes(np.array([[1]]), n_experts=2)
    >>> predict_experts_proba_routed(experts, X[:1], routes, np.array(y), ["e0", "e1"])
    array([[[0., 1.]]])

           [[1., 0.]]])
    """
    rows, shape = Rows.of(X), (len(classes),)
    together = predict_linear_proba_routed(estimators, rows, routes, classes)
    if together is not None:
        return together

    def ask(estimator, X, keywords, answer):
        with np.errstate(divide="ignore"):  # a class that has not come yet
            proba = np.asarray(estimator.predict_proba(X, **keywords))
        known = np.searchsorted(classes, estimator.classes_)
        answer[:] = 0.0
        answer[:, known] = proba.reshape(len(answer), len(known))

    experts = list(zip(names, estimators, strict=True))
    return _ask_each(experts, rows, routes, ask, shape, iteration, n_jobs)


def _ask_each(experts, rows, routes, ask, shape, iteration, n_jobs):
    """Let ``ask`` write each expert's answers for its rows, and bring them in order."""
    sent = _SentRows(rows, routes)
    answers = np.empty((routes.experts.size, *shape))

    def run(groups):
        for k, part in groups:
            name, estimator = experts[k]
            with naming_expert(name, estimator, iteration):
                ask(estimator, *sent.to(estimator, part), answers[part])

    _run(run, list(routes.groups()), n_jobs)
    if not np.isfinite(answers).all():
        pair = int(np.argwhere(~np.isfinite(answers))[0, 0])
        row = routes.rows[pair]
        name, estimator = experts[routes.experts.flat[routes.pairs[pair]]]
        with naming_expert(name, estimator, iteration):
            row = rows.first + int(row)
            raise ValueError(f"its prediction is not finite (first in row {row}).")
    ordered = np.empty_like(answers)
    ordered[routes.pairs] = answers
    return ordered.reshape(*routes.experts.shape, *answers.shape[1:])


class _SentRows:
    """Rows as the experts are given them.

    Parameters
    ----------
    rows : Rows
    routes : Routes
    """

    def __init__(self, rows, routes):
        X = rows.X.tocsr() if issparse(rows.X) else rows.X
        self.rows, self.routes, self.X = rows, routes, X

    def to(self, estimator, part):
        """The rows of a slice of the pairs, and the keywords to go with them."""
        own = self.routes.rows[part]
        if type(estimator) in _TREES and self.single is not None:
            return self.single.take(own, axis=0), {"check_input": False}
        if isinstance(self.X, np.ndarray):
            return self.X.take(own, axis=0), {}
        if self.gathered is not None:
            return safe_indexing(self.gathered, part), {}
        return safe_indexing(self.X, own), {}

    @cached_property
    def gathered(self):
        """Rows in the order of the pairs; None where these are too many."""
        X = self.X
        cells = X.nnz if issparse(X) else X.shape[0] * X.shape[1]
        if cells * self.routes.top_k > _MAX_CELLS:
            return None
        return safe_indexing(X, self.routes.rows)

    @cached_property
    def single(self):
        """X in single precision, as trees ask for; None where they are to check it."""
        if not isinstance(self.X, np.ndarray) or self.rows.numbers is not self.X:
            return None
        with np.errstate(over="ignore"):
            single = self.X.astype(np.float32, order="C")
        return single if np.isfinite(single).all() else None


def _run(run, groups, n_jobs):
    """Run all groups, in threads where they take long enough."""
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        run(groups)
        return
    first, *others = _pieces(groups, n_threads * _PIECES_PER_THREAD)
    start = perf_counter()
    run(first)
    if (perf_counter() - start) * len(others) < _PARALLEL_SECONDS:
        n_threads = 1
    Parallel(n_jobs=n_threads, require="sharedmem")(delayed(run)(part) for part in others)


def _pieces(groups, n_pieces):
    """Ranges of the groups with about as many rows each; none is empty."""
    ends = np.array([part.stop for _, part in groups])
    wanted = ends[-1] * np.arange(1, n_pieces) / n_pieces
    cuts = np.unique([0, *(np.searchsorted(ends, wanted) + 1), len(groups)])
    return [groups[first:last] for first, last in pairwise(cuts)]
