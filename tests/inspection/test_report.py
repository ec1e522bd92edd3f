"""The table of the experts, against numbers that are made one by one."""

import re

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.inspection import expert_report
from skmoe.inspection._report import average
from skmoe.likelihoods import GaussianLikelihood

pd = pytest.importorskip("pandas")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]


def regressor(X, y, experts=None, **params):
    params = {"n_experts": 2, "random_state": 0, "max_iter": 10, **params}
    return MixtureOfExpertsRegressor(experts, **params).fit(X, y)


def rmse(errors, weights):
    return np.sqrt(np.average(errors**2, weights=weights))


@pytest.fixture
def mixed(rng):
    """A table of numbers, categories and gaps, with two regimes."""
    n = 300
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "income": rng.uniform(10, 90, n),
            "port": rng.choice(["S", "C", "Q"], n, p=[0.6, 0.3, 0.1]),
            "smoker": rng.random(n) < 0.3,
        }
    )
    is_first = (X["port"] == "S") & (X["age"] <= 50)
    y = np.where(is_first, X["income"] / 10, 30 - X["income"] / 5)
    X.loc[rng.random(n) < 0.1, "income"] = np.nan
    X.loc[rng.random(n) < 0.1, "port"] = None
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, ["age", "income"]), (OneHotEncoder(), ["port", "smoker"])
    )
    y = pd.Series(y + 0.3 * rng.standard_normal(n), name="cost")
    mixture = MixtureOfExpertsRegressor(Ridge(), n_experts=2, random_state=0)
    return make_pipeline(columns, mixture).fit(X, y), X, y


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_experts": 1},
        {"n_experts": 5, "top_k": 2, "load_balancing": "bias"},
        {"shared_expert": Ridge()},
        {"gate": "constant"},
        {"likelihood": "student_t"},
    ],
)
def test_numbers_of_regressors(two_regimes, rng, params):
    X, y = two_regimes
    model = regressor(X, y, **params)
    weights = rng.integers(0, 3, len(y)).astype(float)
    report = expert_report(model, X, y, sample_weight=weights, max_features=2)
    shares = weights[:, None] * model.responsibilities(X, y)
    ruler = model.apply(X)
    prediction = model.predict_experts(X)
    if model.shared_expert_ is not None:
        prediction = prediction + model.shared_expert_.predict(X)[:, None]
    for k in range(model.n_experts_):
        told = report.loc[f"expert{k}"]
        own = weights * (ruler == k)
        error = y - prediction[:, k]
        assert told["kind"] == "LinearRegression"
        assert told["load"] == pytest.approx(shares[:, k].sum() / weights.sum())
        assert told["rules"] == pytest.approx(own.sum() / weights.sum())
        assert told["rmse"] == pytest.approx(rmse(error, shares[:, k]))
        assert told["mean y"] == pytest.approx(np.average(y, weights=shares[:, k]))
        for j in range(2):
            mean = np.average(X[:, j], weights=shares[:, k])
            assert told[f"mean x{j}"] == pytest.approx(mean)
        if own.any():
            rest = y - model.predict(X)
            assert told["rmse ruled"] == pytest.approx(rmse(error, own))
            assert told["mixture rmse ruled"] == pytest.approx(rmse(rest, own))
        else:
            assert told[["rmse ruled", "mixture rmse ruled"]].isna().all()
        if "likelihood" not in params:
            assert told["noise"] == pytest.approx(np.sqrt(model.dispersion_[k]))


def test_numbers_of_classifiers(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    report = expert_report(model, X, y)
    shares, ruler = model.responsibilities(X, y), model.apply(X)
    proba = model.predict_experts(X)
    for k in range(2):
        told = report.loc[f"expert{k}"]
        wrong = model.classes_[proba[:, k].argmax(axis=1)] != y
        assert told["error rate"] == pytest.approx(
            np.average(wrong, weights=shares[:, k])
        )
        assert told["error rate ruled"] == pytest.approx(wrong[ruler == k].mean())
        mixture = (model.predict(X) != y)[ruler == k].mean()
        assert told["mixture error rate ruled"] == pytest.approx(mixture)
        counts = {c: shares[y == c, k].sum() / shares[:, k].sum() for c in model.classes_}
        best = max(counts, key=counts.get)
        assert told["most frequent y"] == f"{best} ({100 * counts[best]:.0f} %)"
    assert "noise" not in report
    assert "most frequent dose" in expert_report(model, X, pd.Series(y, name="dose"))


def test_rows_without_weight_do_not_count():
    values = np.array([[[np.inf], [2.0]], [[3.0], [4.0]], [[5.0], [np.inf]]])
    weights = np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]])
    np.testing.assert_array_equal(average(values, weights), [[4.5], [np.inf]])


