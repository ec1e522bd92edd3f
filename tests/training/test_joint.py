"""Gate and experts solved together: derivatives, optima, samples, and hard data."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import make_classifier_pool, make_regressor_pool
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.likelihoods import CategoricalLikelihood, GaussianLikelihood, check_likelihood
from skmoe.training import (
    Parts,
    Result,
    TrainingData,
    _fit,
    _joint_rows,
    _start,
)
from skmoe.training._em import expectation_maximisation, soft_step
from skmoe.training._joint import joint_em, joint_terms
from skmoe.training._joint_problem import JointProblem
from skmoe.training._parts import normalise

CURVE = make_pipeline(PolynomialFeatures(include_bias=False), LinearRegression())
PARTS = {
    "line": (LinearRegression(), GaussianLikelihood()),
    "two lines": (LinearRegression(), GaussianLikelihood()),
    "pipeline": (CURVE, GaussianLikelihood()),
    "two classes": (linear_model.LogisticRegression(C=2.0), CategoricalLikelihood()),
    "three classes": (linear_model.LogisticRegression(C=2.0), CategoricalLikelihood()),
    "counts": (linear_model.PoissonRegressor(alpha=0), check_likelihood("poisson")),
    "sizes": (linear_model.GammaRegressor(alpha=0), check_likelihood("gamma")),
}
VARIANTS = [
    *((kind, SoftmaxGate(), np.asarray) for kind in PARTS),
    *((kind, ConstantGate(), np.asarray) for kind in ("line", "two classes", "counts")),
    *((k, SoftmaxGate(), sparse.csr_matrix) for k in PARTS if k != "pipeline"),
]


@pytest.fixture(params=[0, 1])
def rng(request):
    return np.random.default_rng(request.param)


def make_rows(rng, kind, n_rows=150):
    """X, y, and which of two regimes a row is of, a soft hinge in the first column."""
    X = rng.normal(size=(n_rows, 2))
    right = rng.uniform(size=n_rows) < 1 / (1 + np.exp(-4 * X[:, 0]))
    slope = np.where(right, 1.0 + X[:, 1], -X[:, 1])
    if "class" in kind:
        cuts = [0.0] if kind == "two classes" else [-0.5, 0.5]
        return X, np.digitize(4 * slope + rng.logistic(size=n_rows), cuts), right
    if kind == "counts":
        return X, rng.poisson(np.exp(1.0 + slope)).astype(float), right
    if kind == "sizes":
        return X, rng.gamma(4.0, np.exp(slope)), right
    if kind == "two lines":
        slope = np.column_stack([slope, 1 - slope])
    return X, 3 * slope + 0.5 * rng.normal(size=slope.shape), right


def make_parts(kind, gate, X, y, weights):
    template, likelihood = PARTS[kind]
    experts, options = [("a", template), ("b", template)], {"draw": None, "n_jobs": None}
    if "class" in kind:
        pool = make_classifier_pool(experts, X, y, np.unique(y), **options)
    else:
        pool = make_regressor_pool(experts, X, y, **options)
    data, parts = TrainingData(X, y, weights), Parts(gate, pool, likelihood)
    data.bind(gate)
    pool.bind(X, weights)
    return parts, data


def pose(parts, data):
    return JointProblem(parts, data, joint_terms(parts, data))


def make_problem(rng, kind, gate, container):
    X, y, _ = make_rows(rng, kind)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    problem = pose(*make_parts(kind, gate, container(X), y, weights))
    return problem, 0.3 * rng.normal(size=problem.lower.size)


def make_model(kind, **options):
    options = {"n_experts": 2, "random_state": 0, "experts": PARTS[kind][0], **options}
    if "class" in kind:
        return MixtureOfExpertsClassifier(**options)
    return MixtureOfExpertsRegressor(likelihood=PARTS[kind][1], **options)


def differences(function, vector, step=1e-5):
    shifts = step * np.eye(vector.size)
    steps = [function(vector + s) - function(vector - s) for s in shifts]
    return np.array(steps) / (2 * step)


def loop(kind, gate, X, y, weights, responsibilities, accelerate=True, tol=1e-10):
    """The textbook's."""
    parts, data = make_parts(kind, gate, X, y, weights)
    options = {"max_iter": 3000, "tol": tol, "on_iteration": lambda *_: False}
    options.update(e_step=soft_step, accelerate=accelerate)
    return expectation_maximisation(Result(parts, responsibilities), data, **options)


@pytest.mark.parametrize(("kind", "gate", "container"), VARIANTS)
def test_the_value_is_that_of_the_parts(rng, kind, gate, container):
    problem, vector = make_problem(rng, kind, gate, container)
    parts = problem.parts_at(vector, 1)
    log_likelihood, _ = normalise(parts.log_joint(problem.data))
    expected = problem.rows.weights @ log_likelihood - parts.penalty
    value, _ = problem.evaluate(vector)
    assert value == pytest.approx(expected / problem.rows.weights.sum(), rel=1e-9)


