"""The report of who goes where."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import GateMixin, SoftmaxGate
from skmoe.inspection import export_text
from skmoe.inspection._experts import summary
from skmoe.inspection._lines import Style, wrapped
from skmoe.likelihoods import GaussianLikelihood

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less:UserWarning"),
]

STYLE = Style(max_features=2, decimals=2)
NAMES = ["a", "b", "c"]


def regressor(X, y, experts=None, **params):
    params = {"n_experts": 2, "random_state": 0, "max_iter": 5, **params}
    return MixtureOfExpertsRegressor(experts, **params).fit(X, y)


def paragraphs(model, **params):
    """The lines of each paragraph: the head, then expert by expert."""
    parts = export_text(model, **params).split("\n\n")
    return [part.splitlines() for part in parts]


def test_the_head_tells_the_kind_of_model(two_regimes):
    X, y = two_regimes
    assert paragraphs(regressor(X, y))[0] == [
        "MixtureOfExpertsRegressor: 2 experts, dense, GaussianLikelihood",
        "gate: SoftmaxGate, log-odds against the average expert",
    ]
    sparse = regressor(X, y, n_experts=4, top_k=2, likelihood="laplace")
    first = export_text(sparse).splitlines()[0]
    assert first == "MixtureOfExpertsRegressor: 4 experts, top_k=2, LaplaceLikelihood"
    alone = export_text(regressor(X, y, n_experts=1))
    assert "MixtureOfExpertsRegressor: 1 expert, dense" in alone


def test_experts_are_told_by_load(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, n_experts=4)
    model.expert_load_ = np.array([0.2, 0.4, 0.1, 0.3])
    heads = [lines[0] for lines in paragraphs(model)[1:]]
    assert heads == [
        f"expert{k}: LinearRegression, {share}.0 % of the rows"
        for k, share in ((1, 40), (3, 30), (0, 20), (2, 10))
    ]


def test_rules_and_equations_are_in_the_users_units(two_regimes):
    X, y = two_regimes
    model = regressor(1000 * X, y)
    model.gate_.coef_ = np.array([[0.5, -1.25], [-0.5, 1.25]])
    model.gate_.intercept_ = np.array([2.0, -2.0])
    expert = model.experts_[0]
    expert.coef_, expert.intercept_ = np.array([3.456, 0.004]), -1.0
    model.dispersion_ = np.array([4.0, 9.0])
    lines = next(part for part in paragraphs(model) if "expert0" in part[0])
    assert lines[1:] == [
        "  gate: -1.25 * x1  +0.50 * x0  (intercept 2.00)",
        "  y: +3.46 * x0  +4.00e-03 * x1  (intercept -1.00)",
        "  errors: standard deviation 2.00",
    ]


def test_names_are_given_or_those_of_the_dataframe(two_regimes):
    X, y = two_regimes
    assert "* dose" in export_text(regressor(X, y), feature_names=["age", "dose"])
    pd = pytest.importorskip("pandas")
    model = regressor(pd.DataFrame(X, columns=["age", "height"]), y)
    assert "* height" in export_text(model)
    text = export_text(model, feature_names=["AGE", "other"])
    assert "* other" in text
    assert "height" not in text


def test_wrong_arguments(two_regimes):
    X, y = two_regimes
    model = regressor(X, y)
    with pytest.raises(ValueError, match=r"has 3 names, .* to 2 features"):
        export_text(model, feature_names=NAMES)
    with pytest.raises(NotFittedError):
        export_text(MixtureOfExpertsRegressor())
    with pytest.raises(TypeError, match="LinearRegression is no mixture"):
        export_text(LinearRegression().fit(X, y))
    with pytest.raises(ValueError, match="max_features is 0"):
        export_text(model, max_features=0)
    with pytest.raises(ValueError, match=r"decimals is 1\.5"):
        export_text(model, decimals=1.5)


def test_what_is_left_out_is_counted():
    coef = np.array([0.5, 0.0, -3.0, 2.0, -1.0])
    names = ["a", "b", "c", "d", "e"]
    assert STYLE.equation(coef, 1.0, names) == [
        "-3.00 * c", "+2.00 * d", "... and 2 more", "(intercept 1.00)"
    ]  # fmt: skip
    told = Style(None, 0).equation(coef[[1, 2]], 1e-15, names)
    assert told == ["-3 * b", "(intercept 0)"]
    assert Style(None, 1).equation(np.array([2e9]), 0.04, ["a"]) == [
        "+2.0e+09 * a", "(intercept 4.0e-02)"
    ]  # fmt: skip


def test_lines_are_short(rng):
    X = rng.standard_normal((80, 12))
    names = [f"a feature with a long name {j}" for j in range(12)]
    y = X @ np.arange(1.0, 13.0) * np.sign(X[:, 0])
    text = export_text(regressor(X, y), feature_names=names, max_features=None)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("* a feature with a long name 11") > 0
    assert wrapped(["a" * 60, "b" * 60], "  y:") == [
        "  y: " + "a" * 60,
        "      " + "b" * 60,
    ]


def test_constant_gate(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, gate="constant")
    model.gate_.prior_ = np.array([0.75, 0.25])
    head, *experts = paragraphs(model)
    assert head[1] == "gate: ConstantGate, the same for all rows"
    assert {lines[1] for lines in experts} == {"  gate: prior 0.75", "  gate: prior 0.25"}


def test_a_trees_rules_are_told_once(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, gate=DecisionTreeClassifier(max_depth=1, random_state=0))
    head, *experts = paragraphs(model, feature_names=["age", "dose"])
    assert "ClassifierGate (DecisionTreeClassifier)" in head[1]
    assert head[2].startswith("  |--- age <= ")
    classes = sorted(line.split("class: ")[1] for line in head if "class: " in line)
    assert classes == ["expert0", "expert1"]
    assert not any("gate" in line for lines in experts for line in lines)


class RandomGate(GateMixin, BaseEstimator):
    """A gate of one's own."""

    def fit(self, X, responsibilities, sample_weight=None):
        """Count the experts."""
        self.shape_ = np.shape(responsibilities)[1]
        return self

    def predict_log_proba(self, X):
        """The same for all experts."""
        return np.full((len(X), self.shape_), -np.log(self.shape_))


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        (LogisticRegression(), "ClassifierGate (LogisticRegression)"),
        (RandomGate(), "RandomGate"),
        (make_pipeline(StandardScaler(), RandomGate()), "StandardScaler > RandomGate"),
    ],
)
def test_other_gates_give_no_rule(two_regimes, gate, name):
    X, y = two_regimes
    head, *experts = paragraphs(regressor(X, y, gate=gate))
    assert head[1] == f"gate: {name}, which gives no rule to print"
    assert not any("gate" in line for lines in experts for line in lines)


