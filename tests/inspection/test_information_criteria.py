"""Information criteria against the number of experts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import InformationCriteriaDisplay
from skmoe.metrics import neg_log_likelihood_scorer

NAMES = ["bic", "aic", "icl"]


def regressor(**params):
    return MixtureOfExpertsRegressor(**{"random_state": 0, **params})


def test_values_are_those_of_models_of_so_many_experts(two_regimes):
    X, y = two_regimes
    model = regressor(n_experts=7)
    display = InformationCriteriaDisplay.from_estimator(model, X, y, n_experts=[1, 2, 3])
    assert list(display.values) == list(display.lines_) == NAMES
    for place, number in enumerate([1, 2, 3]):
        own = regressor(n_experts=number).fit(X, y)
        for name in NAMES:
            assert display.values[name][place] == getattr(own, name)(X, y)
    np.testing.assert_array_equal(
        display.lines_["aic"].get_ydata(), display.values["aic"]
    )
    # What was given is left as it was.
    assert model.n_experts == 7
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_jobs_do_not_matter():
    X = np.linspace(-1, 1, 40)[:, None]
    y = np.abs(X[:, 0]) + 0.1 * np.sin(40 * X[:, 0])
    one, two = (
        InformationCriteriaDisplay.from_estimator(
            regressor(), X, y, n_experts=[1, 2], cv=2, n_jobs=n_jobs
        )
        for n_jobs in (None, 2)
    )
    assert list(one.values) == [*NAMES, "score"]
    for name, values in one.values.items():
        np.testing.assert_array_equal(two.values[name], values)


def test_minima_are_marked():
    values = {"bic": np.array([3.0, 1.0, 2.0]), "score": np.array([3.0, 2.5, 2.0])}
    display = InformationCriteriaDisplay([1, 2, 4], values).plot()
    assert display.best_n_experts == {"bic": 2, "score": 4}
    marked = {
        name: (*line.get_xdata(), *line.get_ydata())
        for name, line in display.minima_.items()
    }
    assert marked == {"bic": (2, 1.0), "score": (4, 2.0)}
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["BIC, lowest at 2", "held-out rows, lowest at 4"]
    looks = [
        (line.get_linestyle(), line.get_marker()) for line in display.lines_.values()
    ]
    assert looks[0] != looks[1]


def test_rows_held_out(two_regimes):
    X, y = two_regimes
    cv = KFold(3, shuffle=True, random_state=0)
    display = InformationCriteriaDisplay.from_estimator(
        regressor(experts=DecisionTreeRegressor(max_depth=1), max_iter=2), X, y,
        n_experts=[1], criteria=[], cv=cv,
    )  # fmt: skip
    alone = regressor(experts=DecisionTreeRegressor(max_depth=1), n_experts=1, max_iter=2)
    scores = cross_val_score(alone, X, y, cv=cv, scoring=neg_log_likelihood_scorer)
    assert list(display.values) == ["score"]
    assert display.values["score"] == pytest.approx(-2 * 240 * scores.mean())


def test_tables_go_through_pipelines(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["c"] = np.where(X[:, 1] > 0, "high", "low")
    columns = make_column_transformer(
        (OneHotEncoder(), ["c"]), (StandardScaler(), ["a", "b"])
    )
    pipeline = make_pipeline(columns, regressor(experts=Ridge()))
    params = {"n_experts": [1, 2], "criteria": ["bic"]}
    display = InformationCriteriaDisplay.from_estimator(pipeline, frame, y, **params)
    assert list(display.values) == ["bic"]
    assert display.best_n_experts["bic"] == 2
    grid = {"mixtureofexpertsregressor__n_init": [2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(frame, y)
    of_search = InformationCriteriaDisplay.from_estimator(search, frame, y, **params)
    best = search.best_estimator_.set_params(mixtureofexpertsregressor__n_experts=2)
    best.fit(frame, y)
    assert of_search.values["bic"][1] == best[-1].bic(best[:-1].transform(frame), y)


def test_a_classifier(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(random_state=0)
    display = InformationCriteriaDisplay.from_estimator(
        model, X, y, n_experts=range(1, 4), criteria=("aic",)
    )
    assert display.best_n_experts["aic"] > 1


def test_what_cannot_be_counted_is_told(two_regimes):
    X, y = two_regimes

    def refused(error, match, model=None, **params):
        with pytest.raises(error, match=match):
            InformationCriteriaDisplay.from_estimator(
                regressor() if model is None else model, X, y,
                **{"n_experts": [1], **params},
            )  # fmt: skip

    near = regressor(experts=KNeighborsRegressor(), max_iter=2)
    refused(ValueError, "KNeighborsRegressor. does not tell its number of", near)
    refused(ValueError, "n_experts is empty", n_experts=[])
    refused(ValueError, r"criteria: 'dic' is none of .*'icl'\)\.$", criteria=["dic"])
    refused(ValueError, "set cv for the score", criteria=["score"])
    refused(ValueError, "criteria are empty, and cv is None", criteria=[])
    listed = regressor(experts=[("a", Ridge()), ("b", LinearRegression())])
    refused(ValueError, "experts is a list, whose length", listed)
    refused(TypeError, "Ridge is no mixture", make_pipeline(StandardScaler(), Ridge()))
    refused(TypeError, "fit it, with refit=True", GridSearchCV(regressor(), {}))