@pytest.mark.parametrize(("kind", "gate", "container"), VARIANTS)
def test_the_gradient(rng, kind, gate, container):
    problem, vector = make_problem(rng, kind, gate, container)
    numeric = differences(lambda at: problem.evaluate(at)[0], vector)
    atol = 1e-8 * max(np.abs(numeric).max(), 1.0)
    np.testing.assert_allclose(problem.evaluate(vector)[1], numeric, 1e-5, atol)


@pytest.mark.parametrize(("kind", "gate", "container"), VARIANTS)
def test_chunks_change_nothing(rng, kind, gate, container, monkeypatch):
    problem, vector = make_problem(rng, kind, gate, container)
    value, gradient = problem.evaluate(vector)
    step = problem.preconditioner(vector)(gradient)
    monkeypatch.setattr(_joint_rows, "_CHUNK_CELLS", 1)
    again = pose(problem.parts, problem.data)
    assert [len(problem.rows.slices), len(again.rows.slices)] == [1, 3]
    other, slope = again.evaluate(vector)
    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(again.mass, problem.mass, rtol=1e-11)
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(slope, gradient, rtol=1e-11, atol=1e-12 * scale)
    np.testing.assert_allclose(again.preconditioner(vector)(gradient), step, rtol=1e-7)


@pytest.mark.parametrize(("kind", "gate", "container"), VARIANTS)
@pytest.mark.parametrize("max_iter", [2, 100])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_bound_is_that_of_the_model(rng, kind, gate, container, max_iter):
    X, y, _ = make_rows(rng, kind)
    weights, X = rng.uniform(0.5, 2.0, size=len(X)), container(X)
    model = make_model(kind, gate=gate, max_iter=max_iter)
    model.fit(X, y, sample_weight=weights)
    penalty = getattr(model.gate_, "penalty_", 0.0)
    if "class" in kind:
        penalty += sum(np.sum(e.coef_**2) / (2 * e.C) for e in model.experts_)
    value = (weights @ model.score_samples(X, y) - penalty) / weights.sum()
    assert model.lower_bound_ == pytest.approx(value, rel=1e-9)
    assert model.lower_bounds_[-1] == model.lower_bound_
    assert (np.diff(model.lower_bounds_) >= -1e-14).all()


