"""Predictions of all experts for all rows."""

import numpy as np

from skmoe._naming import naming_expert
from skmoe._validation import Rows
from skmoe.experts._linear_predict import predict_linear, predict_linear_proba


def predict_experts(estimators, X, n_outputs, names, iteration=None):
    """Ask all experts about all rows.

    Parameters
    ----------
    estimators : list of estimators
        Fitted.
    X : {array-like, sparse matrix, dataframe} or Rows
        Rows are not checked again.
    n_outputs : int or None
        None for a target of shape (n_samples,).
    names : list of str
        Of the experts, for errors.
    iteration : int, optional
        Of training, for errors.

    Returns
    -------
    prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        In units of y.

    Raises
    ------
    ValueError
        If a prediction is not finite; the expert and the row are named.

    See Also
    --------
    predict_experts_routed : Each row's own experts only.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.experts import predict_experts
    >>> X, y = [[0.0], [1.0]], [0.0, 1.0]
    >>> experts = [LinearRegression().fit(X, y), LinearRegression().fit(X, y[::-1])]
    >>> predict_experts(experts, [[0.75]], None, ["rise", "fall"]).round(2)
    array([[0.75, 0.25]])
    """
    rows = Rows.of(X)
    together = predict_linear(estimators, rows, n_outputs)
    if together is not None:
        return together
    predictions = []
    for name, estimator in zip(names, estimators, strict=True):
        with naming_expert(name, estimator, iteration):
            prediction = np.asarray(estimator.predict(rows.X), dtype=np.float64)
            shape = (len(prediction),) if n_outputs is None else (-1, n_outputs)
            predictions.append(_finite(prediction.reshape(shape), rows))
    return np.stack(predictions, axis=1)


def predict_experts_proba(estimators, X, classes, names, iteration=None):
    """Ask all experts for class probabilities of all rows.

    Parameters
    ----------
    estimators : list of estimators
        Fitted.
    X : {array-like, sparse matrix, dataframe} or Rows
        Rows are not checked again.
    classes : ndarray of shape (n_classes,)
        In whose order the probabilities are.
    names : list of str
        Of the experts, for errors.
    iteration : int, optional
        Of training, for errors.

    Returns
    -------
    proba : ndarray of shape (n_samples, n_experts, n_classes)
        Zero for a class that an expert does not know.

    Raises
    ------
    ValueError
        If a probability is not finite; the expert and the row are named.

    See Also
    --------
    predict_experts_proba_routed : Each row's own experts only.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skmoe.experts import predict_experts_proba
    >>> X, y = np.zeros((2, 1)), ["a", "b"]
    >>> experts = [DummyClassifier().fit(X, y), DummyClassifier().fit(X[:1], y[:1])]
    >>> predict_experts_proba(experts, X[:1], np.array(y), ["e0", "e1"])
    array([[[0.5, 0.5],
            [1. , 0. ]]])
    """
    rows = Rows.of(X)
    together = predict_linear_proba(estimators, rows, classes)
    if together is not None:
        return together
    predictions = []
    for name, estimator in zip(names, estimators, strict=True):
        with naming_expert(name, estimator, iteration):
            with np.errstate(divide="ignore"):  # a class that has not come yet
                proba = np.asarray(estimator.predict_proba(rows.X), dtype=np.float64)
            known = _finite(proba, rows)
            proba = np.zeros((len(known), len(classes)))
            proba[:, np.searchsorted(classes, estimator.classes_)] = known
            predictions.append(proba)
    return np.stack(predictions, axis=1)


def _finite(prediction, rows):
    if not np.isfinite(prediction).all():
        row = rows.first + int(np.argwhere(~np.isfinite(prediction))[0, 0])
        raise ValueError(f"its prediction is not finite (first in row {row}).")
    return prediction
