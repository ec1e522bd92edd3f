"""Coefficients of linear experts and gates as dots."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inspection import CoefficientsDisplay, expert_colors

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]


def regressor(X, y, experts=None, **params):
    params = {"n_experts": 2, "random_state": 0, "max_iter": 5, **params}
    return MixtureOfExpertsRegressor(experts, **params).fit(X, y)


def drawn(display):
    """Values of the dots of each expert, by the labels of the axis."""
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    offsets = [np.ma.filled(dots.get_offsets(), np.nan) for dots in display.dots_]
    return [{names[round(y)]: x for x, y in own if not np.isnan(x)} for own in offsets]


def terms(names, values):
    return dict(zip(names, values, strict=True))


def test_dots_are_the_coefficients(two_regimes):
    X, y = two_regimes
    model = regressor(X, y)
    display = CoefficientsDisplay.from_estimator(model)
    for k, own in enumerate(drawn(display)):
        assert own == pytest.approx(terms(["x0", "x1"], model.experts_[k].coef_))
    assert display.ax_.get_xlabel() == "change of y per unit"
    with_intercept = CoefficientsDisplay.from_estimator(model, intercept=True)
    assert drawn(with_intercept)[1]["(intercept)"] == model.experts_[1].intercept_


@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
def test_coefficients_per_standard_deviation(two_regimes, make):
    X, y = two_regimes
    X = X * [1.0, 1000.0]
    scaled = make_pipeline(StandardScaler(with_mean=False), Ridge())
    model = regressor(make(X), y, [("plain", Ridge()), ("scaled", scaled)])
    display = CoefficientsDisplay.from_estimator(model, make(X), intercept=True)
    told = drawn(display)
    at_mean = model.predict_experts(X.mean(axis=0, keepdims=True))[0]
    moved = model.predict_experts(X.mean(axis=0) + np.diag(X.std(axis=0)))
    for k in range(2):
        expected = {"(intercept)": at_mean[k]}
        expected |= {f"x{j}": moved[j, k] - at_mean[k] for j in range(2)}
        assert told[k] == pytest.approx(expected)
    assert display.ax_.get_xlabel() == "change of y per standard deviation"


def test_largest_differences_come_first(rng):
    X = rng.standard_normal((80, 4))
    model = regressor(X, X @ np.arange(4.0) * np.sign(X[:, 0]))
    model.experts_[0].coef_ = np.array([5.0, 1.0, -2.0, 0.0])
    model.experts_[1].coef_ = np.array([5.0, 2.0, 2.0, -3.0])
    display = CoefficientsDisplay.from_estimator(model, max_features=3)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["x2", "x3", "x1", "... and 1 more"]
    bottom, top = display.ax_.get_ylim()
    assert bottom > top
    ends = [sorted(path.vertices[:, 0]) for path in display.ranges_.get_paths()]
    assert ends == [[-2, 2], [-3, 0], [1, 2]]
    one = regressor(X, X[:, 0], n_experts=1)
    one.experts_[0].coef_ = np.array([1.0, 0.0, -4.0, 2.0])
    display = CoefficientsDisplay.from_estimator(one, max_features=None)
    assert display.feature_names == ["x2", "x3", "x0", "x1"]
    assert display.ax_.get_legend() is None


def test_names_are_those_that_steps_make(two_regimes):
    pd = pytest.importorskip("pandas")
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["age", "dose"])
    curved = make_pipeline(PolynomialFeatures(include_bias=False), Ridge())
    mixture = MixtureOfExpertsRegressor(
        [("line", Ridge()), ("curve", curved)], random_state=0, max_iter=5
    )
    pipeline = make_pipeline(StandardScaler(), mixture)
    search = GridSearchCV(pipeline, {"mixtureofexpertsregressor__n_init": [1]}, cv=2)
    search.fit(frame, y)
    search.best_estimator_[-1].experts_[1][-1].coef_ = np.array([1, 2, 90, 80, 70.0])
    display = CoefficientsDisplay.from_estimator(search, frame)
    line, curve = drawn(display)
    difference = [abs(curve[name] - line.get(name, 0)) for name in display.feature_names]
    assert difference == sorted(difference, reverse=True)
    assert set(line) == {"age", "dose"}
    assert set(curve) == {"age", "dose", "age^2", "age dose", "dose^2"}
    display = CoefficientsDisplay.from_estimator(
        regressor(X, y), feature_names=["height", "weight"]
    )
    assert set(display.feature_names) == {"height", "weight"}


def test_classes(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0, max_iter=5).fit(X, y)
    display = CoefficientsDisplay.from_estimator(model, target="mid")
    for own, expert in zip(drawn(display), model.experts_, strict=True):
        assert own == pytest.approx(terms(["x0", "x1"], expert.coef_[1]))
    assert display.ax_.get_xlabel() == "change of score of mid per unit"
    with pytest.raises(ValueError, match=r"target is None; .* one of low, mid, top"):
        CoefficientsDisplay.from_estimator(model)
    two = MixtureOfExpertsClassifier(n_experts=2, random_state=0, max_iter=5)
    two.fit(X, y == "top")
    yes = CoefficientsDisplay.from_estimator(two)
    assert yes.ax_.get_xlabel() == "change of log-odds of True per unit"
    no = CoefficientsDisplay.from_estimator(two, target=False)
    np.testing.assert_array_equal(yes.coefficients, -no.coefficients)
    assert drawn(yes)[0]["x0"] == two.experts_[0].coef_[0, 0]


def test_experts_that_know_some_classes_only(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0, max_iter=5).fit(X, y)
    known = y != "mid"
    model.experts_[0] = LogisticRegression().fit(X[known], y[known])
    model.experts_[1] = DecisionTreeClassifier().fit(
        X[known], np.full(known.sum(), "top")
    )
    display = CoefficientsDisplay.from_estimator(model, target="low")
    order = [int(name[1]) for name in display.feature_names]
    np.testing.assert_allclose(
        display.coefficients[0], -model.experts_[0].coef_[0, order]
    )
    assert np.isnan(display.coefficients[1]).all()
    with pytest.raises(ValueError, match="no expert has coefficients for 'mid'"):
        CoefficientsDisplay.from_estimator(model, target="mid")


def test_outputs(two_regimes):
    X, y = two_regimes
    model = regressor(X, np.column_stack([y, -y]))
    display = CoefficientsDisplay.from_estimator(model, target=1)
    order = [int(name[1]) for name in display.feature_names]
    for k in range(2):
        expected = model.experts_[k].coef_[1, order]
        np.testing.assert_array_equal(display.coefficients[k], expected)
    assert display.ax_.get_xlabel() == "change of y[1] per unit"
    for target in (None, 2, "y"):
        with pytest.raises(ValueError, match="number of an output, from 0 to 1"):
            CoefficientsDisplay.from_estimator(model, target=target)


def test_counts_change_by_their_logarithm(two_regimes):
    X, y = two_regimes
    model = regressor(X, np.round(np.abs(y)), likelihood="poisson")
    display = CoefficientsDisplay.from_estimator(model)
    assert display.ax_.get_xlabel() == "change of log y per unit"


def test_the_gate(two_regimes):
    X, y = two_regimes
    gate = make_pipeline(PolynomialFeatures(include_bias=False), SoftmaxGate())
    model = regressor(X, y, gate=gate)
    display = CoefficientsDisplay.from_estimator(model, part="gate", intercept=True)
    names = ["x0", "x1", "x0^2", "x0 x1", "x1^2"]
    last = model.gate_[-1]
    for k, own in enumerate(drawn(display)):
        expected = {**terms(names, last.coef_[k]), "(intercept)": last.intercept_[k]}
        assert own == pytest.approx(expected)
    assert display.feature_names[0] == "(intercept)"
    assert "log-odds against the average expert" in display.ax_.get_xlabel()


def test_the_shared_expert_has_dots(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, shared_expert=Ridge())
    display = CoefficientsDisplay.from_estimator(model)
    shared = terms(["x0", "x1"], model.shared_expert_.coef_)
    assert drawn(display)[2] == pytest.approx(shared)
    tree = regressor(X, y, shared_expert=DecisionTreeRegressor(max_depth=2))
    assert len(CoefficientsDisplay.from_estimator(tree).dots_) == 2


def test_it_draws_on_given_axes_in_the_experts_colours(two_regimes):
    X, y = two_regimes
    figure, ax = plt.subplots()
    display = CoefficientsDisplay.from_estimator(regressor(X, y), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    colors = [plt.matplotlib.colors.to_hex(d.get_facecolor()[0]) for d in display.dots_]
    assert colors == [color.lower() for color in expert_colors(2)]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["expert0", "expert1"]


def test_what_has_no_coefficients(two_regimes):
    X, y = two_regimes
    tree = DecisionTreeRegressor(max_depth=2)
    model = regressor(X, y, [("line", LinearRegression()), ("tree", tree)], cv=None)
    with pytest.raises(ValueError, match=r"'tree' .* is not linear .*permutation_imp"):
        CoefficientsDisplay.from_estimator(model)
    gate = regressor(X, y, gate="constant")
    with pytest.raises(ValueError, match="ConstantGate has no coefficients; GateDisplay"):
        CoefficientsDisplay.from_estimator(gate, part="gate")
    with pytest.raises(ValueError, match="part is 'noise'; use 'experts' or 'gate'"):
        CoefficientsDisplay.from_estimator(gate, part="noise")
