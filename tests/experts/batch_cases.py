"""Experts, and data in batches, that several tests of incremental pools share."""

import numpy as np
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    SGDRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe._running import StepSize, step_rate
from skmoe.experts import (
    make_classifier_pool,
    make_incremental_classifier_pool,
    make_incremental_regressor_pool,
    make_regressor_pool,
)

#: Two experts of each kind that is fitted in closed form, with different penalties.
LINEAR = {
    "least squares": [LinearRegression(), LinearRegression()],
    "no intercept": [LinearRegression(fit_intercept=False)] * 2,
    "ridge": [Ridge(3.0), Ridge(300.0)],
    "poisson": [PoissonRegressor(alpha=0.0), PoissonRegressor(alpha=0.3)],
    "gamma": [GammaRegressor(alpha=0.0), GammaRegressor(alpha=0.3)],
    "two classes": [LogisticRegression(C=10.0), LogisticRegression(C=0.02)],
    "three classes": [LogisticRegression(C=10.0), LogisticRegression(C=0.02)],
}
N_CLASSES = {"two classes": 2, "three classes": 3}

#: Regressors of all kinds of pools.
MIXED = {
    "newton": [Ridge(3.0), Ridge(300.0)],
    "partial_fit": [SGDRegressor(random_state=0), SGDRegressor(alpha=1, random_state=1)],
    "grouped": [LinearRegression(), SGDRegressor(random_state=0)],
    "pipelines": [make_pipeline(StandardScaler(), Ridge(k)) for k in (1.0, 100.0)],
}


def named(estimators):
    return [(f"e{k}", estimator) for k, estimator in enumerate(estimators)]


def make(rng, kind="least squares", n_samples=1500, n_experts=2):
    """Rows, targets that the experts of a kind can model, and weights."""
    Z = rng.standard_normal((n_samples, 3))
    X = Z * [1.0, 50.0, 0.1] + [2.0, -300.0, 0.0]
    predictor = 0.3 + 0.5 * Z @ rng.standard_normal(3)
    weights = rng.dirichlet(np.ones(n_experts), size=n_samples)
    weights *= rng.uniform(0.5, 2.0, size=(n_samples, 1))
    return X, target_of(rng, kind, Z, predictor), weights


def target_of(rng, kind, Z, predictor):
    if kind == "poisson":
        return rng.poisson(np.exp(predictor)).astype(float)
    if kind == "gamma":
        return rng.gamma(2.0, np.exp(predictor) / 2.0)
    if kind in N_CLASSES:
        slopes = rng.standard_normal((3, N_CLASSES[kind]))
        return (Z @ slopes + rng.gumbel(size=(len(Z), N_CLASSES[kind]))).argmax(axis=1)
    return predictor + rng.standard_normal(len(Z))


def pools(kind, X, y):
    """An incremental pool of the experts, and one in closed form."""
    experts = named(LINEAR[kind])
    if kind in N_CLASSES:
        classes = np.array(["a", "b", "c"])[: N_CLASSES[kind]]
        return incremental(experts, X, y, classes), make_classifier_pool(
            experts, X, y, classes, draw=None, n_jobs=None
        )
    return incremental(experts, X, y), make_regressor_pool(
        experts, X, y, draw=None, n_jobs=None
    )


def incremental(experts, X, y, classes=None, seed=0, n_jobs=None):
    options = {"random_state": np.random.RandomState(seed), "n_jobs": n_jobs}
    if classes is not None:
        return make_incremental_classifier_pool(experts, X, classes, **options)
    return make_incremental_regressor_pool(experts, X, y, **options)


def steps(weights, size=100, learning_rate=10.0, total=None):
    """Slices of rows, and the steps that a learner would take on them."""
    seen = 0.0
    for first in range(0, weights.shape[0], size):
        rows = slice(first, first + size)
        arriving = float(weights[rows].sum())
        rate = step_rate(seen, arriving, learning_rate)
        seen += arriving
        yield rows, StepSize(arriving, rate, total or seen)


def learnt(pool, X, y, weights, **options):
    for rows, step in steps(weights, **options):
        pool.partial_fit(X[rows], y[rows], weights[rows], step)
    return pool


def whole_step(weights):
    """A step that knows all rows."""
    return StepSize(float(weights.sum()), 1.0, float(weights.sum()))