def test_a_gate_behind_other_steps(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, gate=make_pipeline(PCA(2), SoftmaxGate()))
    head, first, _ = paragraphs(model)
    assert head[1].startswith("gate: PCA > SoftmaxGate, log-odds")
    assert "* pca0" in first[1]
    scaled = regressor(X, y, gate=make_pipeline(StandardScaler(), SoftmaxGate()))
    assert "* dose" in paragraphs(scaled, feature_names=["age", "dose"])[1][1]
    nameless = make_pipeline(FunctionTransformer(), SoftmaxGate())
    assert "* x1" in paragraphs(regressor(X, y, gate=nameless))[1][1]


def test_the_bias_of_routing_is_told(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, top_k=1, load_balancing="bias", gate="constant")
    model.routing_bias_ = np.array([0.25, -0.25])
    text = export_text(model)
    assert "(routing bias +0.25)" in text
    assert "(routing bias -0.25)" in text


def test_the_shared_expert_comes_first(two_regimes):
    X, y = two_regimes
    model = regressor(X, y, shared_expert=Ridge())
    model.shared_expert_.coef_ = np.array([7.0, 0.0])
    model.shared_expert_.intercept_ = 1.0
    assert paragraphs(model)[1] == [
        "shared expert: Ridge, added for all rows",
        "  y: +7.00 * x0  (intercept 1.00)",
    ]


@pytest.mark.parametrize(
    ("likelihood", "line"),
    [
        ("gaussian", "standard deviation 2.00"),
        ("laplace", "dispersion 4.00"),
        ("student_t", None),
        (GaussianLikelihood(LinearRegression()), None),
    ],
)
def test_the_spread_of_errors(two_regimes, likelihood, line):
    X, y = two_regimes
    model = regressor(X, y, likelihood=likelihood)
    if line is not None:
        model.dispersion_ = np.array([4.0, 4.0])
    for lines in paragraphs(model)[1:]:
        told = [text for text in lines if text.startswith("  errors: ")]
        assert told == ([] if line is None else [f"  errors: {line}"])


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_several_outputs(two_regimes, covariance):
    X, y = two_regimes
    likelihood = GaussianLikelihood(covariance=covariance)
    model = regressor(X, np.column_stack([y, 10 * y]), likelihood=likelihood)
    own = np.array([4.0, 9.0])
    model.dispersion_ = np.array([own if covariance == "diag" else np.diag(own)] * 2)
    for lines in paragraphs(model)[1:]:
        assert [line.split(":")[0] for line in lines[2:4]] == ["  y[0]", "  y[1]"]
        assert lines[4] == "  errors: standard deviation 2.00, 3.00"


def test_classes(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0, max_iter=5)
    lines = paragraphs(model.fit(X, y))[1]
    assert [line.split(":")[0] for line in lines[2:]] == [
        "  score of low", "  score of mid", "  score of top"
    ]  # fmt: skip
    lines = paragraphs(model.fit(X, y == "top"))[1]
    assert [line.split(":")[0] for line in lines[2:]] == ["  log-odds of True"]


