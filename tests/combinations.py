"""Every gate with every likelihood, kind of expert, solver and way of routing.

``COMBINATIONS`` are the cases of a test, which tries each of them, and the docs' table of
what goes together. Which do not, and what the error says, is in ``REFUSALS``; the test
finds out if that is no longer so.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import GaussianGate, HierarchicalGate, SoftmaxGate
from skmoe.likelihoods import NoiseLikelihood, ZeroInflatedLikelihood

N_COMPONENTS = 4
GATES = {
    "softmax": SoftmaxGate(),
    "gaussian": GaussianGate(),
    "constant": "constant",
    "hierarchical": HierarchicalGate((2, 2)),
    "classifier": DecisionTreeClassifier(max_depth=2, min_samples_leaf=10),
    "pipeline": make_pipeline(
        StandardScaler(), SplineTransformer(3, degree=2), SoftmaxGate()
    ),
}
SOLVERS = ("em", "hard-em", "stochastic-em", "gradient")
ROUTINGS = {"dense": None, "top_k": 2}
#: Kinds of experts, and the solvers that each is tried with.
EXPERTS = {"linear": SOLVERS, "tree": SOLVERS, "partial_fit": ("gradient",)}
X = np.random.default_rng(0).uniform(-1, 1, size=(120, 2))
TRIALS = np.random.default_rng(1).integers(1, 6, size=120)


def _hinge():
    """Two regimes, parted where the first column is zero."""
    return np.where(X[:, 0] > 0, 2.0 * X[:, 1], 0.5 - 2.0 * X[:, 1])


def _quarters(n_experts, share_of_component):
    """Where to start: each expert in a quarter of the plane, the last in the rest."""
    quarter = 2 * (X[:, 0] > 0) + (X[:, 1] > 0)
    start = np.eye(n_experts)[np.minimum(quarter, n_experts - 1)]
    if share_of_component is None:
        return start
    component = np.full((len(X), 1), share_of_component)
    return np.concatenate([(1 - component) * start, component], axis=1)


def _numbers(rng):
    return _hinge() + 0.3 * rng.standard_normal(len(X))


def _with_outliers(rng):
    is_outlier = rng.uniform(size=len(X)) < 0.1
    return np.where(is_outlier, rng.uniform(-9, 9, size=len(X)), _numbers(rng))


def _counts(rng):
    return rng.poisson(np.exp(1.0 + 0.5 * _hinge()))


def _with_zeros(rng):
    return np.where(rng.uniform(size=len(X)) < 0.3, 0, _counts(rng))


def _positive(rng):
    return np.exp(_hinge()) * rng.gamma(4.0, 0.25, size=len(X))


def _successes(rng):
    return rng.binomial(TRIALS, expit(2 * _hinge()))


def _labels(rng):
    return np.array(["low", "mid", "top"])[np.digitize(_numbers(rng), [-0.5, 0.5])]


@dataclass(frozen=True)
class Family:
    """A likelihood with a target and with experts that suit it.

    ``likelihood`` is None for classes. What y is, is told by ``is_discrete`` (whole
    numbers from zero on) and ``is_positive``. ``component`` is the class of a likelihood
    that has one besides the experts.
    """

    likelihood: object
    draw: object
    tree: object
    partial_fit: object = None
    is_discrete: bool = False
    is_positive: bool = False
    component: str | None = None

    @property
    def target(self):
        """The same each time."""
        return self.draw(np.random.default_rng(2))

    @property
    def sizes(self):
        """What ``fit`` and ``predict`` are given besides."""
        return {"trials": TRIALS} if self.likelihood == "binomial" else {}

    def fit(self, n_experts=N_COMPONENTS, expert="linear", **params):
        """A fitted mixture; of no more than three iterations, as there are many."""
        is_held_out = expert == "tree" and params.get("solver") == "em"
        params = {
            "experts": getattr(self, expert, None), "n_experts": n_experts,
            "init": _quarters(n_experts, None if self.component is None else 0.1),
            "cv": 2 if is_held_out else None,
            "max_iter": 3, "random_state": 0, **params,
        }  # fmt: skip
        if self.likelihood is None:
            model = MixtureOfExpertsClassifier(**params)
        else:
            model = MixtureOfExpertsRegressor(likelihood=self.likelihood, **params)
        return model.fit(X, self.target, **self.sizes)


_SHALLOW = {"max_depth": 2, "min_samples_leaf": 10}
_NUMBERS = DecisionTreeRegressor(**_SHALLOW)
_COUNTS = DecisionTreeRegressor(criterion="poisson", **_SHALLOW)
_CLASSES = DecisionTreeClassifier(**_SHALLOW), SGDClassifier(loss="log_loss")
FAMILIES = {
    "gaussian": Family("gaussian", _numbers, _NUMBERS, SGDRegressor()),
    "student_t": Family("student_t", _with_outliers, _NUMBERS),
    "laplace": Family("laplace", _numbers, _NUMBERS),
    "gamma": Family("gamma", _positive, _NUMBERS, is_positive=True),
    "poisson": Family("poisson", _counts, _COUNTS, is_discrete=True),
    "negative_binomial": Family("negative_binomial", _counts, _COUNTS, is_discrete=True),
    "zero-inflated": Family(
        ZeroInflatedLikelihood(),
        _with_zeros,
        _COUNTS,
        is_discrete=True,
        component="ZeroInflatedLikelihood",
    ),
    "noise": Family(
        NoiseLikelihood(), _with_outliers, _NUMBERS, component="NoiseLikelihood"
    ),
    "binomial": Family("binomial", _successes, _CLASSES[0], is_discrete=True),
    "categorical": Family(None, _labels, *_CLASSES),
}


@dataclass(frozen=True)
class Combination:
    """Names of what is combined."""

    gate: str
    likelihood: str
    expert: str
    solver: str
    routing: str

    def __str__(self):
        return "-".join(vars(self).values())

    @property
    def family(self):
        """The likelihood and its target."""
        return FAMILIES[self.likelihood]

    def fit(self):
        """A fitted model, or an error."""
        return self.family.fit(
            N_COMPONENTS - (self.family.component is not None), self.expert,
            gate=GATES[self.gate], solver=self.solver, top_k=ROUTINGS[self.routing],
        )  # fmt: skip

    @property
    def refusal(self):
        """What the error says, or None where there is none."""
        if self.family.component is not None:
            return self._refusal_of_component
        if self.solver != "gradient":
            return None
        if self.likelihood == "binomial":
            return _NO_TRIALS
        if self.gate == "classifier":
            return _NO_GATE
        if self.expert == "tree":
            return _NO_EXPERT.format(type(self.family.tree).__name__)
        return None

    @property
    def _refusal_of_component(self):
        if self.solver == "gradient":
            return _NO_COMPONENT.format(self.family.component)
        is_routed = ROUTINGS[self.routing] is not None
        return _NOT_ROUTED.format(self.family.component) if is_routed else None


_NO_COMPONENT = (
    "likelihood: {} has a component of its own, which is not learnt from batches; use "
    "solver='em', or another likelihood."
)
_NOT_ROUTED = (
    "top_k=2: every row may belong to the component of {}, and with top_k a row is sent "
    "to few; use top_k=None, or another likelihood."
)
_NO_TRIALS = (
    "likelihood: BinomialLikelihood has rows of several trials, which are not learnt "
    "from batches; use solver='em', 'hard-em' or 'stochastic-em'."
)
_NO_EXPERT = (
    "experts: 'expert0' ({}) has no partial_fit, so it cannot learn from batches; use "
    "LinearRegression, Ridge, LogisticRegression, PoissonRegressor, GammaRegressor or an "
    "estimator with partial_fit, such as SGDRegressor, SGDClassifier, MLPRegressor or "
    "MLPClassifier, or fit with solver='em'."
)
_NO_GATE = (
    "gate: DecisionTreeClassifier has no partial_fit, so it cannot learn from batches; "
    "use gate='softmax', 'gaussian', 'constant' or a classifier with partial_fit, or fit "
    "with solver='em'."
)
COMBINATIONS = [
    Combination(gate, likelihood, expert, solver, routing)
    for gate, likelihood, expert in product(GATES, FAMILIES, EXPERTS)
    if expert == "linear" or getattr(FAMILIES[likelihood], expert) is not None
    for solver, routing in product(EXPERTS[expert], ROUTINGS)
]
