"""Mixtures with a component for outliers."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, GaussianGate, HierarchicalGate
from skmoe.inspection import (
    CoefficientsDisplay,
    DensityFanDisplay,
    ExpertCurvesDisplay,
    ExpertLoadDisplay,
    GateDisplay,
    PITDisplay,
    ResponsibilitiesDisplay,
    expert_report,
    export_text,
)
from skmoe.likelihoods import GaussianLikelihood, NoiseLikelihood, StudentTLikelihood

SLOPES = np.array([-2.0, 3.0])
BASES = ["gaussian", "student_t", "laplace", GaussianLikelihood("tied")]


def two_lines(seed, n_samples=400):
    """Two lines; one row in ten is anywhere, far from both."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n_samples, 1))
    y = np.where(X[:, 0] > 0, 3 * X[:, 0] + 1, -2 * X[:, 0])
    y += 0.2 * rng.standard_normal(n_samples)
    is_outlier = np.zeros(n_samples, dtype=bool)
    is_outlier[rng.permutation(n_samples)[: n_samples // 10]] = True
    far = rng.uniform(10, 40, n_samples) * rng.choice([-1, 1], n_samples)
    return X, np.where(is_outlier, far, y), is_outlier


def mixture(likelihood=None, **params):
    likelihood = NoiseLikelihood() if likelihood is None else likelihood
    params = {"n_experts": 2, "random_state": 0, **params}
    return MixtureOfExpertsRegressor(likelihood=likelihood, **params)


def slopes(model):
    return np.sort([model.experts_[k].coef_.item() for k in range(2)])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("base", BASES, ids=repr)
def test_outliers_are_found_and_pull_no_expert(seed, base):
    X, y, is_outlier = two_lines(seed)
    model = mixture(NoiseLikelihood(base), random_state=seed).fit(X, y)
    np.testing.assert_allclose(slopes(model), SLOPES, rtol=0.05)
    found = ~model.inlier_mask_
    assert found[is_outlier].mean() >= 0.8
    assert found[~is_outlier].mean() <= 0.02
    np.testing.assert_allclose(model.expert_load_[-1], 0.1, atol=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_student_t_keeps_the_slopes_that_the_gaussian_loses(seed):
    X, y, _ = two_lines(seed)
    robust = mixture("student_t", random_state=seed).fit(X, y)
    np.testing.assert_allclose(slopes(robust), SLOPES, rtol=0.05)
    plain = mixture("gaussian", random_state=seed).fit(X, y)
    assert np.abs(slopes(plain) / SLOPES - 1).max() > 0.2
    assert robust.inlier_mask_ is None


def test_the_component_is_the_last_column_of_everything():
    X, y, _ = two_lines(0)
    model = mixture().fit(X, y)
    assert model.n_experts_ == len(model.experts_) == 3
    assert isinstance(model.experts_[-1], DummyRegressor)
    middle = (y.min() + y.max()) / 2
    np.testing.assert_allclose(model.experts_[-1].predict(X[:2]), middle)
    np.testing.assert_allclose(model.predict_experts(X[:2])[:, -1], middle)
    np.testing.assert_allclose(model.dispersion_[-1], np.ptp(y) ** 2 / 12)
    for table in (
        model.predict_gate_proba(X),
        model.responsibilities(X, y),
        model.transform(X),
    ):
        assert table.shape == (len(y), 3)
    noise = model.responsibilities(X, y)[:, -1]
    np.testing.assert_array_equal(model.inlier_mask_, noise <= 0.5)
    assert list(model.get_feature_names_out())[-1].endswith("2")


def test_the_density_is_that_of_experts_and_a_uniform():
    X, y, _ = two_lines(0)
    model = mixture().fit(X, y)
    gate, means = model.predict_gate_proba(X), model.predict_experts(X)
    variances = model.dispersion_[:-1]
    normal = np.exp(-((y[:, None] - means[:, :-1]) ** 2) / (2 * variances))
    normal /= np.sqrt(2 * np.pi * variances)
    density = (gate[:, :-1] * normal).sum(axis=1) + gate[:, -1] / np.ptp(y)
    np.testing.assert_allclose(model.score_samples(X, y), np.log(density))
    np.testing.assert_allclose(model.predict(X), (gate * means).sum(axis=1))
    # Out of the range there is no noise.
    far = np.full(len(y), 2 * y.max())
    assert (model.responsibilities(X[:1], y[:1] * 0 + 41.0)[:, -1] == 0).all()
    assert np.isfinite(model.predict_distribution(X).crps(far)).all()


def test_rows_without_weight_are_inliers_and_not_there():
    X, y, is_outlier = two_lines(1)
    weights = np.ones(len(y))
    weights[np.flatnonzero(is_outlier)[:5]] = 0.0
    weights[np.flatnonzero(~is_outlier)[:5]] = 0.0
    model = mixture().fit(X, y, sample_weight=weights)
    assert model.inlier_mask_.shape == y.shape
    assert model.inlier_mask_[weights == 0].all()
    without = mixture().fit(X[weights > 0], y[weights > 0])
    np.testing.assert_array_equal(model.inlier_mask_[weights > 0], without.inlier_mask_)


def test_a_later_fit_with_another_likelihood_has_no_mask():
    X, y, _ = two_lines(0)
    model = mixture().fit(X, y)
    assert model.inlier_mask_ is not None
    assert model.set_params(likelihood="student_t").fit(X, y).inlier_mask_ is None


def test_parameters_are_counted_without_the_range():
    X, y, _ = two_lines(0)
    model = mixture(gate="constant").fit(X, y)
    log_likelihood = model.score_samples(X, y).sum()
    # Two lines, two variances, and two shares that are free.
    n_free = 2 * 2 + 2 + 2
    bic = n_free * np.log(len(y)) - 2 * log_likelihood
    np.testing.assert_allclose(model.bic(X, y), bic)
    np.testing.assert_allclose(model.aic(X, y), 2 * n_free - 2 * log_likelihood)
    assert model.icl(X, y) > model.bic(X, y)
    tails = mixture(NoiseLikelihood("student_t"), gate="constant").fit(X, y)
    own = tails.aic(X, y) + 2 * tails.score_samples(X, y).sum()
    np.testing.assert_allclose(own, 2 * (n_free + 2))


def test_without_outliers_noise_fades_and_nothing_is_said(two_regimes):
    X, y = two_regimes
    model = mixture().fit(X, y)  # a warning would be an error
    assert model.expert_load_[-1] < 0.01
    assert model.inlier_mask_.mean() > 0.99
    plain = mixture("gaussian").fit(X, y)
    np.testing.assert_allclose(model.lower_bound_, plain.lower_bound_, atol=0.02)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_experts_that_lose_their_rows_are_named_and_noise_is_not():
    X, y, _ = two_lines(0)
    # All rows start with one expert; the others have nothing to begin with.
    init = np.tile([1.0, 0.0, 0.0], (len(y), 1))
    model = mixture(init=init, max_iter=1, solver="hard-em")
    with pytest.warns(UserWarning, match=r"experts: 'expert1' ended with less"):
        model.fit(X, y)


@pytest.mark.parametrize("solver", ["hard-em", "stochastic-em"])
def test_other_solvers(solver):
    X, y, is_outlier = two_lines(2)
    model = mixture(solver=solver).fit(X, y)
    np.testing.assert_allclose(slopes(model), SLOPES, rtol=0.05)
    assert (~model.inlier_mask_)[is_outlier].mean() >= 0.8


@pytest.mark.parametrize(
    "gate",
    [
        ConstantGate(),
        GaussianGate(),
        HierarchicalGate((3,)),
        DecisionTreeClassifier(max_depth=2),
        make_pipeline(StandardScaler(), ConstantGate()),
    ],
    ids=lambda gate: type(gate).__name__,
)
def test_any_gate(gate):
    X, y, is_outlier = two_lines(0)
    model = mixture(gate=gate).fit(X, y)
    assert (~model.inlier_mask_)[is_outlier].mean() >= 0.8
    assert (~model.inlier_mask_)[~is_outlier].mean() <= 0.02


def test_flexible_experts_are_held_out():
    X, y, is_outlier = two_lines(0)
    tree = DecisionTreeRegressor(max_depth=4, min_samples_leaf=5)
    model = mixture(experts=tree, n_experts=1).fit(X, y)  # and nothing is said
    assert model.cross_fitted_
    assert model.n_experts_ == 2
    assert (~model.inlier_mask_)[is_outlier].mean() >= 0.8
    assert (~model.inlier_mask_)[~is_outlier].mean() <= 0.05
    alone = MixtureOfExpertsRegressor(tree, 1, random_state=0).fit(X, y)
    assert model.lower_bound_ > alone.lower_bound_


def test_a_list_of_experts_does_not_count_the_noise():
    X, y, _ = two_lines(0)
    experts = [("a", LinearRegression()), ("b", Ridge())]
    model = mixture(experts=experts).fit(X, y)
    assert model.n_experts_ == 3
    np.testing.assert_allclose(slopes(model), SLOPES, rtol=0.05)
    taken = [("noise", LinearRegression()), ("b", Ridge())]
    with pytest.raises(ValueError, match="'noise' is what NoiseLikelihood calls"):
        mixture(experts=taken).fit(X, y)


def test_auto_finds_the_experts_besides_the_noise():
    X, y, _ = two_lines(0)
    model = mixture(n_experts="auto", warm_start=True).fit(X, y)
    assert model.n_experts_ == 3
    bound = model.lower_bound_
    assert model.fit(X, y).lower_bound_ >= bound - 1e-12
    assert model.n_experts_ == 3


def test_a_warm_start_takes_the_range_of_the_new_rows():
    X, y, _ = two_lines(0)
    model = mixture(warm_start=True).fit(X, y)
    model.fit(X, np.append(y[:-1], 90.0))
    np.testing.assert_allclose(model.dispersion_[-1], (90.0 - y.min()) ** 2 / 12)
    np.testing.assert_allclose(model.experts_[-1].constant_, (90.0 + y.min()) / 2)
    assert not model.inlier_mask_[-1]


def test_noise_stays_the_last_in_any_order():
    X, y, is_outlier = two_lines(0)
    # Twice as many outliers as rows of the second line.
    rare = (X[:, 0] < 0) & (np.arange(len(y)) % 8 > 0)
    far = np.where(is_outlier, y, 30 * np.sin(1e4 * y))
    model = mixture(gate="constant").fit(X, np.where(rare, far, y))
    load = model.expert_load_
    assert load[0] > load[1]
    assert load[2] > load[1]
    assert isinstance(model.experts_[-1], DummyRegressor)
    other = mixture(gate="constant", init="k-plane", random_state=5).fit(X, y)
    other.experts_ = [other.experts_[k] for k in (1, 0, 2)]
    other.gate_ = other.gate_.permuted([1, 0, 2])
    other.dispersion_ = other.dispersion_[[1, 0, 2]]
    again = mixture(gate="constant").fit(X, y).align_to(other, X, y)
    assert isinstance(again.experts_[-1], DummyRegressor)
    for k in range(2):
        np.testing.assert_allclose(again.experts_[k].coef_, other.experts_[k].coef_, 0.01)
    three = mixture("gaussian", n_experts=3, gate="constant").fit(X, y)
    with pytest.raises(ValueError, match="has a component besides"):
        again.align_to(three, X, y)


def test_given_responsibilities_have_a_column_for_noise():
    X, y, is_outlier = two_lines(0)
    right = (X[:, 0] > 0) & ~is_outlier
    init = np.column_stack([right, ~right & ~is_outlier, is_outlier]).astype(float)
    model = mixture(init=init).fit(X, y)
    np.testing.assert_allclose(model.experts_[0].coef_, 3.0, rtol=0.05)
    with pytest.raises(ValueError, match="3 columns"):
        mixture(init=init[:, :2]).fit(X, y)


def test_the_hard_router_sends_no_row_to_the_noise():
    X, y, _ = two_lines(0)
    y = np.where(X[:, 0] > 1.5, 30 * np.sin(1e4 * X[:, 0]), y)  # only noise there
    model = mixture().fit(X, y)
    assert (model.apply(X) == 2).any()
    router = model.to_hard_router()
    assert set(router.apply(X)) <= {0, 1}
    assert set(router.apply(X[X[:, 0] > 1.9][:1])) <= {0, 1}
    own = model.predict_experts(X)[np.arange(len(y)), router.apply(X)]
    np.testing.assert_allclose(router.predict(X), own)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"top_k": 1}, "top_k=1: every row may belong to the component"),
        ({"solver": "gradient"}, "is not learnt from batches; use solver='em'"),
        ({"shared_expert": Ridge()}, "shared_expert: .* predicts a constant"),
        ({"likelihood": NoiseLikelihood("poisson")}, "PoissonLikelihood of NoiseLike"),
        ({"likelihood": NoiseLikelihood("gamma")}, "GammaLikelihood of NoiseLike"),
        ({"likelihood": NoiseLikelihood("norm")}, "likelihood: 'norm' is unknown"),
        ({"likelihood": NoiseLikelihood(NoiseLikelihood())}, "of NoiseLikelihood is"),
        (
            {"likelihood": NoiseLikelihood(GaussianLikelihood(Ridge()))},
            "has dispersions that depend on x",
        ),
        ({"likelihood": NoiseLikelihood(StudentTLikelihood(df=-1))}, "df=-1"),
    ],
)
def test_what_does_not_go_with_it_is_refused(params, message):
    X, y, _ = two_lines(0)
    with pytest.raises(ValueError, match=message):
        mixture().set_params(**params).fit(X, y)


