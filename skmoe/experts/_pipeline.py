"""Pipelines that differ in their last steps only: transformed once, solved together."""

from copy import copy, deepcopy
from pickle import PicklingError

import joblib
import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmoe._naming import naming_expert
from skmoe._sklearn_compat import routing_enabled, safe_indexing
from skmoe.experts._together import TogetherMixin

# Rows on which ``transform`` is compared with ``fit_transform``, and how closely.
_COMPARED_ROWS = 1000
_ROUNDING = 1e-9


class PipelinePool(TogetherMixin):
    """Pipelines with the same transformers, whose last steps another pool fits.

    Weights reach a pipeline's last step only, so each expert's transformers would learn
    the same of the same rows. They are fitted once, when the pool is made.

    Parameters
    ----------
    experts : list of (name, Pipeline)
        Unfitted.
    inner : pool
        Of the last steps, not yet fitted.
    transformers : Pipeline
        Fitted to ``X``.
    X : array-like of shape (n_samples, n_features)
        The rows of training, which are recognised when they come back.
    matrix : array-like of shape (n_samples, n_columns)
        What the transformers make of them.
    classes : ndarray of shape (n_classes,) or None
        Whose numbers ``y`` holds in classification.

    Attributes
    ----------
    inner : pool
        Fitted to what :meth:`transformed` gives.
    """

    def __init__(self, experts, inner, transformers, X, matrix, classes=None):
        self.experts = experts
        self.inner = inner
        self.classes = classes
        self.iteration = None
        self._unfitted = inner
        self._keep(transformers, X, matrix)

    def _keep(self, transformers, X, matrix):
        self._transformers, self._source, self._matrix = transformers, X, matrix

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts)

    def fit(self, X, y, weights):
        """Fit every expert; parameters as in :meth:`EstimatorPool.fit`."""
        if X is not self._source:
            # As pipelines, transformers learn of the rows of each fit afresh.
            labels = y if self.classes is None else self.classes[y]
            fitted = _fit_transformers(self.experts[0], X, labels, self.iteration)
            self._keep(fitted[0], X, fitted[1])
            self.inner = self._unfitted
        inner = copy(self.inner)
        inner.iteration = self.iteration
        inner.fit(self._matrix, y, weights)
        self.inner = inner
        return self

    def transformed(self, X):
        """What the last steps are given for the rows of ``X``."""
        if X is self._source:
            return self._matrix
        name, template = self.experts[0]
        with naming_expert(name, template, self.iteration):
            return _transform(self._transformers, X)

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        return self.inner.predict(self.transformed(X))

    def predict_routed(self, X, routes):
        """The same of the routed pairs only: (n_samples, top_k[, ...])."""
        return self.inner.predict_routed(self.transformed(X), routes)

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted pipelines, with their transformers."""
        if not _same_transformers(estimators):
            raise ValueError(
                "warm_start: the earlier experts are no pipelines with the same "
                "transformers; set warm_start=False to start afresh."
            )
        self._source, self._transformers = None, _transformers_of(estimators[0])
        self._keep(self._transformers, X, self.transformed(X))
        self.inner = copy(self._unfitted)
        lasts = [pipeline.steps[-1][1] for pipeline in estimators]
        self.inner.resume(self._matrix, y, weights, lasts)

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        pool = copy(self)
        pool.inner = self._unfitted
        pool._keep(None, None, None)
        return pool

    # -- solved together with the gate, as the inner pool is ----------------------------

    def bind(self, X, weights, design=None):
        """Prepare for many fits to X, whose rows have these ``weights``."""
        self.inner = copy(self.inner)
        self.inner.bind(self.transformed(X), weights)

    def reweighted(self, X, weights):
        """A pool for a fit to X by other ``weights``, in the units of those bound to."""
        pool = copy(self)
        if X is self._source:  # of other rows, the transformers are yet to learn
            pool.inner = self.inner.reweighted(self._matrix, weights)
        return pool

    def subset(self, X, rows):
        """A pool bound to some rows, which are X, in the same units."""
        pool = copy(self)
        pool._keep(self._transformers, X, safe_indexing(self._matrix, rows))
        pool.inner = self.inner.subset(pool._matrix, rows)
        return pool

    def terms(self, y, weights, likelihood):
        """The experts' part of the log-likelihood, or None if they do not maximise it."""
        return self.inner.terms(y, weights, likelihood)

    def parameters(self, terms, dispersion):
        """This pool's state as ``terms`` takes it."""
        return self.inner.parameters(terms, dispersion)

    def with_parameters(self, terms, vector, n_iter):
        """A pool with the state ``vector`` of ``terms``, and the dispersions."""
        pool = copy(self)
        pool.inner, dispersion = self.inner.with_parameters(terms, vector, n_iter)
        return pool, dispersion

    @property
    def penalty(self):
        """What the experts' own objectives subtract from the log-likelihood."""
        return self.inner.penalty

    def estimators(self):
        """The fitted pipelines, which share nothing."""
        return [self._assemble(k, last) for k, last in enumerate(self.inner.estimators())]

    def _assemble(self, k, last):
        pipeline = clone(self.experts[k][1])
        names = [name for name, _ in pipeline.steps]
        fitted = [step for _, step in self._transformers.steps[: len(names) - 1]]
        pipeline.steps = list(zip(names, [*deepcopy(fitted), last], strict=True))
        return pipeline


