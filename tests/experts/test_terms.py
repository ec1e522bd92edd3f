"""What linear experts tell of their likelihood, against differences of it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from skmoe._grams import row_slices
from skmoe.experts import _logistic_terms
from skmoe.experts._glm import GammaPool, PoissonPool
from skmoe.experts._least_squares import LeastSquaresPool, RidgePool
from skmoe.experts._logistic import LogisticPool
from skmoe.experts._sized import RateTermsPool
from skmoe.likelihoods import (
    CategoricalLikelihood,
    GammaLikelihood,
    GaussianLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    with_sizes,
)

N_ROWS, N_EXPERTS = 80, 3
# Targets with exposures have a second column.
LOG_LINEAR = ["counts", "counts by exposure", "sizes", "sizes by exposure"]
SPREAD = ["spread counts", "spread counts by exposure"]
KINDS = ["line", "two lines", "two classes", "three classes", *LOG_LINEAR, *SPREAD]


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"])
def fit_intercept(request):
    return request.param


@pytest.fixture(params=[np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def container(request):
    return request.param


def named(template):
    return [(f"expert{k}", clone(template)) for k in range(N_EXPERTS)]


def target_of(rng, kind, X):
    slope = X[:, 0] - X[:, 0].mean()
    if kind == "exact":
        return 3.0 * X[:, 0]
    if kind == "line":
        return 1e3 + 20.0 * slope + rng.normal(size=N_ROWS)
    if kind == "two lines":
        return np.column_stack([slope, 1.0 - 2.0 * slope]) + rng.normal(size=(N_ROWS, 2))
    if kind.endswith("by exposure"):
        y = target_of(rng, kind.removesuffix(" by exposure"), X)
        return with_sizes(y, rng.uniform(0.3, 3.0, size=N_ROWS))
    if kind == "counts":
        return rng.poisson(np.exp(0.3 * slope)).astype(float)
    if kind == "spread counts":
        return rng.negative_binomial(2, 2 / (2 + np.exp(0.3 * slope))).astype(float)
    if kind == "sizes":
        return rng.gamma(2.0, np.exp(0.3 * slope))
    return rng.integers(0, {"two classes": 2, "three classes": 3}[kind], size=N_ROWS)


LINE = (LeastSquaresPool, LinearRegression(), GaussianLikelihood())
OTHERS = {
    "counts": (PoissonPool, PoissonLikelihood()),
    "spread counts": (PoissonPool, NegativeBinomialLikelihood()),
    "sizes": (GammaPool, GammaLikelihood()),
}


def pool_of(kind, fit_intercept):
    if "class" in kind:
        template = LogisticRegression(C=0.1, fit_intercept=fit_intercept)
        experts = named(template)
        experts[1][1].C = 0.5
        classes = np.arange(2 if kind == "two classes" else 3)
        return LogisticPool(experts, classes=classes), CategoricalLikelihood()
    pool, template, likelihood = LINE
    if kind.removesuffix(" by exposure") in OTHERS:
        pool, likelihood = OTHERS[kind.removesuffix(" by exposure")]
        template = pool.estimator_class(alpha=0)
    pool = pool(named(clone(template).set_params(fit_intercept=fit_intercept)))
    if kind.endswith("by exposure"):
        pool = RateTermsPool(pool, likelihood.expert_target)
    return pool, likelihood


class Case:
    """Terms of one kind, with shares of the rows and a vector to look at."""

    def __init__(self, rng, kind, fit_intercept=True, container=np.asarray):
        X = rng.normal([2.0, 0.0], [1.0, 30.0], size=(N_ROWS, 2))
        self.y, self.weights = target_of(rng, kind, X), rng.uniform(0.5, 2.0, N_ROWS)
        self.X, self.kind = container(X), kind
        self.share = rng.dirichlet(np.ones(N_EXPERTS), size=N_ROWS).T * self.weights
        self.pool, self.likelihood = pool_of(kind, fit_intercept)
        self.pool.bind(self.X, self.weights)
        self.terms = self.pool.terms(self.y, self.weights, self.likelihood)
        self.vector = 0.3 * rng.normal(size=self.terms.size)

    def fitted(self):
        pool = self.pool.fit(self.X, self.y, self.share.T)
        shares, prediction = self.share.T, pool.predict(self.X)
        dispersion = self.likelihood.fit_dispersion(self.y, prediction, shares)
        return pool.parameters(self.terms, dispersion)

    def log_prob(self, vector):
        self.terms.begin(vector)
        parts = [self.terms.log_prob(part) for part in row_slices(N_ROWS, 30)]
        return np.concatenate(parts, axis=1)

    def value(self, vector):
        return np.sum(self.share * self.log_prob(vector))

    def gradient(self, vector):
        return gradient_of(self.terms, vector, self.share)

    def information(self, vector):
        self.terms.begin(vector)
        for part in row_slices(N_ROWS, 30):
            self.terms.log_prob(part)
            self.terms.collect_information(self.share[:, part])
        return self.terms.information(self.weights.sum()).dense()


def gradient_of(terms, vector, share):
    terms.begin(vector)
    for part in row_slices(share.shape[1], 30):
        terms.log_prob(part)
        terms.collect(share[:, part])
    return terms.gradient().copy()


def differences(function, vector, step=1e-5):
    shifts = step * np.eye(vector.size)
    steps = [function(vector + s) - function(vector - s) for s in shifts]
    return np.array(steps) / (2 * step)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient(rng, kind, fit_intercept, container):
    case = Case(rng, kind, fit_intercept, container)
    numeric, gradient = differences(case.value, case.vector), case.gradient(case.vector)
    atol = 1e-7 * np.abs(numeric).max()
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("kind", KINDS)
def test_log_prob_is_the_likelihoods(rng, kind, fit_intercept, container):
    case = Case(rng, kind, fit_intercept, container)
    pool, dispersion = case.pool.with_parameters(case.terms, case.vector, 1)
    prediction = pool.predict(case.X)
    expected = case.likelihood.log_prob(case.y, prediction, dispersion).T
    np.testing.assert_allclose(case.log_prob(case.vector), expected, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_go_to_a_pool_and_back(rng, kind, fit_intercept, container):
    case = Case(rng, kind, fit_intercept, container)
    pool, dispersion = case.pool.with_parameters(case.terms, case.vector, 1)
    back = pool.parameters(case.terms, dispersion)
    np.testing.assert_allclose(back, case.vector, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_pool_goes_to_parameters_and_back(rng, kind, fit_intercept, container):
    case = Case(rng, kind, fit_intercept, container)
    pool = case.pool.fit(case.X, case.y, case.share.T)
    expected = pool.predict(case.X)
    dispersion = case.likelihood.fit_dispersion(case.y, expected, case.share.T)
    vector = pool.parameters(case.terms, dispersion)
    again, same = pool.with_parameters(case.terms, vector, 1)
    np.testing.assert_allclose(again.predict(case.X), expected, rtol=1e-8, atol=1e-9)
    if same is not None or dispersion is not None:
        np.testing.assert_allclose(same, dispersion)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SPREAD])
def test_a_fitted_pool_is_at_the_top(rng, kind):
    case = Case(rng, kind)
    slope = case.gradient(case.fitted()) - case.terms.penalty()[1]
    np.testing.assert_allclose(slope / N_ROWS, 0.0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_information_is_the_hessian(rng, kind, fit_intercept, container):
    """With the shares held: of coefficients; some are what is expected."""
    case = Case(rng, kind, fit_intercept, container)
    if "sizes" in kind or kind in SPREAD:  # where each row is what is expected
        pool, _ = case.pool.with_parameters(case.terms, case.vector, 1)
        expected = pool.predict(case.X)[:, 0]
        if case.y.ndim == 2:
            expected = with_sizes(expected * case.y[:, 1], case.y[:, 1])
        case.terms = case.terms.with_rows(case.terms.design, expected, case.weights)
        case.share[1:] = 0.0

    def slope(vector):
        return case.gradient(vector) - case.terms.penalty()[1]

    size = getattr(case.terms, "n_coef", case.terms.size)
    numeric = -differences(slope, case.vector)[:size, :size]
    information = case.information(case.vector)[:size, :size]
    atol = 1e-7 * np.abs(numeric).max()
    np.testing.assert_allclose(information, numeric, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("kind", ["line", "two lines", "sizes", "sizes by exposure"])
def test_information_of_dispersions_at_the_top(rng, kind):
    case = Case(rng, kind)
    vector, first = case.fitted(), case.terms.n_coef
    numeric = -differences(case.gradient, vector)[first:, first:]
    information = case.information(vector)[first:, first:]
    np.testing.assert_allclose(information, numeric, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_information_is_scaled_up(rng, kind):
    case = Case(rng, kind)
    once = case.information(case.vector)
    twice = case.terms.information(2 * case.weights.sum()).dense()
    case.share *= 2
    again = case.information(case.vector)
    np.testing.assert_allclose(again, twice, rtol=1e-9)
    assert np.abs(twice - once).max() > 1.0


@pytest.mark.parametrize("kind", ["three classes", "two classes"])
def test_one_block_for_each_class(rng, kind, monkeypatch):
    """Of many unknowns, the information is the diagonal blocks."""
    case = Case(rng, kind)
    whole = case.information(case.vector)
    monkeypatch.setattr(_logistic_terms, "_MAX_JOINT_UNKNOWNS", 0)
    blocks = case.information(case.vector)
    owners = np.arange(case.terms.size) // case.terms.shape[2]
    same = owners[:, None] == owners
    np.testing.assert_allclose(blocks, np.where(same, whole, 0.0), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_make_the_gradient(rng, kind, container):
    case = Case(rng, kind, container=container)
    case.terms.begin(case.vector)
    case.terms.log_prob(slice(None))
    scores, owners = case.terms.scores()
    gradient = ((scores * case.share[owners]) @ case.terms.rows).ravel()
    np.testing.assert_allclose(gradient, case.gradient(case.vector)[: gradient.size])


@pytest.mark.parametrize("kind", KINDS)
def test_subsets_add_up(rng, kind, container):
    case = Case(rng, kind, container=container)
    rows = rng.permutation(N_ROWS)
    gradients = [
        gradient_of(case.terms.subset(part), case.vector, case.share[:, part])
        for part in (rows[:20], rows[20:])
    ]
    whole = case.gradient(case.vector)
    atol = 1e-10 * np.abs(whole).max()
    np.testing.assert_allclose(np.sum(gradients, axis=0), whole, rtol=1e-9, atol=atol)


@pytest.mark.parametrize("kind", ["two classes", "three classes"])
def test_the_penalty(rng, kind, fit_intercept):
    case = Case(rng, kind, fit_intercept)

    def penalty(vector):
        case.terms.begin(vector)
        return case.terms.penalty()

    numeric = differences(lambda vector: penalty(vector)[0], case.vector)
    np.testing.assert_allclose(penalty(case.vector)[1], numeric, atol=1e-6)
    pool, _ = case.pool.with_parameters(case.terms, case.vector, 1)
    assert penalty(case.vector)[0] == pytest.approx(pool.penalty)


@pytest.mark.parametrize("kind", ["line", "two lines"])
def test_the_m_step_is_the_pools(rng, kind, fit_intercept, container):
    case = Case(rng, kind, fit_intercept, container)
    case.information(case.vector)
    got = case.terms.maximised(case.vector)
    np.testing.assert_allclose(got, case.fitted(), rtol=1e-6, atol=1e-8)


def test_an_exact_expert_has_the_smallest_dispersion(rng, fit_intercept, container):
    case = Case(rng, "exact", fit_intercept, container)
    case.information(case.vector)
    vector, first = case.terms.maximised(case.vector), case.terms.n_coef
    np.testing.assert_array_equal(vector[first:], case.terms.lower[first:])


@pytest.mark.parametrize("kind", ["two classes", "three classes"])
def test_large_logits(rng, kind):
    case = Case(rng, kind)
    assert np.isfinite(case.log_prob(1e4 * case.vector)).all()


def test_an_expert_without_rows_keeps_its_dispersion(rng):
    case = Case(rng, "line")
    case.share[1] = 0.0
    case.information(case.vector)
    vector, place = case.terms.maximised(case.vector), case.terms.n_coef + 1
    assert vector[place] == case.vector[place]


@pytest.mark.parametrize("kind", ["line", *LOG_LINEAR])
def test_who_does_not_maximise_the_likelihood_has_no_terms(rng, kind):
    case = Case(rng, kind)
    assert case.pool.terms(case.y, case.weights, CategoricalLikelihood()) is None


@pytest.mark.parametrize("kind", [RidgePool, PoissonPool, GammaPool])
def test_who_is_penalised_has_no_terms(rng, kind):
    pool = kind(named(kind.estimator_class(alpha=1.0)))
    pool.bind(rng.normal(size=(9, 2)), np.ones(9))
    own = [likelihood for pool, likelihood in OTHERS.values() if pool is kind]
    for likelihood in own or [GaussianLikelihood()]:
        assert pool.terms(np.ones(9), np.ones(9), likelihood) is None
