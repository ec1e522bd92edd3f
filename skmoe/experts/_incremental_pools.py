"""From experts to a pool that learns from one batch after the other.

An incremental pool has ``partial_fit(X, y, weights, step)``, ``renewed(experts)`` and
``n_first_passes`` besides ``predict``, ``predict_routed``, ``estimators`` and
``penalty``; as with other pools, a copy is a snapshot. ``state`` (arrays) is what the
estimators do not tell, ``resume(X, y, weights, estimators, state)`` takes it up.
"""

from copy import copy, deepcopy

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmoe._incremental import (
    advance_transformers,
    last_step,
    learns_from_batches,
)
from skmoe._naming import naming_expert
from skmoe.experts._glm import GammaPool, PoissonPool
from skmoe.experts._least_squares import LeastSquaresPool, RidgePool
from skmoe.experts._logistic import LogisticPool
from skmoe.experts._newton import NewtonPool
from skmoe.experts._partial_fit import PartialFitPool

_LINEAR = (LeastSquaresPool, RidgePool, PoissonPool, GammaPool)
_KINDS = (*_LINEAR, LogisticPool)


def make_incremental_regressor_pool(experts, X, y, *, random_state, n_jobs):
    """A pool of regressors that learns from batches.

    Parameters
    ----------
    experts : list of (name, estimator)
    X : array-like of shape (n_samples, n_features)
        The first rows, which tell what they are like.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    random_state : RandomState
    n_jobs : int or None
    """

    def linear(experts, X):
        estimators = [estimator for _, estimator in experts]
        for pool in _LINEAR:
            if pool.supports(estimators, X, y):
                return NewtonPool(pool(experts))
        return None

    def general(experts):
        n_outputs = y.shape[1] if y.ndim == 2 else None
        return PartialFitPool(
            experts, n_outputs=n_outputs, random_state=random_state, n_jobs=n_jobs
        )

    return _make_pool(experts, X, linear, general)


def make_incremental_classifier_pool(experts, X, classes, *, random_state, n_jobs):
    """The same of classifiers; ``classes`` are all labels that will come."""

    def linear(experts, X):
        estimators = [estimator for _, estimator in experts]
        if len(classes) > 1 and LogisticPool.supports(estimators, X, np.arange(2)):
            return NewtonPool(LogisticPool(experts, classes=classes))
        return None

    def general(experts):
        return PartialFitPool(
            experts, n_outputs=None, random_state=random_state, n_jobs=n_jobs,
            classes=classes,
        )  # fmt: skip

    return _make_pool(experts, X, linear, general)


def _make_pool(experts, X, linear, general):
    """One pool of all experts, or of groups that belong together."""
    pool = linear(experts, X)
    if pool is not None:
        return pool
    groups = {}
    for k, (name, estimator) in enumerate(experts):
        alone = _pool_of_one((name, estimator), X, linear)
        if alone is None:
            _check_learns_these(name, estimator)
        # Experts that learn by themselves are one group.
        groups.setdefault(None if alone is None else k, ([], alone))[0].append(k)
    pools = [
        (numbers, alone or general([experts[k] for k in numbers]))
        for numbers, alone in groups.values()
    ]
    if len(pools) == 1:
        return pools[0][1]
    return GroupedPool(experts, pools)


def _pool_of_one(expert, X, linear):
    """A pool of one linear expert, which may end a pipeline; or None."""
    name, estimator = expert
    if not isinstance(estimator, Pipeline):
        return linear([expert], X)
    if learns_from_batches(estimator):
        return None
    # What the transformers make of X is not known yet; a column stands for it.
    last = _pool_of_one((name, estimator.steps[-1][1]), np.zeros((1, 1)), linear)
    return None if last is None else PipelineOfOne(expert, last)


def check_learns(name, estimator):
    """Raise where an expert cannot learn from batches.

    Parameters
    ----------
    name : str
    estimator : estimator
    """
    last = last_step(estimator)
    if hasattr(last, "partial_fit") or any(kind.fits(last) for kind in _KINDS):
        return
    raise ValueError(
        f"experts: {name!r} ({type(estimator).__name__}) has no partial_fit, so it "
        "cannot learn from batches; use LinearRegression, Ridge, LogisticRegression, "
        "PoissonRegressor, GammaRegressor or an estimator with partial_fit, such as "
        "SGDRegressor, SGDClassifier, MLPRegressor or MLPClassifier, or fit with "
        "solver='em'."
    )


def _check_learns_these(name, estimator):
    """Raise where an expert without ``partial_fit`` is no linear one of these rows."""
    check_learns(name, estimator)
    if not learns_from_batches(estimator):
        raise ValueError(
            f"experts: {name!r} ({type(estimator).__name__}) has no partial_fit; it "
            "learns from batches only where X are numbers in at most 500 columns and y "
            "is a target that it takes; use an estimator with partial_fit, such as "
            "SGDRegressor or SGDClassifier, or fit with solver='em'."
        )


