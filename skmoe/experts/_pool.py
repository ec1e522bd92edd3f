"""A pool of scikit-learn estimators, each fitted with its own weights."""

from copy import copy
from functools import partial
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from skmoe._fitting import weight_keyword
from skmoe._naming import naming_expert
from skmoe._sklearn_compat import safe_indexing
from skmoe.experts._ask import predict_experts, predict_experts_proba
from skmoe.experts._coarse import CoarseTables
from skmoe.experts._columns import Columns, cut_small_shares
from skmoe.experts._routed import predict_experts_proba_routed, predict_experts_routed

# Handing a shorter task to another thread costs about as much as it saves.
_PARALLEL_SECONDS = 0.02


class EstimatorPool:
    """Experts fitted one by one.

    Parameters
    ----------
    experts : list of (name, estimator)
        Unfitted, with their seeds set.
    n_outputs : int or None
        None for a target of shape (n_samples,).
    draw : callable or None
        ``draw(weights) -> counts`` for the experts that take no weights, which are
        fitted on whole rows instead; ``draw(weights, rows=rows)`` for some rows only.
    n_jobs : int or None
    """

    def __init__(self, experts, *, n_outputs=None, draw=None, n_jobs=None):
        self.experts = experts
        self.names = [name for name, _ in experts]
        self.n_outputs = n_outputs
        self.draw = draw
        self.n_jobs = n_jobs
        self.keywords = [weight_keyword(estimator) for _, estimator in experts]
        self.tables = CoarseTables()
        self.fitted = [None] * len(experts)
        self.iteration = None
        self.trusts_bags = True

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts)

    @property
    def draws_rows(self):
        """Whether an expert takes no weights, and must not run short of whole rows."""
        return None in self.keywords

    def fit(self, X, y, weights):
        """Fit every expert.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        weights : {ndarray, sparse array} of shape (n_samples, n_experts)
            Row weights times responsibilities.

        Returns
        -------
        self : EstimatorPool
        """
        self.tables = self.tables.bound_to(X)
        fits = [
            self._fit_one(k, X, y, share) for k, share in enumerate(self._shares(weights))
        ]
        self.fitted = self._run(fits)
        return self

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        pool = copy(self)
        pool.fitted = [None] * self.n_experts
        pool.draw = self.draw and partial(self.draw, rows=rows)
        return pool

    def predict_held_out(self, X, y, weights, folds, among=None):
        """Predictions for each row by experts that were not fitted to it.

        An expert that tells out-of-bag predictions is fitted once, to all rows, and once
        more in the folds of rows that are in all bags; any other once for each fold. All
        are where folds are the user's own (``trusts_bags`` is false).

        Parameters
        ----------
        X, y, weights
            As in :meth:`fit`.
        folds : list of (train, test)
            Numbers of rows; each row is in one test.
        among : sequence of int, optional
            The experts to be asked, instead of all.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_asked[, n_outputs or n_classes])
        """
        among = range(self.n_experts) if among is None else among
        self.tables = self.tables.bound_to(X)
        shares = self._shares(weights)
        tasks, places = [], []
        for column, k in enumerate(among):
            for held_out in self._held_out_tasks(k, X, y, shares[k], folds):
                tasks.append(held_out)
                places.append(column)
        prediction = None
        for column, (rows, answer) in zip(places, self._run(tasks), strict=True):
            if prediction is None:
                prediction = np.empty((len(y), len(among), *answer.shape[1:]))
            prediction[rows, column] = answer
        return prediction

    def _held_out_tasks(self, k, X, y, share, folds):
        """Functions that fit expert k and give rows and its predictions for them."""
        has_bags = self.keywords[k] and getattr(self.experts[k][1], "oob_score", False)
        if self.trusts_bags and has_bags:
            return [partial(self._out_of_bag, k, X, y, share, folds)]
        return [
            partial(self._out_of_fold, k, X, y, share, train, test)
            for train, test in folds
        ]

    def _out_of_fold(self, k, X, y, share, train, test):
        def kept():
            rows, weights = share()
            inside = np.zeros(len(y), dtype=bool)
            inside[train] = True
            if not inside[rows].any():  # nor is it to know of the other folds then
                return np.flatnonzero(inside), np.ones(int(inside.sum()))
            return rows[inside[rows]], weights[inside[rows]]

        expert = self._fit_one(k, X, y, kept, fresh=True)()
        return test, self._ask([expert], safe_indexing(X, test), [k])[:, 0]

    def _out_of_bag(self, k, X, y, share, folds):
        rows, weights = share()
        if rows.size == 0:
            rows, weights = np.arange(len(y)), np.ones(len(y))

        def given():
            return rows, weights

        expert = self._fit_one(k, X, y, given, fresh=True)()
        answer = self._ask([expert], X, [k])[:, 0]
        told = self._told_out_of_bag(expert, answer[rows])
        flat = told.reshape(len(told), -1)
        # A row that was in all bags has zeros, or no numbers.
        known = np.isfinite(flat).all(axis=1) & flat.any(axis=1)
        answer[rows[known]] = told[known]
        unknown = rows[~known]
        for train, test in folds:
            missing = np.intersect1d(test, unknown)
            if missing.size:
                _, filled = self._out_of_fold(k, X, y, given, train, missing)
                answer[missing] = filled
        return np.arange(len(y)), answer

    def _told_out_of_bag(self, expert, answer):
        return expert.oob_prediction_.reshape(answer.shape)

    def _run(self, tasks):
        """Results of the tasks, in threads where one takes long enough."""
        start = perf_counter()
        first = tasks[0]()
        n_jobs = self.n_jobs if perf_counter() - start > _PARALLEL_SECONDS else 1
        rest = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(task)() for task in tasks[1:]
        )
        return [first, *rest]

    def _shares(self, weights):
        """For each expert a function that tells its rows, and their weights.

        Or how often it is given each row. Asked when it is needed, as the rows of all
        experts may be more than the weights.
        """
        weights = cut_small_shares(weights)
        counts = self.draw(weights) if None in self.keywords else None
        weighted, counted = Columns(weights), counts is not None and Columns(counts)
        return [
            partial((weighted if keyword else counted).__getitem__, k)
            for k, keyword in enumerate(self.keywords)
        ]

    def _fit_one(self, k, X, y, share, fresh=False):
        """The fit of expert k, as a function to be called anywhere.

        One without rows stays what it was, unless it is to be ``fresh``.
        """
        name, template = self.experts[k]
        keyword, earlier = self.keywords[k], None if fresh else self.fitted[k]
        X = self.tables.of(X, template)

        def fit():
            rows, own = share()
            if rows.size == 0 and earlier is not None:
                return earlier
            with naming_expert(name, template, self.iteration):
                if rows.size == 0:
                    return self._fit_rows(template, X, y, None)
                if keyword is None:
                    repeated = np.repeat(rows, own.astype(int))
                    X_rows = safe_indexing(X, repeated)
                    return self._fit_rows(template, X_rows, y[repeated], None)
                X_rows = X if rows.size == len(y) else safe_indexing(X, rows)
                # Weights of one are none: an expert alone is the plain estimator.
                passed = None if np.all(own == 1.0) else {keyword: own}
                return self._fit_rows(template, X_rows, y[rows], passed)

        return fit

    def _fit_rows(self, template, X, y, weights):
        if not y.any():
            # Some regressors of counts refuse rows that are all zero.
            return DummyRegressor().fit(X, y)
        return clone(template).fit(X, y, **(weights or {}))

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        return self._ask(self.fitted, X, range(self.n_experts))

    def predict_routed(self, X, routes):
        """Predictions of shape (n_samples, top_k[, n_outputs]) for the routed pairs."""
        return predict_experts_routed(
            self.fitted,
            X,
            routes,
            self.n_outputs,
            self.names,
            self.iteration,
            self.n_jobs,
        )

    def _ask(self, estimators, X, numbers):
        names = [self.names[k] for k in numbers]
        return predict_experts(estimators, X, self.n_outputs, names, self.iteration)

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted estimators."""
        self.fitted = list(estimators)

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return 0.0

    def estimators(self):
        """The fitted scikit-learn estimators."""
        return self.fitted


class ClassifierPool(EstimatorPool):
    """Classifiers, which may know different classes in different orders.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes of the whole target; ``y`` holds their numbers.
    """

    def __init__(self, experts, *, classes, draw=None, n_jobs=None):
        super().__init__(experts, draw=draw, n_jobs=n_jobs)
        self.classes = classes

    def _fit_rows(self, template, X, y, weights):
        if np.all(y == y[0]):
            # Many classifiers refuse a single class, which is what is left here.
            return DummyClassifier(strategy="most_frequent").fit(X, self.classes[y])
        return clone(template).fit(X, self.classes[y], **(weights or {}))

    def predict_routed(self, X, routes):
        """Probabilities of shape (n_samples, top_k, n_classes) for the routed pairs."""
        return predict_experts_proba_routed(
            self.fitted, X, routes, self.classes, self.names, self.iteration, self.n_jobs
        )

    def _ask(self, estimators, X, numbers):
        names = [self.names[k] for k in numbers]
        return predict_experts_proba(estimators, X, self.classes, names, self.iteration)

    def _told_out_of_bag(self, expert, answer):
        if isinstance(expert, DummyClassifier):  # its rows are of one class, in any bag
            return answer
        proba = np.zeros_like(answer)
        known = np.searchsorted(self.classes, expert.classes_)
        proba[:, known] = expert.oob_decision_function_
        return proba
