"""The generated data follow the truth that is returned with them."""

import sys

import numpy as np
import pytest
from scipy import stats

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_classification, make_moe_regression

MAKERS = [make_moe_regression, make_moe_classification]
# Sums of independent terms that are this many standard errors from their mean are a
# bug and not bad luck, whatever the seed.
FAR = 6.0


@pytest.fixture(params=[0, 1, 2, 12345])
def seed(request):
    return request.param


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
def make(request):
    return request.param


def softmax(logits):
    weights = np.exp(logits - np.max(logits))
    return weights / weights.sum()


def numeric(X):
    columns = [name for name in X.columns if name.startswith("x")]
    return X[columns].to_numpy()


def codes(X):
    columns = [name for name in X.columns if name.startswith("c")]
    return np.column_stack([X[name].cat.codes for name in columns])


def density(truth, row, y, share):
    """p(y | x) of one row at many y, term by term."""
    total = share * stats.norm.pdf(y, 0.0, truth.outlier_scale)
    for k, variance in enumerate(truth.dispersion):
        normal = stats.norm.pdf(y, truth.expert_mean[row, k], np.sqrt(variance))
        total = total + (1 - share) * truth.gate_proba[row, k] * normal
    return total


def standardized_mean(terms, variances):
    """Mean of independent terms with mean 0, in standard errors."""
    # A tiny variance is a certain row: rounding must not be blown up.
    return terms.sum() / np.sqrt(variances.sum() + 1e-6)


