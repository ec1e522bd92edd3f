"""Successes out of numbers of trials: classifiers as experts of a regressor."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn import config_context
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from test_persistence import round_trip

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import (
    CoefficientsDisplay,
    DensityFanDisplay,
    ExpertCurvesDisplay,
    PITDisplay,
    ResponsibilitiesDisplay,
    expert_report,
    export_text,
)

TIGHT = {"tol": 1e-10, "max_iter": 1000}


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def doses(rng):
    """X, successes and trials; the dose helps on one side, and harms on the other."""
    return make_doses(rng)


def make_doses(rng, n_samples=300):
    X = rng.uniform(-2, 2, size=(n_samples, 2))
    trials = rng.integers(1, 25, size=n_samples)
    return X, rng.binomial(trials, probability_of(X)).astype(float), trials


def probability_of(X):
    log_odds = np.where(X[:, 0] > 0, 1.5 * X[:, 1], 1.0 - 2.0 * X[:, 1])
    return 1 / (1 + np.exp(-log_odds))


def make(n_experts=2, experts=None, **options):
    options = {"random_state": 0, **options}
    return MixtureOfExpertsRegressor(experts, n_experts, likelihood="binomial", **options)


def one_by_one(X, y, trials):
    """Every trial as a row of its own."""
    rows = np.repeat(np.arange(len(y)), trials)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(trials) - trials, trials)
    return X[rows], (place < y[rows]).astype(float), rows


# What trials are


def test_one_expert_is_a_logistic_regression(doses):
    X, y, trials = doses
    rows, outcomes, _ = one_by_one(X, y, trials)
    plain = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    plain.fit(rows, outcomes)
    model = make(1).fit(X, y, trials=trials)
    assert type(model.experts_[0]) is LogisticRegression
    np.testing.assert_allclose(model.experts_[0].coef_, plain.coef_, rtol=1e-4)
    p = plain.predict_proba(X)[:, 1]
    np.testing.assert_allclose(model.predict(X), p, rtol=1e-4)
    np.testing.assert_allclose(model.predict(X, trials=trials), p * trials, rtol=1e-4)
    expected = stats.binom(trials, p).logpmf(y)
    found = model.score_samples(X, y, trials=trials)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert model.dispersion_ is None
    # Three coefficients of the expert, and nothing of one gate.
    assert model.aic(X, y, trials=trials) == pytest.approx(2 * 3 - 2 * expected.sum())


def test_trials_of_a_row_are_rows_of_a_group(doses):
    """All trials of a row come from one expert, as rows of a group do."""
    X, y, trials = doses
    model = make(gate="constant", **TIGHT).fit(X, y, trials=trials)
    rows, outcomes, groups = one_by_one(X, y, trials)
    grouped = make(gate="constant", **TIGHT).fit(rows, outcomes, groups=groups)
    order = stats.binom(trials, 0.5).logpmf(y) + trials * np.log(2)  # which trials
    expected = grouped.score_samples(rows, outcomes, groups).sum() + order.sum()
    found = model.score_samples(X, y, trials=trials).sum()
    assert found == pytest.approx(expected, abs=1e-3)


def test_one_trial_is_a_classification(rng):
    X = rng.uniform(-2, 2, size=(600, 2))
    y = rng.binomial(1, probability_of(X))
    model = make(gate="constant", **TIGHT).fit(X, y)
    kinds = MixtureOfExpertsClassifier(
        LogisticRegression(C=np.inf), 2, gate="constant", random_state=0, **TIGHT,
        init=model.responsibilities(X, y),
    ).fit(X, y)  # fmt: skip
    assert model.lower_bound_ == pytest.approx(kinds.lower_bound_, abs=1e-3)
    np.testing.assert_allclose(model.predict(X), kinds.predict_proba(X)[:, 1], atol=0.05)


def test_one_by_default(doses):
    X, y, trials = doses
    y = (y > trials / 2).astype(float)
    ones = np.ones(len(y))
    model, told = make().fit(X, y), make().fit(X, y, trials=ones)
    np.testing.assert_array_equal(model.predict(X), told.predict(X, trials=ones))
    np.testing.assert_array_equal(
        model.score_samples(X, y), told.score_samples(X, y, trials=ones)
    )


def test_two_regimes_are_found(rng):
    X, y, trials = make_doses(rng, 1500)
    model = make().fit(X, y, trials=trials)
    assert model.converged_
    assert (np.diff(model.lower_bounds_) >= -1e-10).all()
    lines = [[e.intercept_[0], e.coef_[0, 1]] for e in model.experts_]
    np.testing.assert_allclose(sorted(lines), [[0.0, 1.5], [1.0, -2.0]], atol=0.2)
    error = model.predict(X) - probability_of(X)
    assert np.sqrt(np.mean(error**2)) < 0.06


def test_weights_are_repeated_rows(doses, rng):
    X, y, trials = doses
    counts = rng.integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    weighted = make(**TIGHT).fit(X, y, counts, trials=trials)
    repeated = make(**TIGHT).fit(X[rows], y[rows], trials=trials[rows])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-3)


def test_failures_are_successes_of_the_other_kind(doses):
    X, y, trials = doses
    model = make(**TIGHT).fit(X, y, trials=trials)
    other = make(**TIGHT).fit(X, trials - y, trials=trials)
    np.testing.assert_allclose(model.predict(X), 1 - other.predict(X), atol=2e-3)


# Training


@pytest.mark.parametrize("solver", ["hard-em", "stochastic-em"])
def test_other_solvers(doses, solver):
    X, y, trials = doses
    model, em, one = make(solver=solver), make(), make(1)
    reached, best, least = (
        m.fit(X, y, trials=trials).score_samples(X, y, trials=trials).mean()
        for m in (model, em, one)
    )
    assert reached - least > 0.8 * (best - least)


@pytest.mark.filterwarnings("ignore:experts.*ended with less")  # two are enough
@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize(
    "expert", [None, DecisionTreeClassifier(min_samples_leaf=20)], ids=["line", "tree"]
)
def test_routed_rows(doses, top_k, expert):
    X, y, trials = doses
    model = make(3, expert, top_k=top_k).fit(X, y, trials=trials)
    one = make(1).fit(X, y, trials=trials)
    gain = model.score_samples(X, y, trials=trials).mean()
    assert gain > one.score_samples(X, y, trials=trials).mean() + 0.5
    density = model.predict_distribution(X, trials=trials)
    np.testing.assert_allclose(density.mean(), model.predict(X, trials=trials))


def test_flexible_experts(doses):
    X, y, trials = doses
    trees = HistGradientBoostingClassifier(max_iter=20, max_depth=3)
    model = make(2, trees).fit(X, y, trials=trials)
    assert model.cross_fitted_
    error = model.predict(X) - probability_of(X)
    assert np.sqrt(np.mean(error**2)) < 0.2
    # Both outcomes of a row are held out together.
    assert model.lower_bound_ < model.score_samples(X, y, trials=trials).mean()


def test_bags_are_not_trusted(doses):
    """They may hold out a row's success, and not its failure."""
    X, y, trials = doses

    def bound(oob_score):
        forest = RandomForestClassifier(
            10, min_samples_leaf=5, oob_score=oob_score, random_state=0
        )
        return make(2, forest).fit(X, y, trials=trials).lower_bound_

    assert bound(True) == bound(False)


def test_pipelines_dataframes_and_sparse_rows(doses):
    X, y, trials = doses
    plain = make(**TIGHT).fit(X, y, trials=trials)
    steps = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf))
    frame = pd.DataFrame(X, columns=["a", "b"], index=np.arange(len(y))[::-1])
    series = pd.Series(trials, index=frame.index)
    for expert, given, sizes in [
        (steps, X, trials), (steps, frame, trials), (None, frame, series),
        (None, sparse.csr_matrix(X), trials.tolist()),
    ]:  # fmt: skip
        model = make(2, expert, **TIGHT).fit(given, y, trials=sizes)
        assert model.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-6)
        np.testing.assert_allclose(model.predict(given), plain.predict(X), atol=2e-3)


def test_experts_of_several_kinds(doses):
    X, y, trials = doses
    experts = [
        ("line", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=3)),
    ]  # fmt: skip
    model = make(experts=experts).fit(X, y, trials=trials)
    assert model.predict_experts(X).shape == (300, 2)
    line = model.experts_[0].predict_proba(X)[:, 1]
    np.testing.assert_allclose(model.predict_experts(X)[:, 0], line)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.filterwarnings("ignore:experts.*ended with less")  # one is enough
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_all_failures_or_all_successes(doses, share):
    X, _, trials = doses
    for expert in (None, LogisticRegression(), DecisionTreeClassifier(max_depth=2)):
        model = make(2, expert, cv=None).fit(X, share * trials, trials=trials)
        np.testing.assert_allclose(model.predict(X), share, atol=1e-2)
        assert model.score_samples(X, share * trials, trials=trials).mean() > -0.1


def test_warm_start(doses):
    X, y, trials = doses
    model = make(warm_start=True).fit(X, y, trials=trials)
    earlier = model.lower_bound_
    assert model.fit(X, y, trials=trials).lower_bound_ >= earlier - 1e-9
    assert model.n_iter_ <= 6


def test_the_number_of_experts(rng):
    X, y, trials = make_doses(rng, 800)
    assert make("auto").fit(X, y, trials=trials).n_experts_ == 2


# Predictions


def test_the_density_is_that_of_the_trials(doses):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    gate, p = model.predict_gate_proba(X), model.predict_experts(X)
    parts = stats.binom(trials[:, None], p)
    density = model.predict_distribution(X, trials=trials)
    mean = (gate * parts.mean()).sum(axis=1)
    np.testing.assert_allclose(density.mean(), mean)
    second = (gate * (parts.var() + parts.mean() ** 2)).sum(axis=1)
    np.testing.assert_allclose(density.var(), second - mean**2, rtol=1e-6)
    pmf = (gate * parts.pmf(y[:, None])).sum(axis=1)
    np.testing.assert_allclose(density.pmf(y), pmf)
    np.testing.assert_allclose(density.cdf(y), (gate * parts.cdf(y[:, None])).sum(axis=1))
    np.testing.assert_allclose(model.score_samples(X, y, trials=trials), np.log(pmf))
    np.testing.assert_allclose(density.cdf(trials), 1.0)
    median = density.ppf(0.5)
    assert (density.cdf(median) >= 0.5 - 1e-12).all()
    assert (density.cdf(median - 1) < 0.5).all()
    np.testing.assert_array_equal(density.ppf(1.0), trials)
    low, high = density.interval(0.9)
    assert ((low <= y) & (y <= high)).mean() > 0.85
    draws = density.rvs(size=500, random_state=0)
    assert ((draws >= 0) & (draws <= trials[:, None])).all()
    error = 6 * density.std() / np.sqrt(500)
    assert (np.abs(draws.mean(axis=1) - density.mean()) <= error).all()
    grid = np.arange(30.0)
    steps = (gate[0] * stats.binom(trials[0], p[0]).cdf(grid[:, None])).sum(axis=1)
    expected = np.sum((steps - (grid >= y[0])) ** 2)
    assert density[:1].crps(y[:1])[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    part = density[5:9]
    np.testing.assert_allclose(part.mean(), mean[5:9])


def test_score_and_criteria(doses):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    mean, std = model.predict(X, return_std=True, trials=trials)
    density = model.predict_distribution(X, trials=trials)
    np.testing.assert_allclose(std, density.std())
    expected = 1 - ((y - mean) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert model.score(X, y, trials=trials) == pytest.approx(expected)
    total = model.score_samples(X, y, trials=trials).sum()
    # Three coefficients of each expert, three of the gate.
    bic = np.log(len(y)) * 9 - 2 * total
    assert model.bic(X, y, trials=trials) == pytest.approx(bic)


@pytest.mark.parametrize("way", ["pickle", "skops", "deepcopy"])
def test_persistence(doses, way):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    back = round_trip(model, way)
    np.testing.assert_array_equal(
        back.score_samples(X, y, trials=trials), model.score_samples(X, y, trials=trials)
    )


@pytest.mark.parametrize("way", ["pickle", "skops"])
def test_a_hard_router_tells_probabilities(doses, way):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    router = round_trip(model.to_hard_router(), way)
    first = model.apply(X)
    expected = model.predict_experts(X)[np.arange(len(X)), first]
    np.testing.assert_allclose(router.predict(X), expected)
    np.testing.assert_allclose(router.predict(X[:1]), expected[:1])
    one = make(3, top_k=1).fit(X, y, trials=trials)
    np.testing.assert_allclose(one.to_hard_router().predict(X), one.predict(X))


def test_inspection(doses):
    pytest.importorskip("matplotlib").use("agg")
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    text = export_text(model, feature_names=["side", "dose"])
    assert "2 experts, dense, BinomialLikelihood" in text
    assert "LogisticRegression" in text
    assert "dose" in text
    report = expert_report(model, X, y, trials=trials)
    error = np.sqrt(np.mean((y - model.predict(X, trials=trials)) ** 2))
    assert 0.7 * error < report["mixture rmse ruled"].mean() < 1.3 * error
    with pytest.raises(ValueError, match="as many successes as trials"):
        expert_report(model, X, y)
    display = PITDisplay.from_estimator(model, X, y, trials=trials)
    np.testing.assert_allclose(
        display.upper, model.predict_distribution(X, trials=trials).cdf(y)
    )
    display = ResponsibilitiesDisplay.from_estimator(model, X, y, trials=trials)
    np.testing.assert_array_equal(
        display.responsibilities, model.responsibilities(X, y, trials=trials)
    )
    curves = ExpertCurvesDisplay.from_estimator(model, X, feature=1)
    assert curves.ax_.get_ylim()[1] <= 1.2
    CoefficientsDisplay.from_estimator(model, X)
    DensityFanDisplay.from_estimator(model, X, feature=1)


# Metadata


def test_trials_are_routed_by_scikit_learn(doses):
    X, y, trials = doses
    with config_context(enable_metadata_routing=True):
        model = make().set_fit_request(trials=True).set_score_request(trials=True)
        search = GridSearchCV(model, {"n_experts": [1, 2]}, cv=3)
        search.fit(X, y, trials=trials)
    assert search.best_params_ == {"n_experts": 2}


# Bad input


def with_value(array, row, value):
    array = np.array(array, dtype=float)
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, n: (with_value(y, 3, 99), n), "at most as many successes .*row 3 "),
        (lambda y, n: (with_value(y, 3, -1), n), "needs numbers of succ.*row 3 holds -1"),
        (lambda y, n: (with_value(y, 3, 0.5), n), "needs numbers .*row 3 holds 0.5"),
        (
            lambda y, n: (y, with_value(n, 8, 31.5)),
            "trials: row 8 holds 31.5; pass whole",
        ),
        (lambda y, n: (y, with_value(n, 2, 0)), "trials: row 2 holds 0; pass numbers ab"),
        (lambda y, n: (y, n[:-3]), r"trials has shape \(297,\), X has 300 rows"),
        (lambda y, n: (y, None), "as many successes as trials; row .* Pass trials= to"),
    ],
)
def test_numbers_that_cannot_be(doses, change, message):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    y, trials = change(y, trials)
    for method in (
        make().fit, model.score_samples, model.responsibilities, model.bic, model.icl,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            method(X, y, trials=trials)


def test_predictions_take_whole_trials(doses):
    X, y, trials = doses
    model = make().fit(X, y, trials=trials)
    for method in (model.predict, model.predict_distribution, model.sample):
        with pytest.raises(ValueError, match=r"trials: row 8 holds 3.5; pass whole num"):
            method(X, trials=with_value(trials, 8, 3.5))


@pytest.mark.parametrize("likelihood", ["gaussian", "poisson", "gamma"])
def test_likelihoods_without_trials(doses, likelihood):
    X, y, trials = doses
    model = MixtureOfExpertsRegressor(n_experts=2, likelihood=likelihood)
    with pytest.raises(
        ValueError, match=r"trials: .* takes no trials; it goes with like"
    ):
        model.fit(X, y + 1, trials=trials)


def test_experts_are_classifiers(doses):
    X, y, trials = doses
    with pytest.raises(ValueError, match=r"'expert0' \(LinearRegression\) is no classif"):
        make(2, LinearRegression()).fit(X, y, trials=trials)
    with pytest.raises(
        ValueError, match=r"'expert0' \(Perceptron\) has no predict_proba"
    ):
        make(2, Perceptron()).fit(X, y, trials=trials)
    with pytest.raises(
        ValueError, match=r"Discriminant.* accepts no sample_weight, which"
    ):
        make(2, LinearDiscriminantAnalysis()).fit(X, y, trials=trials)


@pytest.mark.parametrize("given", [True, False])
def test_what_takes_no_trials(doses, given):
    X, y, trials = doses
    y, sizes = (y, {"trials": trials}) if given else ((y > 2).astype(float), {})
    message = "BinomialLikelihood has rows of several trials|trials: solver='gradient'"
    with pytest.raises(ValueError, match=message):
        make(solver="gradient").fit(X, y, **sizes)
    blocks = [X[:200], X[200:]], [y[:200], y[200:]]
    with pytest.raises(ValueError, match=r"one table|Rows in blocks are for"):
        make().fit(*blocks, **sizes)
    with pytest.raises(ValueError, match=r"shared_expert: .*BinomialLikelihood"):
        make(shared_expert=Ridge()).fit(X, y, **sizes)


def test_no_batches(doses):
    X, y, trials = doses
    for model in (make(), make().fit(X, y, trials=trials)):
        assert not hasattr(model, "partial_fit")


def test_one_output(doses):
    X, y, trials = doses
    with pytest.raises(ValueError, match=r"y has shape \(300, 2\); .* one model for"):
        make().fit(X, np.column_stack([y, y]), trials=trials)
