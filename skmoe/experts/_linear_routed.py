"""Predictions of linear experts for the pairs of rows and experts that are routed."""

import numpy as np
from scipy.sparse import issparse

from skmoe._grams import row_slices
from skmoe.experts._linear_predict import (
    common_response,
    probabilities,
    share_softmax,
    stacked,
)

# The product of X with the coefficients of all experts takes about 0.2 + 0.04 d ns for a
# row and an expert of d columns, and up to d ns to read the row; bringing an expert's
# coefficients to a row, and a product there, 5 + 0.5 d ns. So it is faster to go pair by
# pair where there are so many times more experts than a row is sent to. (Rows sorted by
# expert, with a product for each, take 1.5 to 3 times as long, and the sorting. Measured
# with 8 to 256 experts, 5 to 100 columns and 1 to 4 experts of a row.)
_WORTH_A_PAIR = 8
# Coefficients, or products, that are held at a time, within reach of the cache.
_CHUNK_CELLS = 200_000


def predict_linear_routed(estimators, rows, routes, n_outputs):
    """Predictions of shape (n_samples, top_k[, n_outputs]), if all experts are linear.

    None as in :func:`predict_linear`.
    """
    response = common_response(estimators)
    if response is None or rows.numbers is None:
        return None
    predictors = _predictors(estimators, rows.numbers, routes, n_outputs or 1)
    if predictors is None:
        return None
    prediction = response(predictors)
    if not np.isfinite(prediction).all():
        return None
    return prediction[:, :, 0] if n_outputs is None else prediction


def predict_linear_proba_routed(estimators, rows, routes, classes):
    """Probabilities of shape (n_samples, top_k, n_classes), if all experts are linear.

    None as in :func:`predict_linear`.
    """
    if not share_softmax(estimators, classes) or rows.numbers is None:
        return None
    n_columns = 1 if len(classes) == 2 else len(classes)
    predictors = _predictors(estimators, rows.numbers, routes, n_columns)
    if predictors is None or not np.isfinite(predictors).all():
        return None
    n_pairs = routes.experts.size
    by_class = np.moveaxis(predictors, -1, 0).reshape(1, n_columns, n_pairs)
    proba = probabilities(by_class)[0].reshape(-1, *routes.experts.shape)
    return np.moveaxis(proba, 0, -1)


def _predictors(estimators, numbers, routes, n_columns):
    parts = stacked(estimators, n_columns, numbers.shape[1])
    return None if parts is None else pair_predictors(numbers, *parts, routes)


def pair_predictors(X, coef, intercept, routes):
    """Sums x'b + a for the pairs of rows and experts that are routed.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    coef : ndarray of shape (n_experts, n_predictors, n_columns)
    intercept : ndarray of shape (n_experts, n_predictors) or (n_experts, 1), or None
    routes : Routes

    Returns
    -------
    predictors : ndarray of shape (n_samples, top_k, n_predictors)
        The memory is that of (n_predictors, n_samples, top_k), as sums and maxima over
        predictors are fast then.
    """
    n_experts, n_predictors, n_columns = coef.shape
    coef = np.ascontiguousarray(coef, dtype=np.float64)
    if n_experts == 1:  # as for a single row of a hard router: in a third of the time
        only = coef[0] @ X.T
        if intercept is not None:
            only = only + intercept[0][:, None]
        return only.T[:, None]
    X = X.tocsr() if issparse(X) else X
    if intercept is not None:
        intercept = np.broadcast_to(intercept, coef.shape[:2])
    predictors = np.empty((n_predictors, *routes.experts.shape))
    by_pair = n_experts >= _WORTH_A_PAIR * routes.top_k
    evaluate = _pair_by_pair if by_pair else _among_all
    cells = n_predictors * (n_columns if by_pair else n_experts)
    for part in row_slices(len(routes), max(_CHUNK_CELLS // max(cells, 1), 1)):
        evaluate(X[part], coef, intercept, routes.experts[part], predictors[:, part])
    return np.moveaxis(predictors, 0, -1)


def _among_all(X, coef, intercept, experts, predictors):
    """Write the predictors of a few rows, taken from those of all experts."""
    n_experts, n_predictors, n_columns = coef.shape
    flat = coef.reshape(-1, n_columns)
    # The faster of the two orders; a sparse X has but one.
    every = np.ascontiguousarray((X @ flat.T).T) if issparse(X) else flat @ X.T
    if intercept is not None:
        every += intercept.reshape(-1, 1)
    n_rows = every.shape[1]
    starts = np.arange(n_experts) * (n_predictors * n_rows)
    places = starts.take(experts)
    places += np.arange(n_rows)[:, None]
    for column, own in enumerate(predictors):
        own[:] = every[column:].ravel().take(places)


def _pair_by_pair(X, coef, intercept, experts, predictors):
    """Write the predictors of a few rows, each from its experts' coefficients."""
    if issparse(X):
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    else:
        X = np.ascontiguousarray(X, dtype=np.float64)
    for place, own in enumerate(experts.T):
        if issparse(X):
            for column in range(coef.shape[1]):
                products = X.data * coef[own[rows], column, X.indices]
                sums = np.bincount(rows, products, X.shape[0])
                predictors[column, :, place] = sums
        else:
            own_coef = coef.take(own, axis=0)
            np.einsum("nd,ncd->nc", X, own_coef, out=predictors[:, :, place].T)
    if intercept is not None:
        for column, own in enumerate(predictors):
            own += intercept[:, column].take(experts)
