"""Experts numbered as those of another model."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, GaussianGate, HierarchicalGate, SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood

LEVELS = np.array([0.0, 6.0, -6.0, 12.0])
ORDER = [3, 2, 0, 1]  # one that a tree of two by two allows


def four_steps(n_samples=400, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, size=(n_samples, 2))
    own = np.minimum((4 * X[:, 0]).astype(int), 3)
    y = LEVELS[own] + (own - 1.5) * X[:, 1] + rng.normal(0, noise, n_samples)
    return X, y, own


def in_given_order(X, y, own, order, **options):
    """A model whose expert k stands for ``order[k]``."""
    init = 0.9 * np.eye(4)[own][:, order] + 0.025
    model = MixtureOfExpertsRegressor(n_experts=4, init=init, random_state=0, **options)
    return model.fit(X, y)


OPTIONS = {
    "softmax": {},
    "constant": {"gate": ConstantGate()},
    "gaussian": {"gate": GaussianGate()},
    "tied": {"gate": GaussianGate("tied")},
    "classifier": {"gate": GaussianNB()},
    "tree": {"gate": HierarchicalGate((2, 2))},
    "pipeline": {"gate": make_pipeline(StandardScaler(), SoftmaxGate())},
    "noise models": {"likelihood": GaussianLikelihood(dispersion=LinearRegression())},
    "student_t": {"likelihood": "student_t"},
    "top_k": {"top_k": 2, "load_balancing": "bias"},
    "shared": {"shared_expert": Ridge(1e3)},
    "gradient": {"solver": "gradient", "max_iter": 20},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", OPTIONS)
def test_only_numbers_change(name):
    X, y, own = four_steps()
    model = in_given_order(X, y, own, [0, 1, 2, 3], **OPTIONS[name])
    other = in_given_order(X, y, own, ORDER, **OPTIONS[name])
    before = pickle.loads(pickle.dumps(model))
    router, answers = model.to_hard_router(), model.to_hard_router().apply(X)
    assert model.align_to(other, X, y) is model
    model = pickle.loads(pickle.dumps(model))
    same = {"rtol": 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(model.predict(X), before.predict(X), **same)
    np.testing.assert_allclose(model.score_samples(X, y), before.score_samples(X, y))
    density, old = model.predict_distribution(X), before.predict_distribution(X)
    np.testing.assert_allclose(density.std(), old.std(), **same)
    for values in (
        lambda m: m.predict_gate_proba(X),
        lambda m: m.responsibilities(X, y),
        lambda m: m.predict_experts(X),
    ):
        np.testing.assert_allclose(values(model), values(before)[:, ORDER], **same)
    np.testing.assert_allclose(model.expert_load_, before.expert_load_[ORDER])
    np.testing.assert_array_equal(np.take(ORDER, model.apply(X)), before.apply(X))
    agreement = model.responsibilities(X, y).T @ other.responsibilities(X, y)
    assert (agreement.argmax(axis=1) == range(4)).all()
    # What was exported before stays what it was.
    np.testing.assert_array_equal(router.apply(X), answers)
    np.testing.assert_array_equal(model.to_hard_router().predict(X), router.predict(X))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate": "constant"},
        {"gate": "gaussian"},
        {"top_k": 2, "load_balancing": "bias"},
        {"shared_expert": Ridge(1.0)},
        {"experts": make_pipeline(StandardScaler(), LinearRegression())},
        {"experts": SGDRegressor(random_state=0)},
    ],
    ids=str,
)
def test_a_stream_goes_on_as_it_would_have(options):
    X, y, _ = four_steps(1200)
    batches = np.array_split(np.arange(1200), 6)
    model = MixtureOfExpertsRegressor(n_experts=4, random_state=0, **options)
    for rows in batches[:4]:
        model.partial_fit(X[rows], y[rows])
    aligned = pickle.loads(pickle.dumps(model))
    rank = np.argsort(model.expert_load_)[[1, 3, 0, 2]]
    given = clone(model).fit(X, y)
    given.responsibilities = lambda X, y, groups: model.responsibilities(X, y)[:, rank]
    aligned.align_to(given, X[:200], y[:200])
    np.testing.assert_allclose(aligned.expert_load_, model.expert_load_[rank])
    for rows in batches[4:]:
        model.partial_fit(X[rows], y[rows])
        aligned.partial_fit(X[rows], y[rows])
    same = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(aligned.predict(X), model.predict(X), **same)
    np.testing.assert_allclose(
        aligned.predict_gate_proba(X), model.predict_gate_proba(X)[:, rank], **same
    )
    np.testing.assert_allclose(aligned.dispersion_, model.dispersion_[rank], **same)


def test_classifier():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(600, 2))
    score = np.where(X[:, 0] < -0.3, X[:, 1], -X[:, 1]) + rng.normal(0, 0.2, 600)
    y = np.where(score > 0, "b", "a")
    model = MixtureOfExpertsClassifier(n_experts=2, n_init=3, random_state=0).fit(X, y)
    init = model.responsibilities(X, y)[:, ::-1]
    other = MixtureOfExpertsClassifier(n_experts=2, init=init, random_state=0).fit(X, y)
    proba = model.predict_proba(X)
    assert model.expert_load_[0] > model.expert_load_[1]
    assert model.align_to(other, X, y).expert_load_[0] < model.expert_load_[1]
    np.testing.assert_allclose(model.predict_proba(X), proba, rtol=1e-10)


def bootstrap_slopes(is_aligned):
    """Slopes of two lines that have nearly as many rows each."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, size=(200, 1))
    y = rng.choice([-1.0, 1.0], size=200) * X[:, 0] + rng.normal(0, 0.05, 200)
    unfitted = MixtureOfExpertsRegressor(n_experts=2, gate="constant", random_state=0)
    model, slopes = clone(unfitted).fit(X, y), []
    for _ in range(30):
        rows = rng.integers(200, size=200)
        again = clone(unfitted).fit(X[rows], y[rows])
        if is_aligned:
            again.align_to(model, X, y)
        slopes.append([expert.coef_[0] for expert in again.experts_])
    return np.array(slopes)


