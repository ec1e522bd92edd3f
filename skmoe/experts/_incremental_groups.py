"""Experts that learn from batches together though they are of different kinds."""

from copy import copy, deepcopy

import numpy as np
from sklearn.base import clone

from skmoe._incremental import advance_transformers
from skmoe._naming import naming_expert
from skmoe.experts._newton import NewtonPool


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