def test_several_outputs_have_columns_of_their_own(two_regimes):
    X, y = two_regimes
    Y = np.column_stack([y, 10 * y])
    frame = pd.DataFrame(Y, columns=["first", "second"])
    for covariance in ("diag", "full"):
        model = regressor(X, Y, likelihood=GaussianLikelihood(covariance=covariance))
        report = expert_report(model, X, frame)
        error = Y - model.predict_experts(X)[:, 0]
        share = model.responsibilities(X, Y)[:, 0]
        own = model.dispersion_[0]
        variances = np.diag(own) if covariance == "full" else own
        for j, name in enumerate(frame):
            told = report.iloc[0]
            assert told[f"rmse {name}"] == pytest.approx(rmse(error[:, j], share))
            assert told[f"noise {name}"] == pytest.approx(np.sqrt(variances[j]))
            assert told[f"mean {name}"] == pytest.approx(
                np.average(Y[:, j], weights=share)
            )
        assert "rmse y1" in expert_report(model, X, Y)


def test_a_pipeline_is_reported_in_its_raw_columns(mixed):
    pipeline, X, y = mixed
    report = expert_report(pipeline, X, y)
    assert report.index.name == "expert"
    assert list(report.index) == ["expert0", "expert1"]
    Z, mixture = pipeline[:-1].transform(X), pipeline[-1]
    shares = mixture.responsibilities(Z, y)
    income = X["income"].to_numpy()
    known = ~np.isnan(income)
    for k in range(2):
        told = report.iloc[k]
        mean = np.average(income[known], weights=shares[known, k])
        assert told["mean income"] == pytest.approx(mean)
        assert told["mean cost"] == pytest.approx(np.average(y, weights=shares[:, k]))
        ports = X["port"].fillna("missing")
        counts = pd.Series(shares[:, k]).groupby(ports.to_numpy()).sum()
        share = counts.max() / counts.sum()
        assert told["most frequent port"] == f"{counts.idxmax()} ({100 * share:.0f} %)"
    search = GridSearchCV(pipeline, {"mixtureofexpertsregressor__n_init": [1]}, cv=2)
    pd.testing.assert_frame_equal(expert_report(search.fit(X, y), X, y), report)


def test_the_words_say_where_an_expert_rules(mixed):
    pipeline, X, y = mixed
    mixture = pipeline[-1]
    ruler = mixture.apply(pipeline[:-1].transform(X))
    report = expert_report(pipeline, X, y)
    for k in range(2):
        told = report.iloc[k]
        holds = where_it_holds(told["where"], X)
        assert told["covers"] == pytest.approx(holds[ruler == k].mean())
        assert told["precision"] == pytest.approx((ruler == k)[holds].mean())
        assert min(told["covers"], told["precision"]) > 0.6


def where_it_holds(words, X):
    """Rows for which a rule in words holds, by the dataframe's own means."""
    if words.startswith("all but "):
        return ~where_it_holds(words.removeprefix("all but "), X)
    words = re.sub(r"\((\w+)( [^()]+) or missing\)", r"(\1\2 or \1 != \1)", words)
    words = re.sub(r"(\w+) (=|!=) ([A-Z])\b", r"\1 \2 '\3'", words)
    return X.eval(re.sub(r" = ", " == ", words)).to_numpy()


def test_features_that_differ_most_come_first(rng):
    X = rng.uniform(-1, 1, (400, 6)) * 10.0 ** np.arange(6)
    y = np.abs(X[:, 3]) / 1000
    model = regressor(X, y, max_iter=50)
    report = expert_report(model, X, y, max_features=1)
    assert report.columns[-1] == "mean x3"
    assert sum(name.startswith("mean x") for name in report.columns) == 1
    everything = expert_report(model, X, y, max_features=None)
    assert sum(name.startswith("mean x") for name in everything.columns) == 6
    assert "mean x3" not in expert_report(model, X, y, max_features=0)


def test_sparse_rows_are_reported_as_dense_ones(two_regimes):
    X, y = two_regimes
    X = np.where(np.abs(X) < 1, 0.0, X)
    model = regressor(X, y, Ridge())
    dense, sparse = expert_report(model, X, y), expert_report(model, csr_matrix(X), y)
    pd.testing.assert_frame_equal(dense, sparse)


def test_an_expert_without_rows_is_nowhere(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, gate="constant", top_k=1)
    model.gate_.prior_ = np.array([1.0, 0.0])
    report = expert_report(model, X, y)
    assert list(report["where"]) == ["everywhere", "nowhere"]
    assert list(report["rules"]) == [1.0, 0.0]
    lost = report.iloc[1]
    assert lost[["rmse", "rmse ruled", "noise", "mean y", "mean x0"]].isna().all()
    assert np.isnan(lost["covers"])


def test_a_column_may_have_the_name_of_the_target(two_regimes):
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["y", "b"])
    report = expert_report(regressor(frame, y), frame, y)
    assert list(report.columns).count("mean y") == 2


def test_it_fits_on_a_page(mixed):
    report = expert_report(*mixed).round(2).T.to_string()
    assert max(map(len, report.splitlines())) <= 100


def test_wrong_arguments(two_regimes):
    X, y = two_regimes
    model = regressor(X, y)
    with pytest.raises(ValueError, match=r"max_features is -1"):
        expert_report(model, X, y, max_features=-1)
    with pytest.raises(TypeError, match="LinearRegression is no mixture"):
        expert_report(LinearRegression().fit(X, y), X, y)
    with pytest.raises(ValueError, match="sample_weight"):
        expert_report(model, X, y, sample_weight=-np.ones(len(y)))