class TestRegression:
    @pytest.mark.parametrize("share", [0.0, 0.2])
    def test_truth_by_hand(self, seed, share):
        X, y, truth = make_moe_regression(
            50, 4, 3, n_gate_features=3, outliers=share, return_truth=True,
            random_state=seed,
        )  # fmt: skip
        assert X.shape == (50, 4)
        assert y.shape == truth.logpdf.shape == truth.expert.shape == (50,)
        assert truth.category_shift.shape[1] == 0
        for i, x in enumerate(X):
            logits = [truth.gate_intercept[k] + truth.gate_coef[k] @ x for k in range(3)]
            np.testing.assert_allclose(truth.gate_proba[i], softmax(logits), atol=1e-12)
            for k in range(3):
                mean = truth.expert_intercept[k] + truth.expert_coef[k] @ x
                np.testing.assert_allclose(truth.expert_mean[i, k], mean, atol=1e-12)
            expected = np.log(density(truth, i, y[i], share))
            np.testing.assert_allclose(truth.logpdf[i], expected, rtol=1e-9, atol=1e-9)

    def test_categories_by_hand(self, seed):
        pytest.importorskip("pandas")
        X, y, truth = make_moe_regression(
            50, 3, 2, n_categorical=2, n_categories=3, outliers=0.1, return_truth=True,
            random_state=seed,
        )  # fmt: skip
        assert truth.category_shift.shape == (2, 2, 3)
        levels = codes(X)
        for i, x in enumerate(numeric(X)):
            for k in range(2):
                mean = truth.expert_intercept[k] + truth.expert_coef[k] @ x
                mean += truth.category_shift[k, 0, levels[i, 0]]
                mean += truth.category_shift[k, 1, levels[i, 1]]
                np.testing.assert_allclose(truth.expert_mean[i, k], mean, atol=1e-12)
            logits = truth.gate_intercept + truth.gate_coef @ x
            np.testing.assert_allclose(truth.gate_proba[i], softmax(logits), atol=1e-12)
            expected = np.log(density(truth, i, y[i], 0.1))
            np.testing.assert_allclose(truth.logpdf[i], expected, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("share", [0.0, 0.3])
    def test_density_integrates_to_one(self, seed, share):
        _, y, truth = make_moe_regression(
            20, outliers=share, return_truth=True, random_state=seed
        )
        reach = 10 * truth.outlier_scale + np.abs(truth.expert_mean).max()
        grid, step = np.linspace(-reach, reach, 200_001, retstep=True)
        for row in range(5):
            values = density(truth, row, grid, share)
            np.testing.assert_allclose(step * values.sum(), 1.0, atol=1e-6)
            # The curve that integrates to one is the one that logpdf is on.
            at_y = np.exp(truth.logpdf[row])
            np.testing.assert_allclose(density(truth, row, y[row], share), at_y)

    def test_errors_have_the_dispersion(self, seed):
        _, y, truth = make_moe_regression(4000, return_truth=True, random_state=seed)
        own = truth.expert_mean[np.arange(4000), truth.expert]
        z = (y - own) / np.sqrt(truth.dispersion[truth.expert])
        assert abs(standardized_mean(z, np.ones(4000))) < FAR
        assert abs(standardized_mean(z**2 - 1, np.full(4000, 2.0))) < FAR

    @pytest.mark.parametrize("share", [0.0, 0.1])
    def test_probability_transform_is_uniform(self, seed, share):
        _, y, truth = make_moe_regression(
            4000, outliers=share, return_truth=True, random_state=seed
        )
        z = (y[:, None] - truth.expert_mean) / np.sqrt(truth.dispersion)
        level = (1 - share) * np.sum(truth.gate_proba * stats.norm.cdf(z), axis=1)
        level += share * stats.norm.cdf(y / truth.outlier_scale)
        assert stats.kstest(level, "uniform").pvalue > 1e-6

    def test_heteroscedastic(self, seed):
        own, common, fixed = (
            make_moe_regression(
                10, n_experts=4, return_truth=True, random_state=seed, **options
            )[2].dispersion
            for options in (
                {"noise": (0.1, 3.0)},
                {"noise": (0.1, 3.0), "heteroscedastic": False},
                {"noise": 0.7},
            )
        )
        assert len(np.unique(own)) == 4
        assert len(np.unique(common)) == 1
        assert np.all((own >= 0.01 - 1e-12) & (own <= 9.0 + 1e-12))
        np.testing.assert_allclose(fixed, 0.49)

    def test_outliers(self, seed):
        n, share = 4000, 0.15
        _, clean = make_moe_regression(n, random_state=seed)
        _, y, truth = make_moe_regression(
            n, outliers=share, return_truth=True, random_state=seed
        )
        spread = np.full(n, share * (1 - share))
        assert abs(standardized_mean(truth.is_outlier - share, spread)) < FAR
        kept = ~truth.is_outlier
        np.testing.assert_array_equal(y[kept], clean[kept])
        z = y[truth.is_outlier] / truth.outlier_scale
        assert abs(standardized_mean(z**2 - 1, np.full(len(z), 2.0))) < FAR
        # "Ten times as wide as y" is said of a gate that prefers no one.
        assert 4 < truth.outlier_scale / clean.std() < 40

    def test_outlier_scale_is_ten_times_that_of_y(self, seed):
        pytest.importorskip("pandas")
        _, y, truth = make_moe_regression(
            20_000, gate_scale=0, n_categorical=2, return_truth=True, random_state=seed
        )
        root_mean_square = np.sqrt(np.mean(y**2))
        np.testing.assert_allclose(truth.outlier_scale, 10 * root_mean_square, rtol=0.1)

    def test_no_outliers_by_default(self, seed):
        _, _, truth = make_moe_regression(200, return_truth=True, random_state=seed)
        assert not truth.is_outlier.any()

    def test_model_finds_the_truth(self, seed):
        X, y, truth = make_moe_regression(
            800, 3, 2, noise=(0.1, 0.2), gate_scale=8.0, return_truth=True,
            random_state=seed,
        )  # fmt: skip
        model = MixtureOfExpertsRegressor(n_experts=2, random_state=seed).fit(X, y)
        gain = model.score_samples(X, y).mean() - truth.logpdf.mean()
        # Above the truth only by what its few parameters can overfit.
        assert -0.1 < gain < 0.1


class TestClassification:
    @pytest.mark.parametrize("share", [0.0, 0.2])
    def test_truth_by_hand(self, seed, share):
        X, y, truth = make_moe_classification(
            50, 4, 2, 3, flip_y=share, return_truth=True, random_state=seed
        )
        assert X.shape == (50, 4)
        assert truth.expert_proba.shape == (50, 2, 3)
        for i, x in enumerate(X):
            gate = softmax(truth.gate_intercept + truth.gate_coef @ x)
            np.testing.assert_allclose(truth.gate_proba[i], gate, atol=1e-12)
            proba = np.full(3, share / 3)
            for k in range(2):
                expert = softmax(truth.expert_intercept[k] + truth.expert_coef[k] @ x)
                np.testing.assert_allclose(truth.expert_proba[i, k], expert, atol=1e-12)
                proba += (1 - share) * gate[k] * expert
            np.testing.assert_allclose(truth.proba[i], proba, atol=1e-12)
            np.testing.assert_allclose(truth.logpmf[i], np.log(proba[y[i]]), atol=1e-9)

    def test_categories_by_hand(self, seed):
        pytest.importorskip("pandas")
        X, _, truth = make_moe_classification(
            50, 3, 2, 3, n_categorical=2, n_categories=4, return_truth=True,
            random_state=seed,
        )  # fmt: skip
        assert truth.category_shift.shape == (2, 3, 2, 4)
        levels = codes(X)
        for i, x in enumerate(numeric(X)):
            for k in range(2):
                logits = truth.expert_intercept[k] + truth.expert_coef[k] @ x
                for column in range(2):
                    logits = (
                        logits + truth.category_shift[k, :, column, levels[i, column]]
                    )
                np.testing.assert_allclose(
                    truth.expert_proba[i, k], softmax(logits), atol=1e-12
                )

    @pytest.mark.parametrize("share", [0.0, 0.4])
    def test_classes_follow_proba(self, seed, share):
        n = 4000
        _, y, truth = make_moe_classification(
            n, n_classes=3, flip_y=share, return_truth=True, random_state=seed
        )
        np.testing.assert_allclose(truth.proba.sum(axis=1), 1.0)
        for c in range(3):
            proba = truth.proba[:, c]
            # Where the class is likely, and where not: not only the class's frequency.
            for weight in (np.ones(n), proba):
                terms = weight * ((y == c) - proba)
                variances = weight**2 * proba * (1 - proba)
                assert abs(standardized_mean(terms, variances)) < FAR

    def test_classes_follow_the_drawn_expert(self, seed):
        n = 4000
        _, y, truth = make_moe_classification(n, return_truth=True, random_state=seed)
        proba = truth.expert_proba[np.arange(n), truth.expert, 1]
        terms = proba * ((y == 1) - proba)
        variances = proba**2 * proba * (1 - proba)
        assert abs(standardized_mean(terms, variances)) < FAR

    def test_flip_y(self, seed):
        n, share = 4000, 0.3
        _, clean = make_moe_classification(n, n_classes=4, random_state=seed)
        _, y, truth = make_moe_classification(
            n, n_classes=4, flip_y=share, return_truth=True, random_state=seed
        )
        spread = np.full(n, share * (1 - share))
        assert abs(standardized_mean(truth.is_outlier - share, spread)) < FAR
        np.testing.assert_array_equal(y[~truth.is_outlier], clean[~truth.is_outlier])
        drawn = y[truth.is_outlier]
        for c in range(4):
            spread = np.full(len(drawn), 0.25 * 0.75)
            assert abs(standardized_mean((drawn == c) - 0.25, spread)) < FAR

    def test_labels(self, seed):
        _, y = make_moe_classification(2000, n_classes=5, random_state=seed)
        assert y.dtype.kind == "i"
        assert set(y) <= set(range(5))

    def test_class_scale(self, seed):
        _, _, truth = make_moe_classification(
            20, class_scale=0, return_truth=True, random_state=seed
        )
        np.testing.assert_allclose(truth.proba, 0.5)

    def test_truth_is_a_maximum_of_the_likelihood(self, seed):
        X, y, truth = make_moe_classification(
            1500, 2, 2, class_scale=6.0, gate_scale=6.0, return_truth=True,
            random_state=seed,
        )  # fmt: skip
        # What is tested is that the likelihood has a maximum at the truth, not whether a
        # start that knows nothing finds it: that is a matter of training.
        joint = truth.gate_proba * truth.expert_proba[np.arange(1500), :, y]
        model = MixtureOfExpertsClassifier(
            n_experts=2,
            init=joint / joint.sum(axis=1, keepdims=True),
            max_iter=300,
            random_state=seed,
        ).fit(X, y)
        gain = model.score_samples(X, y).mean() - truth.logpmf.mean()
        assert -0.05 < gain < 0.05


class TestBoth:
    def test_experts_follow_the_gate(self, make, seed):
        n = 4000
        _, _, truth = make(n, n_experts=4, return_truth=True, random_state=seed)
        np.testing.assert_allclose(truth.gate_proba.sum(axis=1), 1.0)
        for k in range(4):
            proba = truth.gate_proba[:, k]
            # Where the expert is likely, and where not: not only its share of the rows.
            for weight in (np.ones(n), proba):
                terms = weight * ((truth.expert == k) - proba)
                variances = weight**2 * proba * (1 - proba)
                assert abs(standardized_mean(terms, variances)) < FAR

    def test_inputs_are_standard_normal(self, make, seed):
        X, _ = make(2000, 3, random_state=seed)
        for column in X.T:
            assert stats.kstest(column, "norm").pvalue > 1e-6

    def test_same_seed_same_data(self, make, seed):
        first = make(30, return_truth=True, random_state=seed)
        again = make(30, return_truth=True, random_state=np.random.RandomState(seed))
        other = make(30, return_truth=True, random_state=seed + 1)
        for one, same, different in zip(first[:2], again[:2], other[:2], strict=True):
            np.testing.assert_array_equal(one, same)
            assert not np.array_equal(one, different)
        assert first[2].keys() == again[2].keys()
        for name, value in first[2].items():
            np.testing.assert_array_equal(value, again[2][name])

    def test_truth_changes_nothing(self, make, seed):
        without = make(30, random_state=seed)
        assert len(without) == 2
        for one, same in zip(
            without, make(30, return_truth=True, random_state=seed)[:2], strict=True
        ):
            np.testing.assert_array_equal(one, same)

    def test_model_does_not_depend_on_n_samples(self, make, seed):
        few, many = (make(n, return_truth=True, random_state=seed)[2] for n in (5, 500))
        for name in ("gate_coef", "gate_intercept", "expert_coef", "expert_intercept"):
            np.testing.assert_array_equal(few[name], many[name])

    def test_no_seed(self, make):
        X, y = make(10)
        assert X.shape == (10, 5)
        assert y.shape == (10,)

    @pytest.mark.parametrize(
        ("n_features", "given", "used"),
        [(1, None, 1), (5, None, 2), (16, None, 4), (3, 3, 3), (3, 1, 1), (3, 0, 0)],
    )
    def test_n_gate_features(self, make, seed, n_features, given, used):
        _, _, truth = make(
            10, n_features, n_gate_features=given, return_truth=True, random_state=seed
        )
        assert truth.gate_coef.shape == (3, n_features)
        assert np.all(truth.gate_coef[:, :used] != 0)
        assert np.all(truth.gate_coef[:, used:] == 0)
        np.testing.assert_allclose(truth.gate_coef.sum(axis=0), 0.0, atol=1e-12)
        if used == 0:
            np.testing.assert_allclose(truth.gate_proba, 1 / 3)

    def test_gate_scale_separates(self, make, seed):
        soft, sharp = (
            make(500, gate_scale=scale, return_truth=True, random_state=seed)[2]
            for scale in (0.5, 2000.0)
        )
        assert soft.gate_proba.max(axis=1).mean() < sharp.gate_proba.max(axis=1).mean()
        assert sharp.gate_proba.max(axis=1).mean() > 0.9

    def test_no_expert_is_left_out(self, make, seed):
        _, _, truth = make(2000, n_experts=2, return_truth=True, random_state=seed)
        # Centres on opposite sides of the rows: each expert has about half of them.
        assert truth.gate_proba.mean(axis=0).min() > 0.4

    def test_one_expert(self, make, seed):
        _, _, truth = make(20, n_experts=1, return_truth=True, random_state=seed)
        np.testing.assert_array_equal(truth.gate_proba, 1.0)
        np.testing.assert_array_equal(truth.expert, 0)

    def test_one_row(self, make, seed):
        _, _, truth = make(1, 1, 2, return_truth=True, random_state=seed)
        log_prob = truth.get("logpdf", truth.get("logpmf"))
        assert np.isfinite(log_prob).all()

    def test_extreme_scales_stay_finite(self, make, seed):
        _, _, truth = make(200, gate_scale=1e4, return_truth=True, random_state=seed)
        log_prob = truth.get("logpdf", truth.get("logpmf"))
        assert np.isfinite(log_prob).all()


class TestCategories:
    def test_table(self, make, seed):
        pd = pytest.importorskip("pandas")
        X, y = make(200, 3, n_categorical=2, n_categories=3, random_state=seed)
        assert list(X.columns) == ["x0", "x1", "x2", "c0", "c1"]
        assert len(X) == len(y) == 200
        assert all(X[name].dtype == np.float64 for name in ("x0", "x1", "x2"))
        for name in ("c0", "c1"):
            assert isinstance(X[name].dtype, pd.CategoricalDtype)
            assert list(X[name].cat.categories) == ["level0", "level1", "level2"]
            assert set(X[name].cat.codes) == {0, 1, 2}

    def test_all_categories_are_declared(self, make, seed):
        pytest.importorskip("pandas")
        X, _ = make(2, n_categorical=1, n_categories=9, random_state=seed)
        assert len(X["c0"].cat.categories) == 9

    def test_same_seed_same_data(self, make, seed):
        pd = pytest.importorskip("pandas")
        first, again = (make(30, n_categorical=2, random_state=seed) for _ in range(2))
        pd.testing.assert_frame_equal(first[0], again[0])
        np.testing.assert_array_equal(first[1], again[1])

    def test_without_pandas(self, make, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match=r"pip install pandas.*n_categorical=0"):
            make(10, n_categorical=1)
        make(10, random_state=0)


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("n_samples", 0),
            ("n_samples", 10.5),
            ("n_features", 0),
            ("n_experts", 0),
            ("n_experts", -1),
            ("n_experts", "3"),
            ("n_categorical", -1),
            ("n_categories", 1),
            ("gate_scale", -1.0),
            ("gate_scale", np.nan),
            ("gate_scale", np.inf),
            ("n_gate_features", 6),
            ("n_gate_features", -1),
            ("n_gate_features", 1.5),
            ("return_truth", "yes"),
        ],
    )
    def test_common(self, make, name, value):
        message = rf"The '{name}' parameter of {make.__name__} must be .*Got .* instead"
        with pytest.raises(ValueError, match=message):
            make(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("outliers", 1.0),
            ("outliers", -0.1),
            ("outliers", np.nan),
            ("heteroscedastic", 0.5),
            ("noise", 0.0),
            ("noise", -1.0),
            ("noise", np.nan),
            ("noise", (1.0, 0.2)),
            ("noise", (0.0, 1.0)),
            ("noise", (0.1, np.inf)),
            ("noise", (0.1, 0.2, 0.3)),
            ("noise", "low"),
            ("noise", None),
        ],
    )
    def test_regression(self, name, value):
        message = rf"The '{name}' parameter of make_moe_regression must be .*Got"
        with pytest.raises(ValueError, match=message):
            make_moe_regression(**{name: value})

    @pytest.mark.parametrize(
        ("name", "value"),
        [("n_classes", 1), ("class_scale", -1.0), ("flip_y", 1.0), ("flip_y", -0.1)],
    )
    def test_classification(self, name, value):
        message = rf"The '{name}' parameter of make_moe_classification must be .*Got"
        with pytest.raises(ValueError, match=message):
            make_moe_classification(**{name: value})

    @pytest.mark.parametrize(
        ("arguments", "remedy"),
        [
            ({"n_experts": 0}, "Use n_experts=1"),
            ({"outliers": 5}, "0.05 stands for 5 percent"),
            ({"noise": 0}, "use a small one, such as noise=1e-3"),
            ({"n_features": 3, "n_gate_features": 4}, "raise n_features"),
        ],
    )
    def test_remedies(self, arguments, remedy):
        with pytest.raises(ValueError, match=remedy):
            make_moe_regression(**arguments)

    def test_random_state(self, make):
        with pytest.raises(ValueError, match="cannot be used to seed"):
            make(random_state="today")