def test_sparse_classifier(checkerboard):
    X, y = checkerboard
    model = MixtureOfExpertsClassifier(n_experts=3, top_k=1, random_state=0, max_iter=5)
    head, *experts = paragraphs(model.fit(X, y))
    assert head[0] == (
        "MixtureOfExpertsClassifier: 3 experts, top_k=1, CategoricalLikelihood"
    )
    assert len(experts) == 3


def test_few_of_many_equations(rng):
    X = rng.standard_normal((60, 2))
    model = LinearRegression().fit(X, X @ rng.standard_normal((2, 25)))
    lines = summary(model, ["a", "b"], STYLE)
    assert [label for label, _ in lines] == [f"y[{j}]" for j in range(10)] + ["..."]
    assert lines[-1][1] == ["and 15 more equations"]


class Opaque(RegressorMixin, BaseEstimator):
    """Tells nothing of itself."""


@pytest.mark.parametrize(
    ("expert", "size"),
    [
        (DecisionTreeRegressor(max_depth=2), "depth 2, 4 leaves"),
        (RandomForestRegressor(7, max_depth=1), "7 x DecisionTreeRegressor"),
        (BaggingRegressor(Ridge(), 4), "4 x Ridge"),
        (GradientBoostingRegressor(n_estimators=3), "3 x DecisionTreeRegressor"),
        (HistGradientBoostingRegressor(max_iter=3), "3 iterations"),
    ],
)
def test_sizes(rng, expert, size):
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + X[:, 1]
    for estimator in (
        expert,
        make_pipeline(StandardScaler(), expert),
        GridSearchCV(expert, {}, cv=2),
    ):
        assert summary(estimator.fit(X, y), NAMES, STYLE) == [("size", [size])]


def test_other_experts(rng):
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + X[:, 1]
    assert summary(KNeighborsRegressor().fit(X, y), NAMES, STYLE) == []
    assert summary(Opaque(), NAMES, STYLE) == []
    dummy = DummyRegressor(strategy="constant", constant=2.5).fit(X, y)
    assert summary(dummy, NAMES, STYLE) == [("y", ["(intercept 2.50)"])]
    lasso = Lasso(1e3).fit(X, y)
    assert summary(lasso, NAMES, STYLE) == [("y", [f"(intercept {y.mean():.2f})"])]
    constant = DecisionTreeClassifier().fit(X, np.full(60, "one"))
    assert summary(constant, NAMES, STYLE) == [("always", ["one"])]


def test_counts_are_told_by_their_logarithm(two_regimes):
    X, y = two_regimes
    text = export_text(regressor(X, np.round(np.abs(y)), likelihood="poisson"))
    assert text.count("\n  log y: ") == 2
    assert "errors" not in text


def test_a_pipeline_is_told_in_the_names_that_its_steps_make(two_regimes):
    pd = pytest.importorskip("pandas")
    X, y = two_regimes
    frame = pd.DataFrame(X, columns=["age", "dose"])
    frame["port"] = np.where(X[:, 1] > 0, "S", "C")
    columns = make_column_transformer(
        (StandardScaler(), ["age", "dose"]), (OneHotEncoder(drop="first"), ["port"])
    )
    pipeline = make_pipeline(columns, MixtureOfExpertsRegressor(n_experts=2, max_iter=5))
    search = GridSearchCV(pipeline, {"mixtureofexpertsregressor__n_init": [1]}, cv=2)
    for whole in (pipeline.fit(frame, y), search.fit(frame, y)):
        head, *experts = paragraphs(whole)
        assert head[0] == (
            "ColumnTransformer > MixtureOfExpertsRegressor: 2 experts, dense, "
            "GaussianLikelihood"
        )
        for lines in experts:
            for name in ("standardscaler__age", "onehotencoder__port_S"):
                assert f"* {name}" in "".join(lines[1:3])
    with pytest.raises(ValueError, match=r"was fitted to a dataframe .* leave feature_"):
        export_text(pipeline, feature_names=["a", "b", "c"])
    export_text(pipeline, feature_names=list(frame.columns))


def test_names_are_those_of_a_pipelines_input(two_regimes):
    X, y = two_regimes
    mixture = MixtureOfExpertsRegressor(n_experts=2, max_iter=5)
    pipeline = make_pipeline(PolynomialFeatures(include_bias=False), mixture).fit(X, y)
    assert "* x0 x1" in export_text(pipeline)
    assert "* age dose" in export_text(pipeline, feature_names=["age", "dose"])
    with pytest.raises(ValueError, match=r"has 5 names, .* to 2 features"):
        export_text(pipeline, feature_names=list("abcde"))
    nameless = make_pipeline(FunctionTransformer(), mixture).fit(X, y)
    assert "* x1" in export_text(nameless, feature_names=["age", "dose"])