def test_bootstrap_samples_can_be_compared():
    assert (bootstrap_slopes(is_aligned=False).std(axis=0) > 0.5).all()
    assert (bootstrap_slopes(is_aligned=True).std(axis=0) < 0.03).all()


class StubbornGate(ConstantGate):
    """A gate whose experts keep their numbers."""

    permuted = property()


def test_groups_and_exposure_are_those_of_the_rows():
    rng = np.random.default_rng(0)
    groups, exposure = np.repeat(np.arange(60), 4), rng.uniform(0.5, 20, 240)
    X = rng.uniform(-1, 1, size=(240, 1))
    rate = np.where(groups % 2 == 0, np.exp(0.5 * X[:, 0]), np.exp(1 - X[:, 0]))
    y = rng.poisson(exposure * rate).astype(float)
    known = {"groups": groups, "exposure": exposure}
    unfitted = MixtureOfExpertsRegressor(
        n_experts=2, gate="constant", likelihood="poisson", n_init=3, random_state=0
    )
    model = clone(unfitted).fit(X, y, **known)
    init = model.responsibilities(X, y, **known)[:, ::-1]
    other = clone(unfitted).set_params(init=init).fit(X, y, **known)
    slope = model.experts_[0].coef_[0]
    model.align_to(other, X, y, **known)
    assert model.experts_[1].coef_[0] == slope
    np.testing.assert_allclose(
        model.experts_[0].coef_, other.experts_[0].coef_, atol=0.01
    )


def test_errors_tell_what_to_change():
    X, y, own = four_steps()
    model = in_given_order(X, y, own, ORDER)
    with pytest.raises(NotFittedError):
        MixtureOfExpertsRegressor().align_to(model, X, y)
    with pytest.raises(NotFittedError, match=r"align_to: other, a .* is not fitted"):
        model.align_to(MixtureOfExpertsRegressor(), X, y)
    with pytest.raises(TypeError, match="other is a Pipeline, no mixture"):
        model.align_to(make_pipeline(model), X, y)
    three = MixtureOfExpertsRegressor(n_experts=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="other has 3 experts, this model 4"):
        model.align_to(three, X, y)
    named = [(f"expert {k}", LinearRegression()) for k in range(4)]
    listed = MixtureOfExpertsRegressor(named, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="experts is a list"):
        listed.align_to(model, X, y)
    stubborn = in_given_order(X, y, own, ORDER, gate=StubbornGate())
    with pytest.raises(ValueError, match=r"StubbornGate, has no method permuted"):
        stubborn.align_to(model, X, y)


def test_a_tree_is_not_torn_apart():
    X, y, own = four_steps()
    other = in_given_order(X, y, own, [0, 2, 1, 3])
    tree = in_given_order(X, y, own, [0, 1, 2, 3], gate=HierarchicalGate((2, 2)))
    experts = list(tree.experts_)
    with pytest.raises(ValueError, match=r"order \[0, 2, 1, 3\], and the gate is a tree"):
        tree.align_to(other, X, y)
    assert all(a is b for a, b in zip(tree.experts_, experts, strict=True))
