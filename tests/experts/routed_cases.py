"""Rows that are routed, and pools of many kinds of experts."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

from skmoe._routes import Routes
from skmoe.experts import make_classifier_pool, make_regressor_pool

N_SAMPLES, N_EXPERTS, TOP_K = 300, 6, 2
EMPTY = 4


def steady_by_number(weights, rows=None):
    """Whole rows that follow from the weights, dense or sparse."""
    return (weights > 0.4).astype(int)


class Case:
    """Rows, a target, routes and a pool."""

    def __init__(self, rng, template, kind="regression", container=np.asarray):
        X = rng.normal(size=(N_SAMPLES, 3))
        X[:, 2] = np.round(X[:, 2])
        self.X, self.new = container(X), container(X[:50] + 0.25)
        latent = X @ [1.0, -2.0, 0.5] + rng.normal(size=N_SAMPLES)
        self.experts = [(f"e{k}", template) for k in range(N_EXPERTS)]
        self.classes = None
        if kind == "classes":
            self.classes = np.array(["a", "b", "c"])
            self.y = np.digitize(latent, [-1.0, 1.0])
            self.y[:3] = [0, 1, 2]
        elif kind == "two":
            self.classes, self.y = np.array([3, 7]), (latent > 0).astype(int)
        elif kind == "positive":
            self.y = np.exp(0.3 * latent)
        elif kind == "outputs":
            self.y = np.stack([latent, X[:, 0] - latent], axis=1)
        elif kind == "column":
            self.y = latent[:, None]
        else:
            self.y = latent
        self.routes = random_routes(rng, N_SAMPLES, others_than=EMPTY)
        self.values = rng.uniform(0.05, 1.0, size=(N_SAMPLES, TOP_K))
        if kind == "classes":
            # An expert that knows two classes, and one that knows a single one.
            table = self.routes.experts
            self.values[(table == 0) & (self.y == 1)[:, None]] = 0.0
            self.values[(table == 1) & (self.y != 2)[:, None]] = 0.0
        self.weights = self.routes.table(self.values)

    def pool(self, n_jobs=None, draw=steady_by_number):
        if self.classes is not None:
            return make_classifier_pool(
                self.experts, self.X, self.y, self.classes, draw=draw, n_jobs=n_jobs
            )
        return make_regressor_pool(self.experts, self.X, self.y, draw=draw, n_jobs=n_jobs)

    def fitted(self, weights=None, **options):
        weights = self.weights if weights is None else weights
        return self.pool(**options).fit(self.X, self.y, weights)


def random_routes(rng, n_samples, top_k=TOP_K, others_than=None):
    open_ones = [k for k in range(N_EXPERTS) if k != others_than]
    experts = np.array([rng.permutation(open_ones)[:top_k] for _ in range(n_samples)])
    return Routes(experts, N_EXPERTS)


def frame(X):
    """With a category and a missing value."""
    table = pd.DataFrame(X.copy(), columns=["x", "y", "z"])
    table["kind"] = pd.Categorical(np.where(X[:, 2] > 0, "p", "q"))
    table.loc[table.index[::7], "x"] = np.nan
    return table


def plain_frame(X):
    return pd.DataFrame(X, columns=["x", "y", "z"])


def with_missing(X):
    X = X.copy()
    X[::5, 1] = np.nan
    return X


BOOSTING = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=5, random_state=0)
TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
CASES = {
    "linear": (LinearRegression(),),
    "linear without intercept": (LinearRegression(fit_intercept=False),),
    "linear of two outputs": (LinearRegression(), "outputs"),
    "linear of a column": (LinearRegression(), "column"),
    "linear, sparse": (LinearRegression(), "regression", sparse.csr_array),
    "linear, table": (LinearRegression(), "regression", plain_frame),
    "ridge": (Ridge(3.0),),
    "ridge of two outputs, sparse": (Ridge(3.0), "outputs", sparse.csc_array),
    "logistic": (LogisticRegression(), "classes"),
    "logistic of two classes": (LogisticRegression(), "two"),
    "logistic, sparse": (LogisticRegression(), "two", sparse.csr_array),
    "poisson": (PoissonRegressor(alpha=0.1), "positive"),
    "gamma": (GammaRegressor(alpha=0.1), "positive"),
    "gamma without intercept": (GammaRegressor(fit_intercept=False), "positive"),
    "pipeline": (make_pipeline(StandardScaler(), Ridge()),),
    "pipeline of classes": (make_pipeline(StandardScaler(), LogisticRegression()), "two"),
    "tree": (TREE,),
    "tree of two outputs": (TREE, "outputs"),
    "tree of a column": (TREE, "column"),
    "tree, sparse": (TREE, "regression", sparse.csr_array),
    "tree, table": (TREE, "regression", plain_frame),
    "tree, missing": (TREE, "regression", with_missing),
    "random tree": (ExtraTreeRegressor(max_depth=4, random_state=0),),
    "tree of classes": (DecisionTreeClassifier(max_depth=3, random_state=0), "classes"),
    "naive bayes": (GaussianNB(), "classes"),
    "boosting": (BOOSTING,),
    "boosting, missing": (BOOSTING, "regression", with_missing),
    "boosting, table": (
        HistGradientBoostingRegressor(
            max_iter=3, categorical_features="from_dtype", random_state=0
        ),
        "regression",
        frame,
    ),
    "forest": (RandomForestRegressor(3, random_state=0),),
    "neighbours": (KNeighborsRegressor(3),),
    "neighbours of classes": (KNeighborsClassifier(3), "classes"),
}
LINEAR = [
    name
    for name in CASES
    if name.startswith(("linear", "ridge", "logistic", "poisson", "gamma", "pipeline"))
]
