"""Estimators that are fitted by steps on mini-batches."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import (
    LinearRegression,
    PoissonRegressor,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe import (
    MixtureOfExpertsClassifier,
    MixtureOfExpertsRegressor,
    _memory_maps,
)
from skmoe.datasets import make_moe_regression
from skmoe.gates import ClassifierGate, SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import _gradient

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]

SGD = SGDRegressor(penalty=None, learning_rate="constant", eta0=0.02)


def regressor(*args, **kwargs):
    options = {"n_experts": 2, "random_state": 0, "max_iter": 40, **kwargs}
    return MixtureOfExpertsRegressor(*args, solver="gradient", **options)


def classifier(*args, **kwargs):
    options = {"n_experts": 2, "random_state": 0, "max_iter": 40, **kwargs}
    return MixtureOfExpertsClassifier(*args, solver="gradient", **options)


@pytest.fixture
def counts(rng):
    """Counts whose rates turn over at zero."""
    X = rng.uniform(-1, 1, size=(600, 2))
    return X, rng.poisson(np.exp(1 + 2 * np.abs(X[:, 0]))).astype(float)


@pytest.mark.parametrize("batch_size", ["auto", 60])
def test_it_ends_where_em_ends(two_regimes, batch_size):
    X, y = two_regimes
    by_em = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    by_steps = regressor(batch_size=batch_size).fit(X, y)
    assert abs(by_steps.lower_bound_ - by_em.lower_bound_) < 0.01
    assert not by_steps.cross_fitted_


@pytest.mark.parametrize("likelihood", ["student_t", "laplace"])
def test_robust_likelihoods_end_where_em_ends(two_regimes, likelihood):
    X, y = two_regimes
    by_em = MixtureOfExpertsRegressor(
        n_experts=2, likelihood=likelihood, random_state=0, n_init=3
    ).fit(X, y)
    by_steps = regressor(likelihood=likelihood, n_init=3).fit(X, y)
    assert abs(by_steps.lower_bound_ - by_em.lower_bound_) < 0.02


@pytest.mark.parametrize("likelihood", ["poisson", "gamma"])
def test_generalized_linear_experts_end_where_em_ends(counts, likelihood):
    X, y = counts
    y = y + 0.5 if likelihood == "gamma" else y
    options = {"likelihood": likelihood, "random_state": 0, "n_init": 2}
    by_em = MixtureOfExpertsRegressor(n_experts=2, **options).fit(X, y)
    by_steps = regressor(**options).fit(X, y)
    assert abs(by_steps.lower_bound_ - by_em.lower_bound_) < 0.01


def test_logistic_experts_end_at_an_optimum(checkerboard):
    X, y = checkerboard
    model = classifier(max_iter=100).fit(X, y)
    reached = model.lower_bound_
    # There are several, so EM goes on from where the steps have led.
    model.set_params(solver="em", warm_start=True).fit(X, y)
    assert model.lower_bound_ - reached < 0.01


def test_the_objective_is_that_of_the_model(two_regimes):
    X, y = two_regimes
    model = regressor(Ridge(), gate=SoftmaxGate(alpha=0)).fit(X, y)
    assert np.isclose(model.lower_bound_, model.score_samples(X, y).mean())
    assert (np.diff(model.lower_bounds_) >= 0).all()
    assert model.n_iter_ == len(model.lower_bounds_)
    assert model.validation_scores_ is None
    assert model.n_samples_seen_ == len(y)


def test_any_expert_with_partial_fit(two_regimes):
    X, y = two_regimes
    alone = regressor(SGD, n_experts=1).fit(X, y)
    mixture = regressor(SGD).fit(X, y)
    assert mixture.lower_bound_ > alone.lower_bound_ + 0.5
    assert all(isinstance(expert, SGDRegressor) for expert in mixture.experts_)
    each = np.column_stack([expert.predict(X) for expert in mixture.experts_])
    np.testing.assert_allclose(mixture.predict_experts(X), each)


def test_networks(two_regimes):
    X, y = two_regimes
    network = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=0.01)
    mixture = regressor(network, max_iter=60).fit(X, y)
    assert mixture.score(X, y) > 0.9


@pytest.mark.parametrize(
    "expert",
    [
        SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05),
        GaussianNB(),
        make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")),
    ],
)
def test_classifiers_with_partial_fit(checkerboard, expert):
    X, y = checkerboard
    alone = classifier(expert, n_experts=1).fit(X, y)
    mixture = classifier(expert, n_init=2).fit(X, y)
    assert mixture.lower_bound_ > alone.lower_bound_ + 0.05
    assert mixture.predict_proba(X).shape == (len(X), 3)


@pytest.mark.parametrize(
    "last", [LinearRegression(), SGD], ids=["solved", "with partial_fit"]
)
def test_pipelines(two_regimes, last):
    X, y = two_regimes
    # The first step learns from every batch, the second is fitted to the first one.
    expert = make_pipeline(StandardScaler(), PolynomialFeatures(2), last)
    model = regressor(expert, batch_size=60).fit(X, y)
    assert model.score(X, y) > 0.9
    np.testing.assert_allclose(
        model.experts_[1].predict(X), model.predict_experts(X)[:, 1]
    )


def test_experts_of_several_kinds(two_regimes):
    X, y = two_regimes
    model = regressor([("line", LinearRegression()), ("sgd", SGD)]).fit(X, y)
    assert model.score(X, y) > 0.9
    assert [type(expert) for expert in model.experts_] == [LinearRegression, SGDRegressor]


@pytest.mark.parametrize("gate", ["constant", GaussianNB(), "pipeline"])
def test_gates(two_regimes, gate):
    X, y = two_regimes
    if gate == "pipeline":
        gate = make_pipeline(StandardScaler(), SoftmaxGate())
    model = regressor(gate=gate, n_init=3).fit(X, y)
    alone = regressor(n_experts=1).fit(X, y)
    assert model.lower_bound_ > alone.lower_bound_ + 0.2


@pytest.mark.parametrize("load_balancing", [None, "bias", "auxiliary"])
def test_rows_are_sent_to_few(load_balancing):
    X, y = make_moe_regression(n_samples=1500, n_experts=6, random_state=0)
    model = regressor(
        n_experts=6, top_k=2, load_balancing=load_balancing, batch_size=250
    ).fit(X, y)
    assert (np.count_nonzero(model.predict_gate_proba(X), axis=1) == 2).all()
    assert model.score(X, y) > regressor(n_experts=1).fit(X, y).score(X, y) + 0.1
    assert np.isclose(model.expert_load_.sum(), 1.0)


def test_a_bias_evens_the_load():
    X, y = make_moe_regression(n_samples=1500, n_experts=6, random_state=3)
    options = {"n_experts": 6, "top_k": 1, "batch_size": 250}
    plain = regressor(**options).fit(X, y)
    even = regressor(load_balancing="bias", **options).fit(X, y)
    assert even.expert_load_.std() < plain.expert_load_.std()
    assert even.routing_bias_ is not None


def test_top_k_of_all_is_dense(two_regimes):
    X, y = two_regimes
    dense, sparse = regressor().fit(X, y), regressor(top_k=2).fit(X, y)
    np.testing.assert_array_equal(dense.predict(X), sparse.predict(X))


@pytest.mark.parametrize("shared", [Ridge(), SGD])
def test_a_shared_expert(rng, shared):
    X = rng.uniform(-2, 2, size=(600, 2))
    y = 5 * X[:, 1] + np.where(X[:, 0] > 0, 3, -3) * X[:, 0]
    y += 0.1 * rng.standard_normal(600)
    model = regressor(shared_expert=shared, batch_size=100).fit(X, y)
    assert model.score(X, y) > 0.99
    total = model.shared_expert_.predict(X)[:, None] + model.predict_experts(X)
    mean = np.einsum("nk,nk->n", model.predict_gate_proba(X), total)
    np.testing.assert_allclose(model.predict(X), mean)


def test_several_outputs(two_regimes):
    X, y = two_regimes
    model = regressor().fit(X, np.column_stack([y, -y + X[:, 0]]))
    assert model.predict(X).shape == (len(X), 2)
    assert model.score(X, np.column_stack([y, -y + X[:, 0]])) > 0.9


def test_kinds_of_X(two_regimes):
    X, y = two_regimes
    plain = regressor(SGD).fit(X, y)
    frame = pd.DataFrame(X, columns=["a", "b"])
    of_frame = regressor(SGD).fit(frame, y)
    np.testing.assert_allclose(of_frame.predict(frame), plain.predict(X))
    assert list(of_frame.feature_names_in_) == ["a", "b"]
    of_sparse = regressor().fit(csr_array(X), y)
    assert of_sparse.score(csr_array(X), y) > 0.9


def test_the_order_of_rows_does_not_matter(two_regimes, rng):
    X, y = two_regimes
    order = rng.permutation(len(y))
    for expert in (None, SGD):
        one = regressor(expert, max_iter=5, batch_size=60).fit(X, y)
        other = regressor(expert, max_iter=5, batch_size=60).fit(X[order], y[order])
        np.testing.assert_allclose(other.predict(X), one.predict(X), rtol=1e-6)


def test_n_jobs_does_not_matter(two_regimes):
    X, y = two_regimes
    models = [
        regressor(SGD, max_iter=5, n_init=2, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))


def test_zero_weights_are_absent_rows(two_regimes, rng):
    X, y = two_regimes
    weights = rng.integers(0, 2, size=len(y)).astype(float)
    kept = weights > 0
    one = regressor(max_iter=5).fit(X, y, sample_weight=weights)
    other = regressor(max_iter=5).fit(X[kept], y[kept])
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_units_do_not_matter(two_regimes):
    X, y = two_regimes
    one = regressor(max_iter=10).fit(X, y)
    other = regressor(max_iter=10).fit(1000 * X - 7, 0.01 * y + 3)
    np.testing.assert_allclose(
        other.predict(1000 * X - 7), 0.01 * one.predict(X) + 3, rtol=1e-5
    )


def test_several_starts(two_regimes):
    X, y = two_regimes
    model = regressor(n_init=3, max_iter=3).fit(X, y)
    assert model.init_results_["lower_bound"].shape == (3,)
    assert model.lower_bound_ == model.init_results_["lower_bound"].max()


def test_given_responsibilities_are_a_start(two_regimes):
    X, y = two_regimes
    right = (X[:, 0] > 0).astype(float)
    model = regressor(init=np.column_stack([right, 1 - right])).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.apply([[1.0, 0.0]])[0] == 0


def test_a_mapped_file_is_read_block_by_block(two_regimes, tmp_path, monkeypatch):
    X, y = two_regimes
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    monkeypatch.setattr(_memory_maps, "_STREAMED_CELLS", 100)
    monkeypatch.setattr(_gradient, "_BLOCK_CELLS", 100)
    released = []
    monkeypatch.setattr(_gradient, "release", lambda rows: released.append(len(rows)))
    model = regressor(batch_size=50, max_iter=10).fit(mapped, y)
    assert model.score(X, y) > 0.9
    # Once in each epoch, in any order; and where the epoch is judged.
    assert sorted(released[:5]) == [40, 50, 50, 50, 50]
    with pytest.raises(ValueError, match="early_stopping: X is a memory-mapped array"):
        regressor(early_stopping=True).fit(mapped, y)
    model = regressor(SGD, early_stopping=True, max_iter=3)
    model.fit(mapped, y, X_val=X[:50], y_val=y[:50])
    assert len(model.validation_scores_) == 3


# -- when it ends ---------------------------------------------------------------------


def test_early_stopping_restores_the_best_epoch(two_regimes):
    X, y = two_regimes
    network = MLPRegressor(hidden_layer_sizes=(50,), learning_rate_init=0.05)
    model = regressor(network, early_stopping=True, max_iter=30).fit(X, y)
    assert model.lower_bound_ == model.validation_scores_.max()
    assert len(model.validation_scores_) == model.n_iter_
    assert model.n_samples_seen_ == pytest.approx(0.9 * len(y), abs=3)


def test_rows_to_stop_by_can_be_passed(two_regimes):
    X, y = two_regimes
    model = regressor(SGD, early_stopping=True)
    model.fit(X[:160], y[:160], X_val=X[160:], y_val=y[160:])
    judged = model.score_samples(X[160:], y[160:])
    assert np.isclose(model.lower_bound_, judged.mean())
    weights = np.arange(80.0)
    model.fit(X[:160], y[:160], X_val=X[160:], y_val=y[160:], sample_weight_val=weights)
    judged = model.score_samples(X[160:], y[160:])
    assert np.isclose(model.lower_bound_, np.average(judged, weights=weights))


def test_labels_to_stop_by(checkerboard):
    X, y = checkerboard
    model = classifier(early_stopping=True, max_iter=5)
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert np.isclose(model.lower_bound_, model.score_samples(X[200:], y[200:]).mean())
    with pytest.raises(ValueError, match="row 0 has the class 'new'"):
        model.fit(X, y, X_val=X[:2], y_val=["new", "low"])


def test_patience(two_regimes):
    X, y = two_regimes
    model = regressor(tol=1e3, n_iter_no_change=4).fit(X, y)
    assert model.converged_
    assert model.n_iter_ == 5  # the first is better than nothing


def test_what_rows_to_stop_by_ask_for(two_regimes):
    X, y = two_regimes
    with pytest.raises(ValueError, match="X_val is provided, but y_val was not"):
        regressor(early_stopping=True).fit(X, y, X_val=X)
    for model in (regressor(), MixtureOfExpertsRegressor(early_stopping=True)):
        with pytest.raises(ValueError, match="solver='gradient' and early_stopping=True"):
            model.fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="sample_weight_val: negative"):
        regressor(early_stopping=True).fit(
            X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y))
        )
    with pytest.raises(ValueError, match="X has 1 features"):
        regressor(early_stopping=True).fit(X, y, X_val=X[:, :1], y_val=y)


def test_held_out_rows_are_not_learnt_from(two_regimes):
    X, y = two_regimes
    strange = np.where(np.arange(len(y)) < 40, y + 1e4, y)
    model = regressor(early_stopping=True, max_iter=5)
    model.fit(X[40:], strange[40:], X_val=X[:40], y_val=strange[:40])
    assert np.abs(model.predict(X)).max() < 100


# -- going on -------------------------------------------------------------------------


@pytest.mark.parametrize("expert", [None, SGD])
def test_a_warm_start_never_lowers_the_objective(two_regimes, expert):
    X, y = two_regimes
    model = regressor(expert, max_iter=2, warm_start=True).fit(X, y)
    bounds = [model.lower_bound_]
    for _ in range(3):
        bounds.append(model.fit(X, y).lower_bound_)
    assert (np.diff(bounds) >= 0).all()
    whole = clone(model).set_params(max_iter=60).fit(X, y)
    assert bounds[-1] > whole.lower_bound_ - 0.05


def test_a_warm_start_from_em(two_regimes):
    X, y = two_regimes
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0, warm_start=True)
    before = model.fit(X, y).lower_bound_
    model.set_params(solver="gradient", max_iter=3).fit(X, y)
    assert model.lower_bound_ >= before - 1e-12


# -- what it refuses ------------------------------------------------------------------


def test_experts_that_learn_from_no_batches(two_regimes):
    X, y = two_regimes
    message = (
        r"experts: 'expert0' \(HistGradientBoostingRegressor\) has no partial_fit.*"
        "SGDRegressor.*solver='em'"
    )
    with pytest.raises(ValueError, match=message):
        regressor(HistGradientBoostingRegressor()).fit(X, y)
    with pytest.raises(ValueError, match=r"shared_expert: Hist.* has no partial_fit"):
        regressor(shared_expert=HistGradientBoostingRegressor()).fit(X, y)


@pytest.mark.parametrize("sizes", [{}, {"trials": np.full(240, 4)}])
def test_binomials_are_not_learnt_from_batches(two_regimes, sizes):
    X, y = two_regimes
    match = "^likelihood: BinomialLikelihood has rows of several trials"
    with pytest.raises(ValueError, match=match):
        regressor(likelihood="binomial").fit(X, y > 0, **sizes)


def test_gates_that_learn_from_no_batches(two_regimes):
    X, y = two_regimes
    gate = ClassifierGate(DecisionTreeClassifier())
    with pytest.raises(
        ValueError, match=r"^gate: DecisionTreeClassifier has no partial_fit"
    ):
        regressor(gate=gate).fit(X, y)


def test_folds_and_models_of_dispersions_are_refused(two_regimes):
    X, y = two_regimes
    with pytest.raises(ValueError, match="cv: steps on batches hold no folds out"):
        regressor(cv=3).fit(X, y)
    likelihood = GaussianLikelihood(LinearRegression())
    with pytest.raises(ValueError, match="likelihood: GaussianLikelihood has disp"):
        regressor(likelihood=likelihood).fit(X, y)


def test_a_range_that_experts_leave(counts):
    X, y = counts
    with pytest.raises(ValueError, match="poisson"):
        regressor(SGD, likelihood="poisson").fit(X, y)


def test_few_and_strange_rows(rng):
    X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    for data in ((X, y), (X, np.ones(12)), (np.ones((12, 2)), y), (X, 1e12 * y)):
        model = regressor(max_iter=5).fit(*data)
        assert np.isfinite(model.predict(data[0])).all()
        assert np.isfinite(model.lower_bound_)
    with pytest.raises(ValueError, match="NaN"):
        regressor().fit(np.where(X > 1, np.nan, X), y)


def test_in_a_search(two_regimes):
    X, y = two_regimes
    pipeline = make_pipeline(StandardScaler(), regressor(max_iter=10))
    name = "mixtureofexpertsregressor__n_experts"
    search = GridSearchCV(pipeline, {name: [1, 2]}, cv=3).fit(X, y)
    assert search.best_params_ == {name: 2}


def test_a_number_of_experts_that_pays(two_regimes):
    X, y = two_regimes
    assert regressor(n_experts="auto", max_iter=20).fit(X, y).n_experts_ == 2


def test_poisson_regression_with_a_penalty(counts):
    X, y = counts
    expert = PoissonRegressor(alpha=0.1)
    by_em = MixtureOfExpertsRegressor(
        expert, n_experts=1, likelihood="poisson", random_state=0
    ).fit(X, y)
    by_steps = regressor(expert, n_experts=1, likelihood="poisson").fit(X, y)
    np.testing.assert_allclose(by_steps.predict(X), by_em.predict(X), rtol=0.02)


def test_it_says_how_it_goes(two_regimes, capsys):
    X, y = two_regimes
    regressor(max_iter=2, verbose=1).fit(X, y)
    assert "start 1, iteration 2: lower bound" in capsys.readouterr().out
