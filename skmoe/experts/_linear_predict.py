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
    responses = {_RESPONSES.get(type(estimator)) for estimator in estimators}
    if len(responses) > 1 or None in responses or rows.numbers is None:
        return None
    predictor = _linear_predictor(estimators, rows.numbers, n_outputs or 1)
    if predictor is None:
        return None
    prediction = np.asarray(responses.pop()(predictor), dtype=np.float64)
    if not np.isfinite(prediction).all():
        return None
    return prediction[:, 0].T if n_outputs is None else prediction.transpose(2, 0, 1)


def predict_linear_proba(estimators, rows, classes):
    """Probabilities of shape (n_samples, n_experts, n_classes), if all are linear.

    None as in :func:`predict_linear`.
    """
    if not all(_is_softmax(e, classes) for e in estimators) or rows.numbers is None:
        return None
    # An expert that knows fewer classes has fewer coefficients.
    n_columns = 1 if len(classes) == 2 else len(classes)
    predictor = _linear_predictor(estimators, rows.numbers, n_columns)
    if predictor is None or not np.isfinite(predictor).all():
        return None
    proba = _two_classes(predictor) if n_columns == 1 else _softmax(predictor)
    return proba.transpose(2, 0, 1)


def _is_softmax(estimator, classes):
    """Whether it couples the classes as ``multinomial`` does."""
    return (
        type(estimator) is LogisticRegression
        and (len(classes) == 2 or estimator.solver != "liblinear")
        # A parameter until scikit-learn 1.8.
        and getattr(estimator, "multi_class", "auto") in ("auto", "deprecated")
    )


def _linear_predictor(estimators, numbers, n_columns):
    """coef_ @ X.T + intercept_, of shape (n_experts, n_columns, n_samples).

    With rows last, as sums and maxima over the others are fast then. Coefficients are
    stacked at every call, which takes a few microseconds and leaves no copy that could
    differ from the experts. None where they have other shapes.
    """
    coef = np.concatenate([np.ravel(e.coef_) for e in estimators])
    intercept = np.concatenate([np.ravel(e.intercept_) for e in estimators])
    shape = (len(estimators), n_columns)
    # Without an intercept, scikit-learn keeps one zero for all outputs.
    known = intercept.size in (len(estimators), len(estimators) * n_columns)
    if not known or coef.size != len(estimators) * n_columns * numbers.shape[1]:
        return None
    predictor = (coef.reshape(-1, numbers.shape[1]) @ numbers.T).reshape(*shape, -1)
    return predictor + intercept.reshape(len(estimators), -1, 1)


def _two_classes(predictor):
    second = expit(predictor)
    return np.concatenate([1 - second, second], axis=1)


def _softmax(predictor):
    proba = np.exp(predictor - predictor.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba
