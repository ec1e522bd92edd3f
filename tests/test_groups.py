"""Rows of a group come from one expert: ``groups=``."""

from itertools import product

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from scipy.stats import norm
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, GaussianGate, SoftmaxGate

LINES = np.array([[0.0, 1.0], [1.0, -1.0]])


def regressor(n_experts=2, **params):
    return MixtureOfExpertsRegressor(
        n_experts=n_experts, **{"random_state": 0, "max_iter": 1000, **params}
    )


@pytest.fixture
def repeated(rng):
    """Thirty units of two kinds, measured four times each; the second column tells."""
    kinds = np.arange(30) % 2
    groups = np.repeat(np.arange(30), 4)
    X = np.column_stack([rng.uniform(-1, 1, 120), (2 * kinds - 1)[groups]])
    X[:, 1] += np.repeat(2.0 * rng.standard_normal(30), 4)
    intercept, slope = LINES[kinds][groups].T
    y = intercept + slope * X[:, 0] + 0.7 * rng.standard_normal(120)
    return X, y, groups


def log_likelihood(model, X, y, groups, weights=None):
    """Of the groups, from what gate and experts say: one after the other."""
    weights = np.ones(len(y)) if weights is None else weights
    total = 0.0
    for name in np.unique(groups):
        rows = groups == name
        seen = np.average(X[rows], axis=0, weights=weights[rows])[None]
        likelihood = model.gate_.predict_proba(seen)[0]
        for k, expert in enumerate(model.experts_):
            density = norm(expert.predict(X[rows]), np.sqrt(model.dispersion_[k]))
            likelihood[k] *= np.prod(density.pdf(y[rows]) ** weights[rows])
        total += np.log(likelihood.sum())
    return total


# -- the likelihood --------------------------------------------------------------------


@pytest.mark.parametrize("gate", [SoftmaxGate(alpha=0.0), ConstantGate()])
def test_objective_is_the_likelihood_of_groups(repeated, gate):
    X, y, groups = repeated
    model = regressor(gate=gate).fit(X, y, groups=groups)
    expected = log_likelihood(model, X, y, groups)
    assert model.lower_bound_ * len(y) == pytest.approx(expected, rel=1e-6)
    by_row = model.score_samples(X, y, groups)
    assert by_row.sum() == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(by_row, by_row[::4].repeat(4))


def test_likelihood_is_that_of_all_ways_to_give_groups_to_experts(rng):
    groups = np.array([0, 1, 0, 2, 1, 1])
    X, y = rng.standard_normal((6, 1)), rng.standard_normal(6)
    model = regressor(gate="constant", max_iter=3)
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        model.fit(X, y, groups=groups)
    prior = model.predict_gate_proba(X[:1])[0]
    means, scales = model.predict_experts(X), np.sqrt(model.dispersion_)
    density = norm(means, scales).pdf(y[:, None])
    ways = [
        np.prod(prior[list(way)]) * np.prod(density[np.arange(6), np.array(way)[groups]])
        for way in product(range(2), repeat=3)
    ]
    total = model.score_samples(X, y, groups).sum()
    assert total == pytest.approx(np.log(sum(ways)))


def test_weights_count_in_experts_and_not_in_the_gate(repeated, rng):
    X, y, groups = repeated
    weights = rng.uniform(0.5, 2.0, len(y))
    model = regressor(gate=SoftmaxGate(alpha=0.0))
    model.fit(X, y, sample_weight=weights, groups=groups)
    expected = log_likelihood(model, X, y, groups, weights)
    assert model.lower_bound_ * weights.sum() == pytest.approx(expected, rel=1e-6)
    constant = regressor(gate="constant").fit(X, y, groups=groups)
    shares = constant.responsibilities(X, y, groups)[::4]
    np.testing.assert_allclose(constant.gate_.prior_, shares.mean(axis=0), atol=1e-4)


def test_responsibilities_are_those_of_all_rows_together(repeated):
    X, y, groups = repeated
    model = regressor().fit(X, y, groups=groups)
    shares = model.responsibilities(X, y, groups)
    np.testing.assert_array_equal(shares, shares[::4].repeat(4, axis=0))
    density = norm(model.predict_experts(X), np.sqrt(model.dispersion_))
    sums = density.logpdf(y[:, None]).reshape(30, 4, 2).sum(axis=1)
    seen = X.reshape(30, 4, 2).mean(axis=1)
    joint = model.gate_.predict_log_proba(seen) + sums
    expected = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(shares[::4], expected, atol=1e-12)


def test_groups_find_what_rows_do_not_tell(repeated):
    X, y, groups = repeated
    kinds = groups % 2
    model = regressor(gate="constant").fit(X[:, :1], y, groups=groups)
    found = model.responsibilities(X[:, :1], y, groups).argmax(axis=1)
    agreement = (found == kinds).mean()
    assert max(agreement, 1 - agreement) > 0.85
    alone = regressor(gate="constant").fit(X[:, :1], y)
    found = alone.responsibilities(X[:, :1], y).argmax(axis=1)
    assert max((found == kinds).mean(), (found != kinds).mean()) < 0.85


def test_criteria_count_rows_in_the_penalty_and_groups_in_the_entropy(repeated):
    X, y, groups = repeated
    model = regressor(gate="constant").fit(X, y, groups=groups)
    deviance = -2 * model.score_samples(X, y, groups).sum()
    assert model.aic(X, y, groups) == pytest.approx(deviance + 2 * 9)
    assert model.bic(X, y, groups) == pytest.approx(deviance + np.log(120) * 9)
    largest = model.responsibilities(X, y, groups)[::4].max(axis=1)
    expected = model.bic(X, y, groups) - 2 * np.log(largest).sum()
    assert model.icl(X, y, groups) == pytest.approx(expected)


def test_a_generative_gate_models_groups(repeated):
    X, y, groups = repeated
    model = regressor(gate=GaussianGate()).fit(X, y, groups=groups)
    both = model.score_samples(X, y, groups) + model.score_samples(X, groups=groups)
    objective = both.sum() - model.gate_.penalty_
    assert model.lower_bound_ * 120 == pytest.approx(objective)


# -- what must not matter --------------------------------------------------------------


def test_groups_of_one_row_are_rows(two_regimes):
    X, y = two_regimes
    plain = regressor(tol=1e-9).fit(X, y)
    with pytest.warns(UserWarning, match="every group has one row"):
        grouped = regressor(tol=1e-9).fit(X, y, groups=np.arange(len(y)))
    assert grouped.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-6)
    np.testing.assert_allclose(grouped.predict(X), plain.predict(X), atol=1e-2)


def test_one_expert_needs_no_groups(repeated):
    X, y, groups = repeated
    model = regressor(1).fit(X, y, groups=groups)
    np.testing.assert_allclose(
        model.experts_[0].coef_, LinearRegression().fit(X, y).coef_
    )
    expected = regressor(1).fit(X, y).score_samples(X, y).sum()
    assert model.score_samples(X, y, groups).sum() == pytest.approx(expected)


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
def test_a_weight_of_two_is_a_row_twice_in_its_group(repeated, rng, solver):
    X, y, groups = repeated
    counts = rng.integers(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    weighted = regressor(solver=solver).fit(X, y, sample_weight=counts, groups=groups)
    repeated = regressor(solver=solver).fit(X[rows], y[rows], groups=groups[rows])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)


@pytest.mark.parametrize("solver", ["em", "hard-em", "stochastic-em"])
def test_neither_the_order_of_rows_nor_names_matter(repeated, rng, solver):
    X, y, groups = repeated
    names = np.array([f"unit {(7 * number) % 30}" for number in groups])
    order = rng.permutation(len(y))
    first = regressor(solver=solver).fit(X, y, groups=groups)
    other = regressor(solver=solver).fit(X[order], y[order], groups=names[order].tolist())
    np.testing.assert_allclose(first.predict(X), other.predict(X), rtol=1e-6)


# -- training --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["em", "hard-em"])
@pytest.mark.parametrize("gate", ["softmax", "constant"])
def test_the_objective_never_falls(repeated, solver, gate):
    X, y, groups = repeated
    model = regressor(3, solver=solver, gate=gate, init="random", n_init=3)
    model.fit(X, y, groups=groups)
    for bounds in model.init_results_["lower_bounds"]:
        assert np.all(np.diff(bounds) >= 0)
    assert model.converged_


def test_plain_steps_of_em_raise_the_likelihood(repeated):
    """Without acceleration, which would take a step back that lowers it."""
    X, y, groups = repeated
    start = np.random.RandomState(0).dirichlet([1, 1], 30).repeat(4, axis=0)
    values = []
    for _ in range(12):
        model = regressor(init=start, max_iter=1, gate=SoftmaxGate(alpha=0.0))
        with pytest.warns(ConvergenceWarning, match="raise max_iter"):
            model.fit(X, y, groups=groups)
        start = model.responsibilities(X, y, groups)
        values.append(log_likelihood(model, X, y, groups))
    assert np.all(np.diff(values) >= -1e-9)
    assert values[-1] > values[0] + 1


def test_an_expert_without_groups_is_revived_with_whole_ones(repeated):
    X, y, groups = repeated
    start = np.tile([1.0, 0.0], (120, 1))
    model = regressor(init=start).fit(X, y, groups=groups)
    assert model.expert_load_.min() > 0.1


def test_classification(rng):
    """Units whose label turns with x in one of two directions."""
    kinds, groups = np.arange(40) % 2, np.repeat(np.arange(40), 8)
    X = rng.uniform(-1, 1, (320, 1))
    y = np.where((2 * kinds[groups] - 1) * X[:, 0] > 0, "up", "down")
    flipped = rng.uniform(size=320) < 0.1
    y[flipped] = np.where(y[flipped] == "up", "down", "up")
    model = MixtureOfExpertsClassifier(
        LogisticRegression(), 2, gate="constant", random_state=0
    ).fit(X, y, groups=groups)
    found = model.responsibilities(X, y, groups)[::8].argmax(axis=1)
    assert max((found == kinds).mean(), (found != kinds).mean()) > 0.9


def test_number_of_experts_by_groups(repeated):
    X, y, groups = repeated
    model = regressor("auto", gate="constant").fit(X[:, :1], y, groups=groups)
    assert model.n_experts_ == 2


@pytest.mark.parametrize("seed", [0, 1])
def test_number_of_flexible_experts_by_groups_held_out(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(80), 5)
    X = rng.uniform(-1, 1, (400, 1))
    y = np.where(groups % 2, 2.0, -2.0) * X[:, 0] + 0.5 * rng.standard_normal(400)
    model = regressor("auto", experts=KNeighborsRegressor(20), gate="constant")
    model.fit(X, y, groups=groups)
    assert model.cross_fitted_
    assert model.n_experts_ == 2
    found = model.responsibilities(X, y, groups).argmax(axis=1)
    assert max((found == groups % 2).mean(), (found != groups % 2).mean()) > 0.95


def test_warm_start_goes_on(repeated):
    X, y, groups = repeated
    model = regressor(warm_start=True).fit(X, y, groups=groups)
    bound = model.lower_bound_
    again = model.fit(X, y, groups=groups)
    assert again.lower_bound_ >= bound
    assert again.n_iter_ <= 6


@pytest.mark.parametrize("kind", ["pandas", "polars", "sparse"])
def test_containers(repeated, kind):
    X, y, groups = repeated
    expected = regressor().fit(X, y, groups=groups)
    if kind == "sparse":
        table = csr_array(X)
    else:
        package = pytest.importorskip(kind)
        table = package.DataFrame({"x": X[:, 0], "z": X[:, 1]})
        groups = package.Series([f"unit {number}" for number in groups])
    found = regressor().fit(table, y, groups=groups)
    assert found.lower_bound_ == pytest.approx(expected.lower_bound_, abs=1e-6)
    shares = found.responsibilities(table, y, groups)
    same = expected.responsibilities(X, y, repeated[2])
    np.testing.assert_allclose(np.sort(shares), np.sort(same), atol=1e-3)


def test_gate_on_categories_of_groups(repeated):
    pandas = pytest.importorskip("pandas")
    X, y, groups = repeated
    table = pandas.DataFrame({"x": X[:, 0], "kind": np.array(["a", "b"])[groups % 2]})
    gate = _on(["kind"], OneHotEncoder(), SoftmaxGate())
    expert = _on(["x"], "passthrough", LinearRegression())
    model = MixtureOfExpertsRegressor(expert, 2, gate=gate, random_state=0)
    model.fit(table, y, groups=groups)
    proba = model.predict_gate_proba(table)
    assert np.abs(proba[0] - proba[4]).max() > 0.9


def _on(columns, transformer, last):
    return make_pipeline(make_column_transformer((transformer, columns)), last)


# -- rows held out ---------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:the held-out log-likelihood")
@pytest.mark.parametrize("cv", ["auto", 4, GroupKFold(3)])
def test_folds_do_not_tear_groups_apart(repeated, cv):
    X, y, groups = repeated
    seen = []

    class Spy(DecisionTreeRegressor):
        def fit(self, X, y, sample_weight=None):
            seen.append(X[:, 1])
            return super().fit(X, y, sample_weight)

    expert = Spy(max_depth=2, random_state=0)
    model = MixtureOfExpertsRegressor(expert, 2, cv=cv, random_state=0)
    model.fit(X, y, groups=groups)
    assert model.cross_fitted_
    for units in seen:  # each unit has a value of its own in the second column
        assert set(np.unique(units, return_counts=True)[1]) == {4}


@pytest.mark.filterwarnings("ignore:the held-out log-likelihood")
def test_held_out_objective_is_of_groups(repeated):
    """With folds of an equal number of linear experts, against a plain computation."""
    X, y, groups = repeated
    folds = list(GroupKFold(3).split(X, y, groups))
    model = regressor(1, cv=folds).fit(X, y, groups=groups)
    means = np.empty(120)
    for train, test in folds:
        means[test] = LinearRegression().fit(X[train], y[train]).predict(X[test])
    scale = np.sqrt(np.mean((y - means) ** 2))
    expected = norm(means, scale).logpdf(y).mean()
    assert model.lower_bound_ == pytest.approx(expected)
    two = regressor(cv=folds).fit(X, y, groups=groups)
    assert two.lower_bound_ > expected


@pytest.mark.filterwarnings("ignore:the held-out log-likelihood")
def test_a_splitter_that_tears_groups_apart(repeated):
    X, y, groups = repeated
    model = regressor(cv=KFold(3, shuffle=True, random_state=0))
    with pytest.warns(UserWarning, match=r"split 0 .* the group \d+ .* GroupKFold"):
        model.fit(X, y, groups=groups)


# -- scikit-learn ----------------------------------------------------------------------


def test_groups_reach_searches_by_metadata_routing(repeated):
    X, y, groups = repeated
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(groups=True)
        params = {"groups": groups}
        options = {"cv": GroupKFold(3), "params": params, "return_estimator": True}
        result = cross_validate(model, X, y, **options)
        train, _ = next(GroupKFold(3).split(X, y, groups))
        alone = regressor().fit(X[train], y[train], groups=groups[train])
        bound = result["estimator"][0].lower_bound_
        assert bound == pytest.approx(alone.lower_bound_)
        grid = {"n_experts": [1, 2]}
        search = GridSearchCV(model, grid, cv=GroupKFold(3)).fit(X, y, **params)
    expected = regressor(search.best_params_["n_experts"]).fit(X, y, groups=groups)
    assert search.best_estimator_.lower_bound_ == pytest.approx(expected.lower_bound_)


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g[:-1], "groups has 119 values, X has 120 rows"),
        (lambda g: g[:, None], "groups has 2 dimensions"),
        (lambda g: np.where(g == 2, np.nan, g), "groups: the value of row 8 is missing"),
        (lambda g: [None, *g[1:]], "groups: the value of row 0 is missing"),
    ],
)
def test_bad_groups(repeated, change, message):
    X, y, groups = repeated
    with pytest.raises(ValueError, match=message):
        regressor().fit(X, y, groups=change(groups))
    model = regressor().fit(X, y, groups=groups)
    with pytest.raises(ValueError, match=message):
        model.score_samples(X, y, change(groups))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solver": "gradient"}, "groups: solver='gradient' .* use solver='em'"),
        ({"top_k": 1}, "groups: top_k .* use top_k=None"),
    ],
)
def test_what_groups_do_not_go_with(repeated, params, message):
    X, y, groups = repeated
    with pytest.raises(ValueError, match=message):
        regressor(**params).fit(X, y, groups=groups)


def test_more_experts_than_groups(repeated):
    X, y, groups = repeated
    with pytest.raises(ValueError, match=r"n_experts=3 is larger .* of groups, 2"):
        regressor(3).fit(X, y, groups=groups // 15)
    assert regressor("auto").fit(X, y, groups=groups // 15).n_experts_ <= 2


def test_rows_in_blocks_are_in_no_groups(repeated):
    X, y, groups = repeated
    blocks = [X[:60], X[60:]], [y[:60], y[60:]]
    with pytest.raises(ValueError, match=r"groups: .* pass X as one table in memory"):
        regressor().fit(*blocks, groups=groups)


def test_sparsely_routed_models_are_not_asked_about_groups(repeated):
    X, y, groups = repeated
    model = regressor(top_k=1).fit(X, y)
    with pytest.raises(ValueError, match="groups: with top_k"):
        model.responsibilities(X, y, groups)


def test_categories_that_vary_within_a_group(repeated):
    pandas = pytest.importorskip("pandas")
    X, y, groups = repeated
    table = pandas.DataFrame({"x": X[:, 0], "arm": np.array(["a", "b"])[groups % 2]})
    table.loc[6, "arm"] = "c"
    expert = _on(["x"], "passthrough", LinearRegression())
    gate = _on(["arm"], OneHotEncoder(), SoftmaxGate())
    model = MixtureOfExpertsRegressor(expert, 2, gate=gate, random_state=0)
    message = r"groups: 'arm' of X .* varies within the group 1 \(row 6: 'c' after 'b'\)"
    with pytest.raises(ValueError, match=message):
        model.fit(table, y, groups=groups)
    # A gate that looks at no column has nothing against it.
    model.set_params(gate="constant").fit(table, y, groups=groups)
    assert np.isfinite(model.score_samples(table, y, groups)).all()
