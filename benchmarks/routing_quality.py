"""What is lost when each row is sent to two of sixteen experts, and what by evening out?

Linear experts, and trees of depth 6 with leaves of five rows, on shared tables and on
generated rows with sixteen regimes, of several sizes or of one, whose density is known:
all experts asked about all rows (dense), two (top_k), two with ``load_balancing="bias"``
or ``"auxiliary"``, and two with ``capacity_factor=1.25``. Five folds, shuffled with seed
0. Numbers are imputed by
the median and standardised, categories one-hot, rare ones together.

NLL is the mean negative log-likelihood of a test row, in units of y. Where an expert of
any of the five is narrower than the rounding of y, all are judged by the NLL of y as
rounded. A *loss* of NLL is relative to the other's absolute value, or to 1 nat where that
is smaller. *Variation* is the standard deviation of ``expert_load_`` over its mean; the
*fullest* expert's load is over its capacity, ``capacity_factor`` times an even share;
*entropy* is that of a test row's gate probabilities, in nats.

A row of results/routing_quality.csv is one model on one fold, kept when it is done: a
run that is broken off goes on where it was, and a finished one only prints its tables.

    SKMOE_DATA=... python benchmarks/run.py routing_quality --jobs 2
    SKMOE_DATA=... python benchmarks/routing_quality.py --jobs 2 --only regimes linear
    SKMOE_DATA=... python benchmarks/routing_quality.py --force bias
"""

import functools
import itertools
import time
import warnings

import harness
import numpy as np
from harness import densities, tasks
from harness.summaries import mean, select
from scipy.special import entr, logsumexp, softmax
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression

N_FOLDS, N_EXPERTS, TOP_K, CAPACITY = 5, 16, 2, 1.25
REGIMES, EVEN = "regimes", "even_regimes"
# Rows, and columns once categories are one-hot, about.
SHARED = {
    "cal_housing": (20_640, 8),
    "seoul_bike": (8760, 19),
    "hotel_rates": (15_402, 90),
}
GENERATED = {REGIMES: (40_000, 10), EVEN: (40_000, 10)}
EXPERTS = {
    "linear": LinearRegression(),
    "tree": DecisionTreeRegressor(max_depth=6, min_samples_leaf=5),
}
MODELS = {
    "dense": {},
    "top_k": {"top_k": TOP_K},
    "bias": {"top_k": TOP_K, "load_balancing": "bias"},
    "auxiliary": {"top_k": TOP_K, "load_balancing": "auxiliary"},
    "capacity": {"top_k": TOP_K, "capacity_factor": CAPACITY},
}
# Guessed seconds of a fit to ten thousand rows with ten columns.
SECONDS = {("linear", "dense"): 4, ("tree", "dense"): 20}
SECONDS_ROUTED = 8
ANSWERS = [
    "rmse", "nll", "nll_rounded", "truth", "seconds", "step", "n_experts", "cross_fitted",
    "lower_bound", "narrowest", "variation", "largest", "n_empty", "gate_entropy",
    "n_iter", "converged",
]  # fmt: skip
LAST_COLUMNS = [
    "variation", "largest", "n_empty", "gate_entropy", "n_iter", "seconds"
]  # fmt: skip


@functools.cache
def table(name):
    """X, y, the log-likelihood of the truth where it is known, and the folds."""
    if name == REGIMES:
        # A gate so sharp that two experts hold 98 % of a row; the regimes themselves
        # are of different sizes.
        X, y, truth = make_moe_regression(
            *GENERATED[name], N_EXPERTS, noise=(0.2, 0.6), n_gate_features=4,
            gate_scale=20.0, return_truth=True, random_state=0,
        )  # fmt: skip
        log_likelihood = truth.logpdf
    elif name == EVEN:
        X, y, log_likelihood = even_regimes(*GENERATED[name])
    else:
        X, y, _, _ = harness.data.shared_module("data/load.py").load(name)
        y, log_likelihood = y.to_numpy(dtype=float), np.full(len(X), np.nan)
    folds = list(KFold(N_FOLDS, shuffle=True, random_state=0).split(X))
    return X, y, log_likelihood, folds


