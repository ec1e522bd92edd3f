"""Predictions of linear experts, all in one product.

Asked one by one, K experts check X K times, which takes longer than their arithmetic.
"""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDRegressor,
)


def _identity(predictor):
    return predictor


# What ``predict`` makes of X @ coef_.T + intercept_. Exact classes: a subclass may
# predict otherwise, and is asked itself.
_RESPONSES = {
    LinearRegression: _identity,
    Ridge: _identity,
    Lasso: _identity,
    ElasticNet: _identity,
    HuberRegressor: _identity,
    QuantileRegressor: _identity,
    SGDRegressor: _identity,
    PoissonRegressor: np.exp,
    GammaRegressor: np.exp,
}


def predict_linear(estimators, rows, n_outputs):
    """Predictions of shape (n_samples, n_experts[, n_outputs]), if all are linear.

    None where an expert is of another kind, or where something is not finite: then each
    expert is asked itself, and tells the user what is wrong.
    """
    response = common_response(estimators)
    if response is None or rows.numbers is None:
        return None
    predictor = _linear_predictor(estimators, rows.numbers, n_outputs or 1)
    if predictor is None:
        return None
    prediction = np.asarray(response(predictor), dtype=np.float64)
    if not np.isfinite(prediction).all():
        return None
    return prediction[:, 0].T if n_outputs is None else prediction.transpose(2, 0, 1)


def predict_linear_proba(estimators, rows, classes):
    """Probabilities of shape (n_samples, n_experts, n_classes), if all are linear.

    None as in :func:`predict_linear`.
    """
    if not share_softmax(estimators, classes) or rows.numbers is None:
        return None
    # An expert that knows fewer classes has fewer coefficients.
    n_columns = 1 if len(classes) == 2 else len(classes)
    predictor = _linear_predictor(estimators, rows.numbers, n_columns)
    if predictor is None or not np.isfinite(predictor).all():
        return None
    return probabilities(predictor).transpose(2, 0, 1)


def common_response(estimators):
    """What ``predict`` of all makes of a linear predictor; None if that differs."""
    responses = {_RESPONSES.get(type(estimator)) for estimator in estimators}
    return responses.pop() if len(responses) == 1 else None


def share_softmax(estimators, classes):
    """Whether all are logistic and couple the classes as ``multinomial`` does."""
    return all(_is_softmax(estimator, classes) for estimator in estimators)


def _is_softmax(estimator, classes):
    return (
        type(estimator) is LogisticRegression
        and (len(classes) == 2 or estimator.solver != "liblinear")
        # A parameter until scikit-learn 1.8.
        and getattr(estimator, "multi_class", "auto") in ("auto", "deprecated")
    )


def _linear_predictor(estimators, numbers, n_columns):
    """coef_ @ X.T + intercept_, of shape (n_experts, n_columns, n_samples).

    With rows last, as sums and maxima over the others are fast then. None where
    coefficients have other shapes.
    """
    parts = stacked(estimators, n_columns, numbers.shape[1])
    if parts is None:
        return None
    coef, intercept = parts
    predictor = coef.reshape(-1, numbers.shape[1]) @ numbers.T
    return predictor.reshape(*coef.shape[:2], -1) + intercept[:, :, None]


def stacked(estimators, n_columns, n_features):
    """Coefficients (n_experts, n_columns, n_features) and intercepts of all.

    They are stacked at every call, which takes a few microseconds and leaves no copy that
    could differ from the experts. None where they have other shapes.

    Returns
    -------
    coef : ndarray of shape (n_experts, n_columns, n_features)
    intercept : ndarray of shape (n_experts, n_columns) or (n_experts, 1)
    """
    coef = np.concatenate([np.ravel(e.coef_) for e in estimators])
    intercept = np.concatenate([np.ravel(e.intercept_) for e in estimators])
    n_experts = len(estimators)
    # Without an intercept, scikit-learn keeps one zero for all outputs.
    known = intercept.size in (n_experts, n_experts * n_columns)
    if not known or coef.size != n_experts * n_columns * n_features:
        return None
    return coef.reshape(n_experts, n_columns, -1), intercept.reshape(n_experts, -1)


def probabilities(predictor):
    """From the predictors of (n, 1, m) two classes, or of (n, n_classes, m) more."""
    return _two_classes(predictor) if predictor.shape[1] == 1 else _softmax(predictor)


def _two_classes(predictor):
    second = expit(predictor)
    return np.concatenate([1 - second, second], axis=1)


def _softmax(predictor):
    proba = np.exp(predictor - predictor.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba
