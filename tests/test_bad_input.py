"""What bad or odd input gets: a named error, or a usable model."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

X = np.random.RandomState(0).normal(size=(60, 3))
Y = X[:, 0] + 0.1 * np.random.RandomState(1).normal(size=60)
LABELS = np.where(X[:, 0] > 0, "a", "b")


class Failing(LinearRegression):
    """Fails in its third fit, whichever clone makes it."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        Failing.fits += 1
        if Failing.fits == 3:
            raise ZeroDivisionError("no luck")
        return super().fit(X, y, sample_weight)


class PredictsNaN(LinearRegression):
    """Has no answer."""

    def predict(self, X):
        return np.full(len(X), np.nan)


def with_value(array, value, row=4):
    array = np.array(array, dtype=float)
    array.flat[row] = value
    return array


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"gate": "softmx"}, ValueError, "gate: 'softmx' is unknown; use one of"),
        ({"gate": LinearRegression()}, TypeError, "gate: LinearRegression.* neither"),
        ({"gate": LogisticRegression}, TypeError, "gate: LogisticRegression is a class"),
        ({"likelihood": "gamm"}, ValueError, "likelihood: 'gamm' is unknown"),
        ({"solver": "gd"}, ValueError, "'solver' parameter .* must be a str among"),
        ({"init": "kmeans"}, ValueError, "'init' parameter"),
        ({"n_experts": 0}, ValueError, "'n_experts' parameter"),
        ({"n_experts": 61}, ValueError, "n_experts=61 is larger than n_samples=60"),
        ({"tol": -1.0}, ValueError, "'tol' parameter"),
        ({"max_iter": 0}, ValueError, "'max_iter' parameter"),
        ({"experts": []}, ValueError, "experts: a list must hold"),
        ({"experts": [LinearRegression()]}, ValueError, "experts: a list must hold"),
        (
            {"experts": [("a", LinearRegression()), ("a", LinearRegression())]},
            ValueError,
            "experts: the name 'a' is used more than once",
        ),
        (
            {"experts": [("a__b", LinearRegression())]},
            ValueError,
            "must not contain '__'",
        ),
        ({"experts": [("gate", LinearRegression())]}, ValueError, "conflict with"),
        ({"experts": LinearRegression}, TypeError, "'expert0' is the class LinearReg"),
        ({"experts": "linear"}, TypeError, "'linear'.* is no estimator"),
        ({"experts": LogisticRegression()}, ValueError, "'expert0' .* is no regressor"),
        ({"init": np.ones((60, 2))}, ValueError, r"init has shape \(60, 2\)"),
        ({"init": np.ones((60, 3))}, ValueError, "init: row 0 is not a set of shares"),
    ],
)
def test_parameters(params, error, message):
    with pytest.raises(error, match=message):
        MixtureOfExpertsRegressor(**params).fit(X, Y)