@pytest.mark.parametrize("kind", [k for k in PARTS if k not in ("sizes", "pipeline")])
def test_the_observed_information_inverts_the_hessian(rng, kind):
    X, y, right = make_rows(rng, kind, 400)
    first = np.where(right[:, None], [0.8, 0.2], [0.2, 0.8])
    model = make_model(kind, init=first, tol=1e-9).fit(X, y)
    parts, data = make_parts(kind, model.gate_, X, y, np.ones(len(X)))
    parts.pool.resume(X, y, data.weights, model.experts_)
    parts.dispersion, problem = model.dispersion_, pose(parts, data)
    vector, problem.is_near = problem.vector_of(parts), True
    hessian = differences(lambda at: problem.evaluate(at)[1], vector)
    # All but the dispersions, whose rows are those of the complete data.
    size = problem.gate.size + getattr(problem.experts, "n_coef", problem.experts.size)
    step, gradient = rng.normal(size=vector.size), np.zeros(vector.size)
    step[size:] = 0.0
    gradient[:size] = -hessian[:size] @ step
    solved = problem.preconditioner(vector)(gradient)
    np.testing.assert_allclose(solved, step, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("kind", PARTS)
def test_the_optimum_is_the_textbook_loops(rng, kind, accelerate):
    X, y, right = make_rows(rng, kind, 400)
    weights, gate = rng.uniform(0.5, 2.0, size=len(X)), SoftmaxGate(alpha=1.0)
    first = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
    slow = loop(kind, gate, X, y, weights, first, accelerate)
    fast = make_model(kind, gate=gate, init=first, tol=1e-9).fit(X, y, weights)
    assert slow.converged
    assert fast.lower_bound_ == pytest.approx(slow.lower_bound, abs=1e-6)
    expected, got = slow.parts.pool.predict(X), fast.predict_experts(X)
    np.testing.assert_allclose(got, expected, rtol=0.02, atol=0.02 * np.std(expected))


# Samples


@pytest.fixture
def sampling(monkeypatch):
    """Samples of 300 rows and more; and how many of them each fit has climbed."""
    seen = []

    def counted(starts, data, **options):
        seen.append(len(options["samples"]))
        return joint_em(starts, data, **options)

    monkeypatch.setattr(_start, "_ROWS_PER_EXPERT", 150)
    monkeypatch.setattr(_start, "_ROWS_PER_COLUMN", 10)
    monkeypatch.setattr(_fit, "joint_em", counted)
    return seen


def agree(first, second, X, rtol=1e-3):
    assert first.lower_bound_ == pytest.approx(second.lower_bound_, abs=2e-6)
    predictions = first.predict_experts(X), second.predict_experts(X)
    ordered = [p[:, np.argsort(p.reshape(len(X), 2, -1)[0, :, 0])] for p in predictions]
    np.testing.assert_allclose(*ordered, rtol=rtol, atol=rtol * np.std(ordered[0]))


@pytest.mark.parametrize("kind", PARTS)
def test_samples_change_nothing(rng, kind, sampling, monkeypatch):
    X, y, right = make_rows(rng, kind, 3000)
    start = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
    sampled = make_model(kind, tol=1e-9, init=start).fit(X, y)
    monkeypatch.setattr(_start, "_ROWS_PER_EXPERT", 3000)
    whole = make_model(kind, tol=1e-9, init=start).fit(X, y)
    assert [n > 0 for n in sampling] == [True, False]
    agree(sampled, whole, X[:50])


@pytest.mark.parametrize("change", ["repeated", "permuted"])
@pytest.mark.parametrize("kind", ["line", "three classes", "counts"])
def test_rows_count_by_their_content(rng, kind, change, sampling):
    X, y, _ = make_rows(rng, kind, 2500)
    counts = rng.integers(1, 4 if change == "repeated" else 2, size=len(X))
    rows = np.repeat(np.arange(len(X)), counts)
    rows = rows if change == "repeated" else rng.permutation(rows)
    model = make_model(kind).fit(X, y, sample_weight=counts)
    assert sampling[0] > 0
    agree(model, make_model(kind).fit(X[rows], y[rows]), X[:50], 1e-6)


@pytest.mark.parametrize("n_rows", [300, 2500])
@pytest.mark.parametrize("kind", PARTS)
def test_going_on_does_not_lower_it(rng, kind, n_rows, sampling):
    """Neither in the end nor on the way, but for a last digit."""
    X, y, _ = make_rows(rng, kind, n_rows)
    model = make_model(kind, warm_start=True, tol=1e-3).fit(X, y)
    before = model.lower_bound_
    model.set_params(tol=1e-8).fit(X, y)
    assert (model.lower_bounds_ >= before - 1e-13).all()


# Hard data


def hard_data(rng, case):
    """X and y of a case, two lines that meet where the first column is zero."""
    X = rng.normal(size=(120, 3))
    y = np.where(X[:, 0] > 0, 2.0, -3.0) * X[:, 0] + 0.1 * rng.normal(size=120)
    if case == "few rows":
        return np.column_stack([X, rng.normal(size=(120, 20))])[:15], y[:15]
    extra = {"collinear": X[:, 0] - 2 * X[:, 1], "constant": np.full(120, 1e5 / 3)}
    if case in extra:
        X = np.column_stack([X, extra[case]])
    exact = np.where(X[:, 0] > 0, 2.0, -3.0) * X[:, 0] + 1.0
    ys = {"far": y + 1e9, "tiny": y * 1e-150, "constant y": np.full(120, 0.1)}
    return X * (1e-100 if case == "tiny" else 1), {"exact": exact, **ys}.get(case, y)


CASES = ["collinear", "constant", "exact", "far", "tiny", "constant y", "few rows"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()])
def test_hard_data(rng, case, gate):
    X, y = hard_data(rng, case)
    first = np.where(X[:, :1] > 0, [0.9, 0.1], [0.1, 0.9])
    model = make_model("line", gate=gate, init=first, max_iter=1000).fit(X, y)
    value = model.score_samples(X, y).sum() - getattr(model.gate_, "penalty_", 0.0)
    assert model.lower_bound_ == pytest.approx(value / len(X), rel=1e-6, abs=1e-6)
    if case != "few rows":  # which have many tops
        slow = loop("line", gate, X, y, np.ones(len(X)), first, tol=1e-6)
        assert model.lower_bound_ >= slow.lower_bound - 1e-4


def test_a_lost_expert_comes_back(rng):
    X, y = hard_data(rng, "two lines")
    model = make_model("line", init=np.tile([1 - 1e-6, 1e-6], (120, 1))).fit(X, y)
    assert model.expert_load_.min() > 0.3
    assert model.dispersion_.max() < 0.02


def test_exact_lines_end_at_the_smallest_dispersion(rng):
    X, y = hard_data(rng, "exact")
    model = make_model("line").fit(X, y)
    floor = GaussianLikelihood().smallest_dispersion(y, np.ones(len(y)))
    np.testing.assert_allclose(model.dispersion_, floor, rtol=1e-6)


def test_a_class_that_an_expert_has_alone(rng):
    X, draw = rng.normal(size=(200, 2)), rng.uniform(size=200)
    y = (X[:, 0] > 0) & (draw < 0.5)
    assert np.isfinite(make_model("two classes").fit(X, y).predict_proba(X)).all()


@pytest.mark.filterwarnings("ignore:experts.*ended with less:UserWarning")
def test_one_exact_curve_for_two_experts(rng):
    X = rng.normal(size=(200, 2))
    assert np.isfinite(make_model("sizes").fit(X, np.exp(X[:, 0])).predict(X)).all()
