"""Estimators that learn from one batch after the other."""

from copy import deepcopy
from inspect import signature

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def learns_from_batches(estimator):
    """Whether an estimator, or the last step of a pipeline, has ``partial_fit``."""
    return hasattr(last_step(estimator), "partial_fit")


def last_step(estimator):
    """An estimator itself, or the one that a pipeline ends in."""
    if isinstance(estimator, Pipeline):
        return last_step(estimator.steps[-1][1])
    return estimator


def takes_weights(estimator):
    """Whether ``partial_fit`` of the last step takes sample weights."""
    parameters = signature(last_step(estimator).partial_fit).parameters
    return "sample_weight" in parameters


def advanced(template, earlier, X, y, weights=None, classes=None):
    """An estimator that has learnt from one batch more.

    Of a pipeline, a transformer with ``partial_fit`` learns from every batch, and one
    without is fitted to the first.

    Parameters
    ----------
    template : estimator
        Cloned for the first batch.
    earlier : estimator or None
        What has learnt from the batches before; it stays what it is.
    X : array-like of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,), optional
    classes : ndarray, optional
        All labels, for a classifier.

    Returns
    -------
    estimator : estimator
    """
    is_first = earlier is None
    estimator = clone(template) if is_first else deepcopy(earlier)
    last = estimator
    if isinstance(estimator, Pipeline):
        X = advance_transformers(estimator, X, y, is_first)
        last = estimator.steps[-1][1]
        if isinstance(last, Pipeline):
            own = None if is_first else last
            last = advanced(last, own, X, y, weights, classes)
            estimator.steps[-1] = (estimator.steps[-1][0], last)
            return estimator
    keywords = {}
    if weights is not None:
        keywords["sample_weight"] = weights
    if classes is not None and is_first:
        keywords["classes"] = classes
    last.partial_fit(X, y, **keywords)
    return estimator


def advance_transformers(pipeline, X, y, is_first):
    """Let a pipeline's transformers learn, and return what they make of ``X``."""
    for _, step in pipeline.steps[:-1]:
        if not hasattr(step, "transform"):  # "passthrough"
            continue
        if hasattr(step, "partial_fit"):
            step.partial_fit(X, y)
        elif is_first:
            step.fit(X, y)
        X = step.transform(X)
    return X


def is_fitted(estimator):
    """Whether an estimator has been fitted, or has learnt from a batch."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def drawn_rows(weights, random_state):
    """Numbers of rows drawn by their weights, for who takes none.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
    random_state : RandomState

    Returns
    -------
    rows : ndarray of int
        Each row as often as its weight says, the fraction by chance.
    """
    whole = np.floor(weights)
    counts = whole + (random_state.uniform(size=len(weights)) < weights - whole)
    return np.repeat(np.arange(len(weights)), counts.astype(int))