@pytest.mark.parametrize(
    ("experts", "message"),
    [
        (LinearRegression(), "'expert0' .* is no classifier"),
        (LinearSVC(), "'expert0' \\(LinearSVC\\) has no predict_proba"),
        (RidgeClassifier(), "'expert0' \\(RidgeClassifier\\) has no predict_proba"),
    ],
)
def test_classifier_experts(experts, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExpertsClassifier(experts).fit(X, LABELS)


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        (with_value(Y, np.nan), None, "Input y contains NaN"),
        (with_value(Y, np.inf), None, "Input y contains infinity"),
        (with_value(Y, 1e200), None, "y: values above .* cannot be squared"),
        (Y[:50], None, "inconsistent numbers of samples"),
        (None, None, "requires y to be passed"),
        (Y, with_value(np.ones(60), -1.0), "negative values in data .first in row 4"),
        (Y, np.zeros(60), "(?i)sample.weight"),
        (Y, np.ones(59), "sample_weight"),
        (Y, with_value(np.ones(60), np.nan), "sample_weight contains NaN"),
    ],
)
def test_targets_and_weights(y, weights, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExpertsRegressor().fit(X, y, sample_weight=weights)


def test_nan_in_X_names_who_cannot_take_it():
    X_nan = with_value(X, np.nan)
    with pytest.raises(ValueError, match=r"gate: SoftmaxGate failed.*contains NaN"):
        MixtureOfExpertsRegressor().fit(X_nan, Y)
    with pytest.raises(ValueError, match=r"'expert0' \(LinearRegression\).*contains NaN"):
        MixtureOfExpertsRegressor(gate="constant").fit(X_nan, Y)
    with pytest.raises(ValueError, match=r"'line' \(LinearRegression\).* in iteration 1"):
        MixtureOfExpertsRegressor(
            [("boost", HistGradientBoostingRegressor()), ("line", LinearRegression())],
            gate="constant",
        ).fit(X_nan, Y)


def test_a_failing_expert_is_named_with_its_iteration_and_cause():
    Failing.fits = 0
    model = MixtureOfExpertsRegressor(Failing(), n_experts=2)
    with pytest.raises(
        RuntimeError, match=r"'expert0' \(Failing\) failed in iteration 2: no luck"
    ) as info:
        model.fit(X, Y)
    assert isinstance(info.value.__cause__, ZeroDivisionError)
    assert not hasattr(model, "n_features_in_")


def test_an_expert_without_an_answer_is_named():
    with pytest.raises(ValueError, match=r"'expert0' \(PredictsNaN\).*not finite"):
        MixtureOfExpertsRegressor(PredictsNaN()).fit(X, Y)


def test_unknown_classes_and_shapes_of_y_afterwards():
    model = MixtureOfExpertsClassifier(n_experts=2).fit(X, LABELS)
    with pytest.raises(ValueError, match="row 0 has the class 'c'"):
        model.score_samples(X[:2], ["c", "a"])
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, Y)
    with pytest.raises(ValueError, match="y has shape"):
        model.score_samples(X, np.column_stack([Y, Y]))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.score_samples(X, Y[:5])


def test_information_criteria_need_numbers_of_parameters():
    model = MixtureOfExpertsRegressor(HistGradientBoostingRegressor(max_iter=2), 2)
    model.fit(X, Y)
    with pytest.raises(ValueError, match=r"bic: experts: 'expert0' .* does not tell"):
        model.bic(X, Y)
    model = MixtureOfExpertsRegressor(n_experts=2, gate=LogisticRegression()).fit(X, Y)
    assert np.isfinite(model.bic(X, Y))