def test_several_outputs_blocks_and_batches_are_refused():
    X, y, _ = two_lines(0)
    with pytest.raises(ValueError, match="fit one model for each output"):
        mixture().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="NoiseLikelihood has a component of its own"):
        mixture().fit([X[:200], X[200:]], [y[:200], y[200:]])
    with pytest.raises(AttributeError) as caught:
        mixture().partial_fit(X, y)
    assert "has a component of its own" in str(caught.value.__cause__)


def test_a_target_without_spread():
    X, y = np.linspace(0, 1, 20)[:, None], np.full(20, 3.0)
    model = mixture(n_experts=1).fit(X, y)
    np.testing.assert_allclose(model.predict(X), 3.0)
    assert np.isfinite(model.score_samples(X, y)).all()


def test_clones_and_parameters():
    model = clone(mixture(NoiseLikelihood("laplace")))
    assert repr(model.likelihood) == "NoiseLikelihood(likelihood='laplace')"
    assert not model.__sklearn_tags__().target_tags.multi_output


def test_text_and_tables_know_the_name():
    pytest.importorskip("pandas")
    X, y, _ = two_lines(0)
    model = mixture().fit(X, y)
    text = export_text(model, decimals=1)
    assert "2 experts and noise, dense, NoiseLikelihood" in text
    low, high = y.min(), y.max()
    assert f"noise: a uniform density from {low:.1f} to {high:.1f}, 1" in text
    assert "errors: standard deviation 0.2" in text
    report = expert_report(model, X, y)
    assert list(report.index) == ["expert0", "expert1", "noise"]
    np.testing.assert_allclose(report["noise"].iloc[-1], np.ptp(y) / np.sqrt(12))


def test_displays_draw_the_noise():

    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    X, y, _ = two_lines(0)
    model = mixture().fit(X, y)
    for show in (
        lambda: GateDisplay.from_estimator(model, X, 0),
        lambda: ExpertCurvesDisplay.from_estimator(model, X, y, feature=0),
        lambda: DensityFanDisplay.from_estimator(model, X, y, feature=0),
        lambda: PITDisplay.from_estimator(model, X, y),
    ):
        assert show().ax_ is not None
        plt.close("all")
    for display in (
        ExpertLoadDisplay.from_estimator(model),
        ResponsibilitiesDisplay.from_estimator(model, X, y),
        CoefficientsDisplay.from_estimator(model, X),
    ):
        assert list(display.expert_names)[-1] == "noise"
        plt.close("all")
