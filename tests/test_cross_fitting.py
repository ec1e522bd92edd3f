"""Cross-fitted mixtures of flexible experts, as a user sees them."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import _cross_fit

NO_BETTER = "ignore:the held-out log-likelihood:UserWarning"
TREE = DecisionTreeRegressor(min_samples_leaf=10, random_state=0)


def regressor(experts=TREE, n_experts=2, **params):
    return MixtureOfExpertsRegressor(experts, n_experts, **{"random_state": 0, **params})


# -- independent checks ----------------------------------------------------------------


def held_out(expert, X, y, weights, folds):
    prediction = np.empty(len(y))
    for train, test in folds:
        fitted = clone(expert).fit(X[train], y[train], sample_weight=weights[train])
        prediction[test] = fitted.predict(X[test])
    return prediction


def test_one_round_by_hand(two_regimes):
    """The second round of two experts under a constant gate, in plain NumPy."""
    X, y = two_regimes
    folds, pooling = list(KFold(3).split(X)), 0.4
    init = np.column_stack([X[:, 0] > 0.3, X[:, 0] <= 0.3]) * 0.8 + 0.1
    model = regressor(
        gate="constant", init=init, pooling=pooling, cv=folds, max_iter=2
    ).fit(X, y)

    shares = (init + pooling) / (1 + pooling)
    prediction = np.column_stack(
        [held_out(TREE, X, y, shares[:, k], folds) for k in range(2)]
    )
    resp, squares = init, (y[:, None] - prediction) ** 2
    for _ in range(5):
        given = resp
        variance = (given * squares).sum(axis=0) / given.sum(axis=0)
        joint = -0.5 * (squares / variance + np.log(2 * np.pi * variance))
        for train, test in folds:
            joint[test] += np.log(given[train].mean(axis=0))
        log_likelihood = logsumexp(joint, axis=1)
        resp = np.exp(joint - log_likelihood[:, None])
    assert model.lower_bounds_[1] == pytest.approx(log_likelihood.mean(), rel=1e-9)
    # The best round is refitted to all rows, with the shares that it was fitted with.
    assert model.lower_bounds_[1] > model.lower_bounds_[0]
    for k, expert in enumerate(model.experts_):
        plain = clone(TREE).set_params(**expert.get_params())
        plain.fit(X, y, sample_weight=shares[:, k])
        np.testing.assert_allclose(expert.predict(X), plain.predict(X))
    np.testing.assert_allclose(model.dispersion_, variance)
    np.testing.assert_allclose(
        model.predict_gate_proba(X[:1])[0], given.mean(axis=0), rtol=1e-6
    )


def test_one_expert_is_the_plain_one_with_held_out_noise(two_regimes):
    X, y = two_regimes
    folds = KFold(4)
    model = regressor(n_experts=1, cv=folds).fit(X, y)
    assert model.cross_fitted_
    assert model.n_experts_ == 1
    plain = clone(TREE).set_params(**model.experts_[0].get_params()).fit(X, y)
    np.testing.assert_allclose(model.predict(X), plain.predict(X))
    variance = np.mean((y - cross_val_predict(plain, X, y, cv=folds)) ** 2)
    assert model.dispersion_[0] == pytest.approx(variance)
    expected = -0.5 * (1 + np.log(2 * np.pi * variance))
    assert model.lower_bound_ == pytest.approx(expected)


def test_linear_experts_are_held_out_with_their_weights(two_regimes):
    """These are fitted in one call for each fold."""
    X, y = two_regimes
    folds = list(KFold(4).split(X))
    weights = np.where(X[:, 1] > 0, 1.0, 5.0)
    model = regressor(LinearRegression(), 1, cv=folds)
    model.fit(X, y, sample_weight=weights)
    errors = y - held_out(LinearRegression(), X, y, weights, folds)
    expected = np.average(errors**2, weights=weights)
    assert model.dispersion_[0] == pytest.approx(expected)
    log_prob = -0.5 * (errors**2 / expected + np.log(2 * np.pi * expected))
    assert model.lower_bound_ == pytest.approx(np.average(log_prob, weights=weights))


def test_much_pooling_is_the_single_expert_several_times(two_regimes):
    X, y = two_regimes
    model = regressor(pooling=1e9).fit(X, y)
    # Nothing is gained then: two more rounds tell the end.
    assert model.n_iter_ == 3
    plain = clone(TREE).set_params(**model.experts_[0].get_params()).fit(X, y)
    for expert in model.experts_:
        np.testing.assert_allclose(expert.predict(X), plain.predict(X), rtol=1e-6)


def test_pooling_in_the_textbook_loop(two_regimes):
    """Experts of whom each was given a part of all rows are not far from each other."""
    X, y = two_regimes
    apart, pooled = (
        regressor(LinearRegression(), pooling=pooling).fit(X, y) for pooling in (0.0, 5.0)
    )
    gap = [np.ptp(m.predict_experts(X), axis=1).mean() for m in (apart, pooled)]
    assert gap[1] < 0.5 * gap[0]


@pytest.mark.filterwarnings(NO_BETTER)
def test_a_gain_below_tol_is_none(two_noises):
    X, y = two_noises()
    model = regressor(tol=10.0).fit(X, y)
    assert model.lower_bound_ == model.lower_bounds_[0] < max(model.lower_bounds_)


def test_models_of_noise_are_held_out_too(two_noises):
    """One that memorises would report a likelihood that new rows do not have."""
    X, y = two_noises()
    noise = GaussianLikelihood(dispersion=DecisionTreeRegressor(random_state=0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        model = regressor(likelihood=noise).fit(X, y)
    fresh = model.score_samples(*two_noises(2000)).mean()
    assert model.lower_bound_ < fresh + 0.5


# -- what it is for --------------------------------------------------------------------


def test_memory_is_not_skill(rng):
    """On noise, a tree that memorises claims all rows; held-out rows tell otherwise."""
    X, y = rng.standard_normal((300, 3)), rng.standard_normal(300)
    tree = DecisionTreeRegressor(random_state=0)
    textbook = regressor(tree, cv=None).fit(X, y)
    assert textbook.lower_bound_ > 1.0
    assert not textbook.cross_fitted_
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        held = regressor(tree).fit(X, y)
    fresh = rng.standard_normal((2000, 3)), rng.standard_normal(2000)
    assert held.lower_bound_ == pytest.approx(held.score_samples(*fresh).mean(), abs=0.15)
    assert textbook.score_samples(*fresh).mean() < held.score_samples(*fresh).mean() - 1


@pytest.mark.parametrize("expert", [TREE, KNeighborsRegressor(10)])
def test_a_noise_that_changes_is_found_where_the_mean_is_one_curve(two_noises, expert):
    X, y = two_noises()
    X_test, y_test = two_noises(2000)
    model = regressor(expert).fit(X, y)
    alone = regressor(expert, 1).fit(X, y)
    gain = model.score_samples(X_test, y_test) - alone.score_samples(X_test, y_test)
    assert gain.mean() > 0.2
    errors = [np.mean((m.predict(X_test) - y_test) ** 2) for m in (model, alone)]
    assert errors[0] < 1.05 * errors[1]
    # Held out, the likelihood is what new rows will have.
    assert model.lower_bound_ == pytest.approx(
        model.score_samples(X_test, y_test).mean(), abs=0.35
    )


@pytest.mark.filterwarnings(NO_BETTER)
def test_classes(checkerboard):
    X, y = checkerboard
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    model = MixtureOfExpertsClassifier(tree, 2, random_state=0).fit(X, y)
    alone = MixtureOfExpertsClassifier(tree, 1, random_state=0).fit(X, y)
    assert model.cross_fitted_
    assert model.lower_bound_ >= alone.lower_bound_ - 1e-9
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_a_class_that_a_fold_has_not(checkerboard):
    X, y = checkerboard
    y = np.where(np.arange(len(y)) < 2, "rare", y)
    tree = DecisionTreeClassifier(max_depth=3)
    model = MixtureOfExpertsClassifier(tree, 2, cv=KFold(3), random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        model.fit(X, y)
    assert np.isfinite(model.lower_bound_)
    assert model.predict_proba(X).shape == (len(y), 4)


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
def test_solvers(two_noises, solver):
    X, y = two_noises()
    model = regressor(solver=solver).fit(X, y)
    again = regressor(solver=solver).fit(X, y)
    assert model.cross_fitted_
    assert model.lower_bound_ in model.lower_bounds_
    assert model.lower_bound_ >= model.lower_bounds_[0]
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


@pytest.mark.parametrize(
    "likelihood",
    ["student_t", "laplace", GaussianLikelihood(dispersion="tied"),
     GaussianLikelihood(dispersion=DecisionTreeRegressor(min_samples_leaf=40))],
    ids=["student_t", "laplace", "tied", "modelled"],
)  # fmt: skip
@pytest.mark.filterwarnings(NO_BETTER)
def test_likelihoods(two_noises, likelihood):
    X, y = two_noises()
    model = regressor(likelihood=likelihood).fit(X, y)
    X_test, y_test = two_noises(2000)
    assert model.lower_bound_ == pytest.approx(
        model.score_samples(X_test, y_test).mean(), abs=0.3
    )
    assert np.isfinite(model.predict_distribution(X_test[:5]).interval(0.9)).all()


def test_counts_by_boosting(rng):
    X = rng.uniform(-1, 1, size=(400, 2))
    y = rng.poisson(np.exp(1 + 2 * np.abs(X[:, 0]))).astype(float)
    expert = HistGradientBoostingRegressor(loss="poisson", max_iter=20)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        model = regressor(expert, likelihood="poisson").fit(X, y)
    assert model.cross_fitted_
    assert model.dispersion_ is None


@pytest.mark.filterwarnings(NO_BETTER)
def test_several_outputs(two_regimes):
    X, y = two_regimes
    Y = np.column_stack([y, X[:, 1] ** 2])
    model = regressor().fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert model.dispersion_.shape == (2, 2)


# -- what must not matter --------------------------------------------------------------


@pytest.mark.parametrize("expert", [TREE, HistGradientBoostingRegressor(max_iter=10)])
def test_order_weights_and_jobs_do_not_matter(two_noises, rng, expert):
    X, y = two_noises(300)
    weights = rng.integers(0, 3, size=len(y))
    order = rng.permutation(len(y))
    model = regressor(expert).fit(X, y, sample_weight=weights)
    shuffled = regressor(expert).fit(X[order], y[order], sample_weight=weights[order])
    jobs = regressor(expert, n_jobs=2).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(model.predict(X), jobs.predict(X))
    np.testing.assert_allclose(model.predict(X), shuffled.predict(X), rtol=1e-6)
    assert model.lower_bound_ == pytest.approx(shuffled.lower_bound_, rel=1e-9)


def test_integer_weights_equal_repeated_rows(two_noises, rng):
    X, y = two_noises(300)
    weights = rng.integers(1, 4, size=len(y))
    # Leaves that count weight, not rows.
    tree = DecisionTreeRegressor(min_weight_fraction_leaf=0.05, random_state=0)
    weighted = regressor(tree).fit(X, y, sample_weight=weights)
    repeated = regressor(tree).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-9)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)


def test_tables_as_boosting_takes_them(rng):
    """Missing values and categories reach the experts; the gate has its own column."""
    X = pd.DataFrame(
        {
            "x": rng.uniform(-1, 1, 400),
            "gap": np.where(rng.random(400) < 0.2, np.nan, rng.standard_normal(400)),
            "kind": pd.Categorical(rng.choice(["a", "b", "c"], 400)),
        }
    )
    y = X["x"] * np.where(X["kind"] == "a", 3, -1) + X["gap"].fillna(0)
    y += np.where(X["x"] > 0, 1.0, 0.1) * rng.standard_normal(400)
    expert = HistGradientBoostingRegressor(max_iter=20, categorical_features="from_dtype")
    gate = make_pipeline(make_column_transformer(("passthrough", ["x"])), SoftmaxGate())
    model = regressor(expert, gate=gate).fit(X, y)
    assert model.cross_fitted_
    assert model.score(X, y) > 0.5
    assert list(model.experts_[0].feature_names_in_) == ["x", "gap", "kind"]


# -- cost ------------------------------------------------------------------------------


class Counted(DecisionTreeRegressor):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


def test_a_fit_of_three_experts_costs_at_most_45_fits(two_noises):
    X, y = two_noises()
    Counted.n_fits = 0
    model = regressor(Counted(min_samples_leaf=10), 3).fit(X, y)
    # The expert alone, the rounds, and the last fit to all rows.
    assert Counted.n_fits == 3 + 9 * (model.n_iter_ - 1) + 3 <= 45


@pytest.mark.filterwarnings(NO_BETTER)
def test_a_forest_in_a_search(two_noises):
    """Forests can be iterated over, which is not to be taken for a list of experts."""
    X, y = two_noises(200)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), regressor(RandomForestRegressor(5))),
        {"mixtureofexpertsregressor__experts__max_depth": [2, 3]},
        cv=2,
    ).fit(X, y)
    model = search.best_estimator_[-1]
    assert all(e.max_depth == model.experts.max_depth for e in model.experts_)


# -- parameters of ensembles -----------------------------------------------------------


@pytest.mark.parametrize("expert", [RandomForestRegressor(5), BaggingRegressor(TREE)])
def test_parameters_of_an_ensemble_can_be_read_and_set(expert):
    model = regressor(expert)
    assert model.get_params()["experts__n_estimators"] == expert.n_estimators
    model.set_params(experts__n_estimators=7)
    assert model.experts.n_estimators == 7


# -- splitters, warm starts, errors ----------------------------------------------------


def test_groups_reach_the_splitter_by_metadata_routing(two_noises):
    X, y = two_noises()
    groups = np.arange(len(y)) // 100
    given = regressor(cv=list(GroupKFold(3).split(X, y, groups))).fit(X, y)
    model = regressor(cv=GroupKFold(3))
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(groups=False)  # rows of a group may have several experts
        routed = model.fit(X, y, groups=groups).lower_bound_
        assert routed == pytest.approx(given.lower_bound_)
        with pytest.raises(ValueError, match="groups has 50 values, X has 600 rows"):
            model.fit(X, y, groups=groups[:50])
        named = regressor(cv=GroupKFold(3).set_split_request(groups="sites"))
        named = named.fit(X, y, sites=groups).lower_bound_
        assert named == pytest.approx(given.lower_bound_)


@pytest.mark.filterwarnings(NO_BETTER)
def test_warm_start_never_lowers_the_objective(two_noises, rng):
    X, y = two_noises()
    model = regressor(
        DecisionTreeRegressor(max_depth=3, splitter="random"), warm_start=True, max_iter=2
    )
    bounds = [model.set_params(random_state=i).fit(X, y).lower_bound_ for i in range(6)]
    assert np.all(np.diff(bounds) >= 0)
    # On other rows, what was reached on these says nothing.
    other = model.fit(X, y + 10 * rng.standard_normal(len(y))).lower_bound_
    assert other < bounds[-1]


@pytest.mark.filterwarnings(NO_BETTER)
def test_which_experts_are_linear(two_regimes):
    X, y = two_regimes
    curve = make_pipeline(PolynomialFeatures(2), Ridge())
    assert not regressor(curve).fit(X, y).cross_fitted_
    assert not regressor().set_params(cv=None).fit(X, y).cross_fitted_
    mixed = regressor([("line", Ridge()), ("tree", TREE)])
    assert mixed.fit(X, y).cross_fitted_


class Fragile(DecisionTreeRegressor):
    """Cannot be fitted with weights."""

    def fit(self, X, y, sample_weight=None):
        if sample_weight is not None:
            raise ArithmeticError("no weights today")
        return super().fit(X, y)


def test_a_failing_expert_is_named_with_its_iteration(two_regimes):
    named = r"'expert0' \(Fragile\) failed in iteration 2"
    with pytest.raises(RuntimeError, match=named):
        regressor(Fragile(max_depth=2)).fit(*two_regimes)


def test_unknown_values_are_refused(two_regimes):
    for params in ({"cv": "three"}, {"cv": 1}, {"pooling": -0.1}, {"n_experts": "many"}):
        with pytest.raises(ValueError, match=next(iter(params))):
            regressor(**params).fit(*two_regimes)


def test_boosting_classifier(checkerboard):
    X, y = checkerboard
    expert = HistGradientBoostingClassifier(max_iter=15)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the held-out")
        model = MixtureOfExpertsClassifier(expert, 2, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.8


# -- pooling where regimes are clear ---------------------------------------------------


def test_clear_regimes_are_not_blurred_by_pooling(rng, monkeypatch):
    x, aside = rng.uniform(-1, 1, 900), rng.uniform(-1, 1, 900)
    X = np.column_stack([x, aside])
    is_right = rng.random(900) < 1 / (1 + np.exp(-8 * aside))
    y = np.where(is_right, 5.0 * (x > 0), -5.0 * (x > -0.3) - 3)
    y += 0.1 * rng.standard_normal(900)
    scores = []
    for clear_gain in (_cross_fit._CLEAR_GAIN, np.inf):
        monkeypatch.setattr(_cross_fit, "_CLEAR_GAIN", clear_gain)
        model = regressor().fit(X[:500], y[:500])
        scores.append(model.score_samples(X[500:], y[500:]).mean())
    assert scores[0] > scores[1] + 0.2


def test_pooling_of_the_users_own_stays(two_regimes, monkeypatch):
    X, y = two_regimes
    expected = regressor(pooling=0.3).fit(X, y).lower_bound_
    monkeypatch.setattr(_cross_fit, "_CLEAR_GAIN", -np.inf)
    assert regressor(pooling=0.3).fit(X, y).lower_bound_ == expected
    assert regressor().fit(X, y).lower_bound_ != expected