ODD = {
    "constant y": (X, np.full(60, 3.0)),
    "constant column": (np.column_stack([X, np.full(60, 7.0)]), Y),
    "collinear": (np.column_stack([X, X @ [1.0, 2.0, 3.0], X[:, 0]]), Y),
    "huge": (X * [1.0, 1e12, 1e-12] + [0.0, 1e12, 0.0], Y),
    "duplicated": (np.repeat(X[:6], 10, axis=0), np.repeat(Y[:6], 10)),
    "one column": (X[:, :1], Y),
    "wide": (np.random.RandomState(2).normal(size=(60, 100)), Y),
    "three rows": (X[:3], Y[:3]),
    "few levels": (X, np.round(Y)),
    "exact lines": (X, np.abs(X[:, 0])),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
def test_odd_data_give_a_usable_regressor(name, solver):
    X_odd, y_odd = ODD[name]
    model = MixtureOfExpertsRegressor(solver=solver, random_state=0).fit(X_odd, y_odd)
    mean, std = model.predict(X_odd, return_std=True)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    assert np.isfinite(model.score_samples(X_odd, y_odd)).all()
    assert np.isfinite(model.bic(X_odd, y_odd))
    np.testing.assert_allclose(model.predict_gate_proba(X_odd).sum(axis=1), 1.0)
    tolerance = 1.2 * np.std(y_odd) + 1e-6
    assert np.sqrt(np.mean((mean - y_odd) ** 2)) <= tolerance


@pytest.mark.parametrize(
    "name", [n for n in ODD if n not in ("constant y", "exact lines")]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
def test_odd_data_give_a_usable_classifier(name):
    X_odd, y_odd = ODD[name]
    labels = np.where(y_odd > np.median(y_odd), "up", "down")
    model = MixtureOfExpertsClassifier(random_state=0).fit(X_odd, labels)
    proba = model.predict_proba(X_odd)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert model.score(X_odd, labels) >= 0.5


@pytest.mark.parametrize("n_experts", [1, 2, 3])
def test_one_class(n_experts):
    model = MixtureOfExpertsClassifier(n_experts=n_experts, random_state=0)
    model.fit(X, np.full(60, "only"))
    assert set(model.predict(X)) == {"only"}
    np.testing.assert_allclose(model.predict_proba(X), 1.0)


def test_lost_experts_are_reported():
    """Six lines for exact data on two: four have nothing to say."""
    y = np.where(X[:, 0] > 0, 5.0, -5.0)
    init = np.tile([0.5, 0.5 - 1e-9, 1e-9], (60, 1))
    model = MixtureOfExpertsRegressor(
        DecisionTreeRegressor(max_depth=1), 3, init=init, max_iter=20, cv=None
    )
    with pytest.warns(UserWarning, match="'expert2' ended with less than a hundredth"):
        model.fit(X, y)


def test_weightless_pipeline_is_never_silently_unweighted():
    """A pipeline's last step gets the weights, or the rows are drawn."""
    weights = np.where(X[:, 1] > 0, 1.0, 1e-9)
    model = MixtureOfExpertsRegressor(
        make_pipeline(StandardScaler(), LinearRegression()), n_experts=1
    ).fit(X, Y + 10 * (X[:, 1] <= 0), sample_weight=weights)
    upper = X[:, 1] > 0
    plain = LinearRegression().fit(X[upper], Y[upper])
    np.testing.assert_allclose(model.predict(X), plain.predict(X), atol=1e-3)


@pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", [7, 11, 23])
def test_superfluous_experts_stay_finite(seed):
    """One that has lost its rows gains from ever larger errors, up to a limit."""
    X = np.linspace(-1, 1, 100)[:, None]
    noise = 0.1 * np.random.default_rng(seed).normal(size=100)
    y = np.where(X[:, 0] < 0, -3 + X[:, 0], 3 - X[:, 0]) + noise
    model = MixtureOfExpertsRegressor(n_experts=6, random_state=0).fit(X, y)
    assert np.isfinite(model.dispersion_).all()
    assert np.isfinite(model.score_samples(X, y)).all()


# -- errors that tell the remedy -------------------------------------------------------


def test_text_in_x_is_to_be_encoded():
    text = np.array([["north", 1.0], ["south", 2.0]] * 10, dtype=object)
    with pytest.raises(ValueError, match=r"gate: SoftmaxGate .*'north'\n.*OneHotEncoder"):
        MixtureOfExpertsRegressor().fit(text, np.arange(20.0))
    with pytest.raises(ValueError, match=r"experts: 'expert0' .*\n.*OneHotEncoder"):
        MixtureOfExpertsRegressor(gate="constant").fit(text, np.arange(20.0))


def test_missing_values_are_to_be_filled():
    with pytest.raises(ValueError, match=r"(?s)gate: .*contains NaN.*SimpleImputer in a"):
        MixtureOfExpertsRegressor().fit(with_value(X, np.nan), Y)


def test_a_target_of_text_is_one_of_classes():
    with pytest.raises(ValueError, match=r"y: .* For classes use MixtureOfExpertsClass"):
        MixtureOfExpertsRegressor().fit(X, LABELS)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_a_class_that_is_missing_is_named_by_its_row(missing):
    labels = LABELS.astype(object)
    labels[7] = missing
    with pytest.raises(ValueError, match=f"y: row 7 has no class, but {missing}"):
        MixtureOfExpertsClassifier().fit(X, labels)
