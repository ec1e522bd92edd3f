"""Derivatives of softmax regressions on a batch, for steps scaled by information."""

from functools import partial

import numpy as np
from scipy.sparse import issparse

from skmoe._grams import weighted_grams
from skmoe._running import newton_step
from skmoe._softmax_regression import log_softmax, softmax_information

# Unknowns of one regression up to which classes are not taken to be independent; and
# columns up to which their products are worth their memory.
_MAX_JOINT, _MAX_COLUMNS = 400, 500
# No logit of a row is moved further in one step.
_LONGEST = 4.0
# A move that is none.
_STANDSTILL = 1e-100


class SoftmaxSteps:
    """Several softmax regressions on the same rows, each with its own soft targets.

    The last class is the reference: coefficients have the shape (n_models, n_free,
    n_columns), those of the last class being zero.

    Parameters
    ----------
    rows : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    coef : ndarray of shape (n_models, n_free, n_columns)
    """

    def __init__(self, rows, coef):
        self.rows = rows
        self.coef = coef
        n_models, n_free, n_columns = coef.shape
        logits = np.zeros((n_free + 1, n_models, rows.shape[0]))
        flat = rows @ coef.reshape(-1, n_columns).T
        logits[:-1] = flat.T.reshape(n_models, n_free, rows.shape[0]).swapaxes(0, 1)
        self.logits = logits
        self.proba = np.exp(log_softmax(logits)).swapaxes(0, 1)

    def gradient(self, excess):
        """Sums of ``excess`` (n_models, n_free, n_samples) times the rows."""
        flat = excess.reshape(-1, excess.shape[-1]) @ self.rows
        return flat.reshape(self.coef.shape)

    def information(self, weights):
        """Sums of the information of rows with ``weights`` (n_models, n_samples).

        Of all unknowns of a model where these are few. Of many, for each class by itself,
        with a curvature that bounds the one they share: ``diag(p) - pp' <= diag(p)``. Of
        many columns, their squares alone.

        Returns
        -------
        information : ndarray of shape (n_blocks, size, size) or (n_blocks, size)
        """
        n_models, n_free, n_columns = self.coef.shape
        free = self.proba[:, :-1]
        if n_free * n_columns <= _MAX_JOINT:
            grams = partial(weighted_grams, self.rows)
            joint = softmax_information(grams, free, weights)
            return joint.reshape(n_models, n_free * n_columns, -1)
        curvature = (free * weights[:, None]).reshape(n_models * n_free, -1)
        if n_columns <= _MAX_COLUMNS:
            return weighted_grams(self.rows, curvature)
        rows = self.rows
        squares = rows.multiply(rows) if issparse(rows) else rows * rows
        return np.asarray(curvature @ squares)

    def step(self, gradient, information, rate):
        """The step of the coefficients, of their shape."""
        n_rows = self.rows.shape[0]
        right = gradient.reshape(*information.shape[:2], 1)
        step = newton_step(right, information, rate, n_rows).reshape(self.coef.shape)
        return step * shortened(self.rows, step, _LONGEST)[:, None, None]


def with_penalty(information, curvature):
    """Add the curvature of a penalty, (n_models, n_free, n_columns), to the diagonal."""
    size = information.shape[1]
    diagonal = np.reshape(curvature, (-1, size))
    if information.ndim == 2:
        return information + diagonal
    return information + diagonal[:, :, None] * np.eye(size)


def shortened(rows, step, longest):
    """Factors of the models' steps with which no predictor moves further.

    Parameters
    ----------
    rows : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    step : ndarray of shape (n_models, n_predictors, n_columns)
    longest : float

    Returns
    -------
    factors : ndarray of shape (n_models,)
    """
    moved = np.abs(rows @ step.reshape(-1, step.shape[-1]).T)
    largest = moved.max(axis=0, initial=0.0).reshape(step.shape[:2]).max(axis=1)
    return np.minimum(1.0, longest / np.maximum(largest, _STANDSTILL))