def even_regimes(n, d):
    """Rows of sixteen linear regimes of one size: the signs of the first four columns.

    Nearly all rows are of one or two regimes, as sending them to two experts supposes.

    Returns
    -------
    X, y, log_likelihood
        The last of the true density, each row's.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))
    gate = softmax(40.0 * X[:, :4] @ signs.T, axis=1)
    means = X @ rng.standard_normal((d, N_EXPERTS)) / np.sqrt(d)
    means += 2.0 * rng.standard_normal(N_EXPERTS)
    noise = rng.uniform(0.2, 0.6, size=N_EXPERTS)
    own = (gate.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    own = own.clip(max=N_EXPERTS - 1)
    y = means[np.arange(n), own] + noise[own] * rng.standard_normal(n)
    densities_of_experts = norm.logpdf(y[:, None], means, noise)
    with np.errstate(divide="ignore"):
        return X, y, logsumexp(np.log(gate) + densities_of_experts, axis=1)


def preprocessing(X):
    """Numbers for any expert; X as it is where it has no columns of other kinds."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    if isinstance(X, np.ndarray):
        return numbers
    words = OneHotEncoder(
        min_frequency=0.01, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    categorical = list(X.select_dtypes("category"))
    rest = [name for name in X if name not in categorical]
    return make_column_transformer((numbers, rest), (words, categorical))


def work(set, fold, expert, model):
    """One model on one fold."""
    warnings.simplefilter("ignore")
    X, y, log_likelihood, folds = table(set)
    train, test = folds[fold]
    X_train, X_test = (X[r] if set in GENERATED else X.iloc[r] for r in (train, test))
    before = preprocessing(X)
    X_train, X_test = before.fit_transform(X_train), before.transform(X_test)
    fitted = MixtureOfExpertsRegressor(
        clone(EXPERTS[expert]), n_experts=N_EXPERTS, random_state=fold, **MODELS[model]
    )
    start = time.perf_counter()
    fitted.fit(np.asarray(X_train), y[train])
    seconds = time.perf_counter() - start
    step = densities.grid_step(y[train])
    density = fitted.predict_distribution(np.asarray(X_test))
    found = densities.scores(density, y[test], step) | densities.of_mixture(fitted)
    load, proba = fitted.expert_load_, fitted.predict_gate_proba(np.asarray(X_test))
    return found | {
        "seconds": seconds,
        "step": step,
        "truth": float(-log_likelihood[test].mean()),
        "variation": float(load.std() / load.mean()),
        "largest": float(load.max() * N_EXPERTS / CAPACITY),
        "n_empty": int(np.sum(load == 0)),
        "gate_entropy": float(entr(proba).sum(axis=1).mean()),
        "n_iter": int(fitted.n_iter_),
        "converged": int(fitted.converged_),
    }


def all_tasks(quick):
    """Every model on every fold of the sets that are there."""
    there = harness.data.shared_module("data/load.py") is not None
    sizes = (SHARED if there else {}) | GENERATED
    return [
        tasks.Task(
            (("set", name), ("fold", fold), ("expert", expert), ("model", model)),
            f"{expert}, {model}",
            SECONDS.get((expert, model), SECONDS_ROUTED) * n / 10_000 * d / 10,
        )
        for name, (n, d) in sizes.items()
        if not quick or name == "seoul_bike"
        for fold in range(1 if quick else N_FOLDS)
        for expert in EXPERTS
        for model in MODELS
    ]


class Group:
    """All models of one expert on one set, over the folds that all of those have."""

    def __init__(self, name, expert, rows):
        self.name, self.expert = name, expert
        by_model = {model: select(rows, model=model) for model in MODELS}
        self.by_model = {model: found for model, found in by_model.items() if found}
        common = set.intersection(
            *({row["fold"] for row in found} for found in self.by_model.values())
        )
        self.by_model = {
            model: [row for row in found if row["fold"] in common]
            for model, found in self.by_model.items()
        }
        self.n_folds = len(common)

    def __str__(self):
        return f"{self.name} {self.expert}"

    @property
    def too_narrow(self):
        """Whether the NLL of some model says nothing, as y is rounded."""
        rows = [row for found in self.by_model.values() for row in found]
        return any(map(densities.too_narrow, rows))

    def mean(self, model, metric):
        """Over the folds; NaN where there are no results."""
        return mean(self.by_model.get(model, []), metric)

    def nll(self, model):
        """The NLL by which it is judged."""
        return self.mean(model, "nll_rounded" if self.too_narrow else "nll")

    def has(self, *models):
        """Whether there are results of all of these."""
        return self.n_folds > 0 and all(model in self.by_model for model in models)

    def rmse_loss(self, model, other):
        """By how much the first has a larger RMSE, relative."""
        return self.mean(model, "rmse") / self.mean(other, "rmse") - 1

    def nll_loss(self, model, other):
        """By how much the first has a larger NLL, relative as told above."""
        nll = self.nll(other)
        return (self.nll(model) - nll) / max(abs(nll), 1.0)

    def loss(self, model, other):
        """The larger of both."""
        return max(self.rmse_loss(model, other), self.nll_loss(model, other))


def group_table(report, group):
    """A line for each model."""
    narrow = ", rounded, as an expert is narrower" if group.too_narrow else ""
    truth = group.mean(next(iter(group.by_model)), "truth")
    known = f"; NLL of the truth {truth:.4g}" if np.isfinite(truth) else ""
    report.table(
        f"{group}, {group.n_folds} folds; NLL{narrow}{known}",
        "model    ", "RMSE", "over dense", "over top_k", "NLL", "- dense", "- top_k",
        "variation", "fullest", "empty", "entropy", "rounds", "fit s",
    )  # fmt: skip
    others = ("dense", "top_k")
    for model in group.by_model:
        rmse, nll = group.mean(model, "rmse"), group.nll(model)
        report.row(
            model, rmse, *(rmse / group.mean(other, "rmse") for other in others),
            nll, *(nll - group.nll(other) for other in others),
            *(group.mean(model, metric) for metric in LAST_COLUMNS),
        )  # fmt: skip


def verdicts(report, groups):
    """The worst of each, and where it is."""
    report.note("")
    for model, other, what, bound in (
        ("top_k", "dense", "rmse_loss", 0.02),
        ("top_k", "dense", "nll_loss", 0.02),
        ("bias", "top_k", "loss", 0.01),
    ):
        names = {"rmse_loss": "RMSE", "nll_loss": "NLL", "loss": "RMSE or NLL"}
        worst(
            report, f"{names[what]} of {model}: by how much worse than {other}",
            {g: getattr(g, what)(model, other) for g in groups if g.has(model, other)},
            bound,
        )  # fmt: skip
    rows = {
        (group, model): group.by_model[model]
        for group in groups
        for model in ("bias", "capacity")
        if group.has(model)
    }
    variation, largest = (
        {
            group: max(row[metric] for row in found)
            for (group, model), found in rows.items()
            if model == wanted
        }
        for wanted, metric in (("bias", "variation"), ("capacity", "largest"))
    )
    worst(report, "bias: variation of the load, of the worst fold", variation, 0.25)
    # A capacity is a whole number of rows.
    worst(report, "capacity: load of the fullest expert, worst fold", largest, 1.001)


def worst(report, statement, values, bound):
    """A verdict on the largest value; all that are above the bound are named."""
    if not values:
        report.verdict(statement, "not run", at_most=bound)
        return
    report.verdict(
        f"{statement}, the worst of {len(values)}", max(values.values()), at_most=bound
    )
    above = sorted((g for g in values if values[g] > bound), key=lambda g: -values[g])
    words = ", ".join(f"{group} ({values[group]:.3g})" for group in above)
    report.note(f"      above: {words or 'none'}")


def main():
    """Run what is left, then all tables and verdicts."""
    options = tasks.parser(__doc__).parse_args()
    quick = harness.is_quick()
    report = harness.Report(__doc__)
    wanted = all_tasks(quick)
    if harness.data.shared_module("data/load.py") is None:
        report.note(f"{', '.join(SHARED)} skipped: {harness.data.MISSING}")
    if not wanted:
        return
    file = harness.results_file("routing_quality.csv")
    rows = tasks.run(tasks.chosen(wanted, options.only), work, ANSWERS, file, options)
    rows = tasks.succeeded(rows, report)
    keys = dict.fromkeys((row["set"], row["expert"]) for row in rows)
    groups = [Group(*key, select(rows, set=key[0], expert=key[1])) for key in keys]
    groups = [group for group in groups if group.n_folds]
    for group in groups:
        group_table(report, group)
    verdicts(report, groups)


if __name__ == "__main__":
    main()