def make_pipeline_pool(experts, X, y, make_inner, classes=None):
    """A :class:`PipelinePool`, or None where it would not fit just these experts.

    Parameters
    ----------
    experts : list of (name, estimator)
    X : array-like of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    make_inner : callable
        ``make_inner(experts, X, y)`` is a pool of the last steps, or None.
    classes : ndarray of shape (n_classes,), optional
        Whose numbers ``y`` holds.
    """
    if not _same_transformers([estimator for _, estimator in experts]):
        return None
    lasts = [(name, pipeline.steps[-1][1]) for name, pipeline in experts]
    # A column of zeros tells whether it is worth while to fit the transformers.
    if make_inner(lasts, np.zeros((len(y), 1)), y) is None:
        return None
    labels = y if classes is None else classes[y]
    transformers, matrix = _fit_transformers(experts[0], X, labels)
    shape = getattr(matrix, "shape", ())
    if len(shape) != 2 or shape[0] != len(y):
        return None
    inner = make_inner(lasts, matrix, y)
    if inner is None or not _repeats(transformers, X, matrix):
        return None
    return PipelinePool(experts, inner, transformers, X, matrix, classes)


def _same_transformers(pipelines):
    """Whether all are pipelines with equal steps before the last.

    Weights may reach more than the last step where metadata is routed, and so may what
    ``transform_input`` names.
    """
    if routing_enabled() or not all(
        type(pipeline) is Pipeline and pipeline.transform_input is None
        for pipeline in pipelines
    ):
        return False
    steps = [[step for _, step in pipeline.steps[:-1]] for pipeline in pipelines]
    try:
        return len({joblib.hash(transformers) for transformers in steps}) == 1
    except (PicklingError, AttributeError, TypeError):
        # What cannot be pickled, such as a lambda, is not compared.
        return False


def _transformers_of(pipeline):
    """The steps before the last as a pipeline, which may be an empty one."""
    steps = pipeline.steps[:-1] or [("rows", "passthrough")]
    return Pipeline(steps, memory=pipeline.memory)


def _fit_transformers(expert, X, y, iteration=None):
    """Fitted clones of an expert's transformers, and what they make of X."""
    name, template = expert
    with naming_expert(name, template, iteration):
        transformers = _transformers_of(clone(template))
        return transformers, transformers.fit_transform(X, y)


def _transform(transformers, X):
    """As within a fitted pipeline, where a stateless step need not look fitted."""
    for _, step in transformers.steps:
        if hasattr(step, "transform"):  # "passthrough" has not
            X = step.transform(X)
    return X


def _repeats(transformers, X, matrix):
    """Whether ``transform`` gives what ``fit_transform`` gave.

    It does not where a transformer cross-fits, such as ``TargetEncoder``.
    """
    first = slice(0, _COMPARED_ROWS)
    again = _transform(transformers, safe_indexing(X, first))
    one, other = _dense(safe_indexing(matrix, first)), _dense(again)
    tolerance = _ROUNDING * np.abs(one).max(initial=0.0, where=np.isfinite(one))
    return np.allclose(one, other, rtol=_ROUNDING, atol=tolerance, equal_nan=True)


def _dense(matrix):
    return matrix.toarray() if issparse(matrix) else np.asarray(matrix)
