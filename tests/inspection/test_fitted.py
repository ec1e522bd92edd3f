"""The mixture within a pipeline or a search."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import unwrap
from skmoe.inspection._fitted import FittedMixture

MODEL = MixtureOfExpertsRegressor(n_experts=2, random_state=0)


def test_the_whole_is_asked_in_its_own_words(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["a", "b"])
    pipeline = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), MODEL))
    search = GridSearchCV(pipeline, {"pipeline__mixtureofexpertsregressor__n_init": [1]})
    for whole in (pipeline.fit(frame, y), search.fit(frame, y)):
        mixture = FittedMixture.of(whole)
        np.testing.assert_allclose(
            mixture.model.predict(mixture.rows(frame)), whole.predict(frame)
        )
        assert mixture.feature_names(frame) == ["a", "b"]
        assert mixture.names == ["expert0", "expert1"]


def test_names_of_an_array_come_from_the_fit(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["a", "b"])
    assert FittedMixture.of(MODEL.fit(frame, y)).feature_names(X) == ["a", "b"]
    assert FittedMixture.of(MODEL.fit(X, y)).feature_names(X) == ["x0", "x1"]


def test_what_is_no_fitted_mixture_is_refused(two_regimes):
    X, y = two_regimes
    with pytest.raises(NotFittedError):
        FittedMixture.of(MixtureOfExpertsRegressor())
    with pytest.raises(TypeError, match="LinearRegression is no mixture of experts"):
        FittedMixture.of(make_pipeline(StandardScaler(), LinearRegression()).fit(X, y))
    with pytest.raises(
        TypeError, match="has no best_estimator_; fit it, with refit=True"
    ):
        FittedMixture.of(GridSearchCV(MODEL, {"n_init": [1]}))
    target = TransformedTargetRegressor(MODEL, transformer=StandardScaler()).fit(X, y)
    with pytest.raises(TypeError, match="pass regressor_ instead"):
        FittedMixture.of(target)


def test_rows_that_the_steps_do_not_take(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["a", "b"])
    columns = make_column_transformer(("passthrough", ["a", "b"]))
    mixture = FittedMixture.of(make_pipeline(columns, MODEL).fit(frame, y))
    for rows in (frame[["a"]], X):
        with pytest.raises(
            ValueError, match=r"X: the steps .* as they were passed to the whole"
        ):
            mixture.rows(rows)


def test_what_only_a_mixture_has_is_asked_of_what_is_unwrapped(two_regimes):
    X, y = two_regimes
    scaled = StandardScaler().fit_transform(X)
    expected = MODEL.fit(scaled, y).responsibilities(scaled, y)
    pipeline = make_pipeline(StandardScaler(), MODEL)
    search = GridSearchCV(pipeline, {"mixtureofexpertsregressor__n_init": [1]})
    mixture, rows = unwrap(search.fit(X, y), X)
    assert mixture is search.best_estimator_[-1]
    np.testing.assert_allclose(mixture.responsibilities(rows, y), expected)
    bare, same = unwrap(mixture, rows)
    assert bare is mixture
    assert same is rows