class PipelineOfOne:
    """An expert that is a pipeline with a linear model at its end.

    Parameters
    ----------
    expert : (name, Pipeline)
    inner : NewtonPool or PipelineOfOne
        Of the last step.
    """

    n_experts = 1
    n_first_passes = NewtonPool.n_first_passes

    def __init__(self, expert, inner):
        self.experts = [expert]
        self.inner = inner
        self.pipeline = None
        self.iteration = None

    def partial_fit(self, X, y, weights, step):
        """As :meth:`NewtonPool.partial_fit`, of what the transformers make of X."""
        name, template = self.experts[0]
        with naming_expert(name, template, self.iteration):
            is_first = self.pipeline is None
            pipeline = clone(template) if is_first else _copied(self.pipeline)
            matrix = advance_transformers(pipeline, X, y, is_first)
        inner = copy(self.inner)
        inner.iteration = self.iteration
        self.inner = inner.partial_fit(matrix, y, weights, step)
        self.pipeline = pipeline
        return self

    def _transformed(self, X):
        name, template = self.experts[0]
        with naming_expert(name, template, self.iteration):
            for _, step in self.pipeline.steps[:-1]:
                if hasattr(step, "transform"):  # "passthrough" has not
                    X = step.transform(X)
            return X

    def predict(self, X):
        """Predictions of shape (n_samples, 1[, n_outputs or n_classes])."""
        return self.inner.predict(self._transformed(X))

    def predict_routed(self, X, routes):
        """The same of the routed pairs, which are all rows: there is one expert."""
        return self.predict(X)

    def renewed(self, experts):
        """The same, forgetting how sure it is."""
        pool = copy(self)
        pool.inner = self.inner.renewed(experts)
        return pool

    @property
    def penalty(self):
        """What the expert's own objective subtracts from the log-likelihood."""
        return self.inner.penalty

    def estimators(self):
        """The fitted pipeline."""
        pipeline = _copied(self.pipeline)
        name, _ = pipeline.steps[-1]
        pipeline.steps[-1] = (name, self.inner.estimators()[0])
        return [pipeline]

    def resume(self, X, y, weights, estimators, state=None):
        """Take over a fitted pipeline."""
        self.pipeline = estimators[0]
        self.inner = copy(self.inner)
        matrix, last = self._transformed(X), self.pipeline.steps[-1][1]
        self.inner.resume(matrix, y, weights, [last], state)

    @property
    def state(self):
        """That of the last step."""
        return self.inner.state


def _copied(pipeline):
    """A pipeline with steps of its own, so that the first stays what it is."""
    copied = copy(pipeline)
    copied.steps = deepcopy(pipeline.steps)
    return copied


class GroupedPool:
    """Experts of several pools.

    Parameters
    ----------
    experts : list of (name, estimator)
        All of them.
    groups : list of (list of int, pool)
        The numbers of the experts in each pool.
    """

    def __init__(self, experts, groups):
        self.experts = experts
        self.groups = groups
        self.iteration = None

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts)

    @property
    def n_first_passes(self):
        """As many as the slowest group asks for."""
        return max(pool.n_first_passes for _, pool in self.groups)

    def partial_fit(self, X, y, weights, step):
        """As :meth:`NewtonPool.partial_fit`."""
        groups = []
        for numbers, pool in self.groups:
            pool = copy(pool)
            pool.iteration = self.iteration
            pool.partial_fit(X, y, weights[:, numbers], step)
            groups.append((numbers, pool))
        self.groups = groups
        return self

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        prediction = None
        for numbers, pool in self.groups:
            own = pool.predict(X)
            if prediction is None:
                prediction = np.empty((len(own), self.n_experts, *own.shape[2:]))
            prediction[:, numbers] = own
        return prediction

    def predict_routed(self, X, routes):
        """The same of the routed pairs only: (n_samples, top_k[, ...])."""
        return routes.of_pairs(self.predict(X))

    def renewed(self, experts):
        """The same where these experts begin anew."""
        pool = copy(self)
        pool.groups = [
            (numbers, own.renewed([i for i, k in enumerate(numbers) if k in experts]))
            for numbers, own in self.groups
        ]
        return pool

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return sum(pool.penalty for _, pool in self.groups)

    def estimators(self):
        """The fitted scikit-learn estimators."""
        fitted = {}
        for numbers, pool in self.groups:
            fitted.update(zip(numbers, pool.estimators(), strict=True))
        return [fitted[k] for k in range(self.n_experts)]

    def resume(self, X, y, weights, estimators, state=None):
        """Take over fitted estimators."""
        states = [None] * len(self.groups) if state is None else state
        groups = []
        for (numbers, pool), own in zip(self.groups, states, strict=True):
            pool = copy(pool)
            pool.resume(X, y, weights, [estimators[k] for k in numbers], own)
            groups.append((numbers, pool))
        self.groups = groups

    @property
    def state(self):
        """Those of the groups."""
        return [pool.state for _, pool in self.groups]
