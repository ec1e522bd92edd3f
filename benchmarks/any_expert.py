"""Does a mixture of an arbitrary expert do better than the expert alone?

On every shared table of fewer than 20,000 rows, for five experts with their defaults
(boosting, a forest, a tree with leaves of ten rows, a neural network, nearest
neighbours): the expert alone, three of them bagged (``BaggingRegressor`` or
``BaggingClassifier``), and a mixture of it. The first two folds of five, shuffled with
seed 0, and stratified for classes; ``--folds 5`` for all. vowel is run on its official
split, too (other speakers), which is shown but not counted.

NLL is the mean negative log-likelihood of a test row: for regression in the units of y,
where a model without a density has a normal one, whose width is from five folds of the
training rows, and not below the rounding of y; for classes the log-loss, with no
probability below float64's eps. Numbers are imputed by the median, for networks and
neighbours standardised, and categories one-hot; for the network, y is standardised.

The *gain* is the NLL of the expert alone less the mixture's, over the former's absolute
value, or over 1 nat where that is smaller. Where an expert of the mixture is narrower
than the rounding of y, all are judged by the NLL of y as rounded instead.

A row of results/any_expert.csv is one model on one fold, kept when it is done: a run that
is broken off goes on where it was, and a finished one only prints its tables.

    SKMOE_DATA=... python benchmarks/run.py any_expert
    SKMOE_DATA=... python benchmarks/any_expert.py --jobs 2 --only energy MLP
    SKMOE_DATA=... python benchmarks/any_expert.py --force mixture
"""

import functools
import time
import warnings

import harness
import numpy as np
from harness import densities, tasks
from harness.summaries import mean, select
from sklearn.base import clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

N_ROWS = 20_000
N_FOLDS = 5
KINDS = {"uci": "regression", "tab_reg": "regression", "tab_clf": "classification"}
OFFICIAL = "vowel (official)"
QUICK = {"energy", "credit_data", "DecisionTree", "HistGradientBoosting"}
EXPERTS = {
    "DecisionTree": {
        "regression": DecisionTreeRegressor(min_samples_leaf=10),
        "classification": DecisionTreeClassifier(min_samples_leaf=10),
    },
    "KNeighbors": {
        "regression": KNeighborsRegressor(),
        "classification": KNeighborsClassifier(),
    },
    "HistGradientBoosting": {
        "regression": HistGradientBoostingRegressor(),
        "classification": HistGradientBoostingClassifier(),
    },
    "MLP": {"regression": MLPRegressor(), "classification": MLPClassifier()},
    "RandomForest": {
        "regression": RandomForestRegressor(),
        "classification": RandomForestClassifier(),
    },
}
SCALED = {"MLP", "KNeighbors"}
MODELS = ["alone", "bagged", "mixture"]
# Of a mixture, and of an ensemble beside it.
N_MEMBERS = 3
# Guessed fits of one task: the width of a regressor takes five more.
N_FITS = {
    "regression": {"alone": 6, "bagged": 6 * N_MEMBERS, "mixture": 42},
    "classification": {"alone": 1, "bagged": N_MEMBERS, "mixture": 42},
}
ANSWERS = [
    "kind", "rmse", "accuracy", "nll", "nll_rounded", "coverage", "seconds", "step",
    "n_experts", "cross_fitted", "lower_bound", "narrowest",
]  # fmt: skip


def mixture(expert, seed):
    """The mixture that is judged: all its parameters are here."""
    facade = (
        MixtureOfExpertsClassifier if is_classifier(expert) else MixtureOfExpertsRegressor
    )
    return facade(expert, n_experts=3, random_state=seed)


def bagged(expert, seed):
    """As many members, on bootstrap samples."""
    facade = BaggingClassifier if is_classifier(expert) else BaggingRegressor
    return facade(expert, n_estimators=N_MEMBERS, random_state=seed)


@functools.cache
def table(name):
    """X, y, the categorical columns and the splits of a shared set, and its kind."""
    loader = harness.data.shared_module("data/load.py")
    kind = next(kind for group, kind in KINDS.items() if name in loader.names(group))
    X, y, meta, _ = loader.load(name)
    if kind == "regression":
        y = y.to_numpy(dtype=float)
        folds = KFold(N_FOLDS, shuffle=True, random_state=0)
    else:
        y = LabelEncoder().fit_transform(y.astype(str))
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    return X, y, meta["categorical"], list(folds.split(X, y)), kind


@functools.cache
def official_vowel():
    """The same of vowel, split by speakers."""
    loader = harness.data.shared_module("data/load.py")
    X, y, categorical, _, kind = table("vowel")
    part = loader.load("vowel")[3]["split"]
    folds = [(np.flatnonzero(part == "Train"), np.flatnonzero(part == "Test"))]
    return X, y, categorical, folds, kind


def shared(name):
    """A table by the name that a task has."""
    return official_vowel() if name == OFFICIAL else table(name)


def prepared(X, train, test, categorical, scaled):
    """Training and test rows as numbers."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])
    )
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    both = make_column_transformer(
        (numbers, [name for name in X.columns if name not in categorical]),
        (words, categorical),
        sparse_threshold=0,
    )
    X_train = both.fit_transform(X.iloc[train])
    return np.asarray(X_train), np.asarray(both.transform(X.iloc[test]))


def model_of(expert, name, seed):
    """The expert alone, bagged or in a mixture, unfitted."""
    if name == "mixture":
        return mixture(expert, seed)
    if name == "bagged":
        return bagged(expert, seed)
    seeded = "random_state" in expert.get_params()
    return expert.set_params(random_state=seed) if seeded else expert


def regression(model, X, y, X_test, y_test, scale, seed):
    """Fit and score; the target's unit is ``scale`` times what it was."""
    step = densities.grid_step(y)
    center, scale = (y.mean(), y.std()) if scale else (0.0, 1.0)
    y, y_test = (y - center) / scale, (y_test - center) / scale
    more = {"step": step}
    start = time.perf_counter()
    if hasattr(model, "predict_distribution"):
        model.fit(X, y)
        seconds = time.perf_counter() - start
        density = model.predict_distribution(X_test)
        more |= densities.of_mixture(model, scale)
    else:
        density = densities.normal_density(model, X, y, X_test, step / scale, seed)
        seconds = time.perf_counter() - start
    found = densities.scores(density, y_test, step / scale, scale)
    return found | more | {"seconds": seconds}


def classification(model, X, y, X_test, y_test):
    """Fit and score."""
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    proba = model.predict_proba(X_test)
    places = np.searchsorted(model.classes_, y_test)
    least = np.finfo(np.float64).eps
    chosen = np.clip(proba[np.arange(len(y_test)), places], least, 1.0)
    found = {
        "accuracy": float(accuracy_score(y_test, model.classes_[proba.argmax(axis=1)])),
        "nll": float(-np.log(chosen).mean()),
        "seconds": seconds,
    }
    mixed = hasattr(model, "experts_")
    return found | (densities.of_mixture(model) if mixed else {})


def work(set, fold, expert, model):
    """One model on one fold."""
    warnings.simplefilter("ignore")
    X, y, categorical, folds, kind = shared(set)
    train, test = folds[fold]
    X_train, X_test = prepared(X, train, test, categorical, expert in SCALED)
    fitting = model_of(clone(EXPERTS[expert][kind]), model, fold)
    rows = X_train, y[train], X_test, y[test]
    if kind == "regression":
        return {"kind": kind} | regression(fitting, *rows, expert == "MLP", fold)
    return {"kind": kind} | classification(fitting, *rows)


def all_tasks(n_folds, quick):
    """Every model on every fold of the sets that are small enough."""
    loader = harness.data.shared_module("data/load.py")
    result = []
    for name in [name for group in KINDS for name in loader.names(group)]:
        if quick and name not in QUICK:
            continue
        X, y, categorical, _, kind = table(name)
        if len(X) >= N_ROWS:
            continue
        d = X.shape[1] + sum(X[column].nunique() - 1 for column in categorical)
        n_classes = len(np.unique(y)) if kind == "classification" else 1
        keys = [(name, fold) for fold in range(n_folds)]
        if name == "vowel":
            keys.append((OFFICIAL, 0))
        result += [
            tasks.Task(
                (("set", key), ("fold", fold), ("expert", expert), ("model", model)),
                f"{kind}, {expert}, {model}",
                N_FITS[kind][model] * guess(expert, len(X), d, n_classes),
            )
            for key, fold in keys
            for expert in EXPERTS
            if not quick or expert in QUICK
            for model in MODELS
        ]
    return result


def guess(expert, n, d, n_classes):
    """Seconds of one fit and its predictions, about, from a few that were timed."""
    thousands, width = n / 1000, (d / 10) ** 0.5
    classes = n_classes > 1
    trees = n_classes if n_classes > 2 else 1
    return {
        "DecisionTree": 0.004 * thousands * width,
        "KNeighbors": 0.0004 * thousands**2 * width + 0.005,
        "HistGradientBoosting": 0.2 * trees * width + 0.01 * thousands * width**2,
        "MLP": (0.4 if classes else 0.17) * thousands * width,
        "RandomForest": (0.15 if classes else 0.3) * thousands * width,
    }[expert]


class Pair:
    """The three models of one expert on one set, means over the folds all have."""

    def __init__(self, name, expert, rows):
        self.name, self.expert = name, expert
        by_model = {model: select(rows, model=model) for model in MODELS}
        common = set.intersection(
            *({row["fold"] for row in found} for found in by_model.values())
        )
        self.rows = {
            model: [row for row in found if row["fold"] in common]
            for model, found in by_model.items()
        }
        self.whole = bool(common)
        self.kind = rows[0]["kind"]
        self.counted = name != OFFICIAL

    def __str__(self):
        return f"{self.name} {self.expert}"

    def mean(self, model, metric):
        """Over the folds."""
        return mean(self.rows[model], metric)

    @property
    def score(self):
        """By what the models are judged."""
        return "nll_rounded" if self.too_narrow else "nll"

    def gain_by(self, score, least=1.0):
        """What is won, over the score of the expert alone, absolute, or ``least``."""
        alone = self.mean("alone", score)
        return (alone - self.mean("mixture", score)) / max(abs(alone), least)

    @property
    def behind_bagged(self):
        """Nats per row by which the mixture is worse than three bagged."""
        return self.mean("mixture", self.score) - self.mean("bagged", self.score)

    @property
    def gain(self):
        """As the script's head defines it."""
        return self.gain_by(self.score)

    @property
    def strict_gain(self):
        """The same, however small the absolute NLL is."""
        return self.gain_by(self.score, least=0.0)

    @property
    def rounded_gain(self):
        """The same, of y as rounded where it is on a grid."""
        on_grid = np.isfinite(self.mean("alone", "nll_rounded"))
        return self.gain_by("nll_rounded" if on_grid else "nll")

    @property
    def metric(self):
        """Name of the score of point predictions."""
        return "rmse" if self.kind == "regression" else "accuracy"

    @property
    def point_loss(self):
        """By how much the mixture's point predictions are worse, relative."""
        ratio = self.mean("mixture", self.metric) / self.mean("alone", self.metric)
        return ratio - 1 if self.kind == "regression" else 1 - ratio

    @property
    def too_narrow(self):
        """Whether an expert is narrower than the rounding of y in some fold."""
        return self.kind == "regression" and any(
            map(densities.too_narrow, self.rows["mixture"])
        )


def pairs_of(rows):
    """Whole pairs, and the names of those that lack a model."""
    keys = dict.fromkeys((row["set"], row["expert"]) for row in rows)
    found = [Pair(*key, select(rows, set=key[0], expert=key[1])) for key in keys]
    return [p for p in found if p.whole], [str(p) for p in found if not p.whole]


def kind_table(report, kind, pairs):
    """One line for each set and expert."""
    metric = "rmse" if kind == "regression" else "accuracy"
    coverage = ["cover 1", "cover mix"] if kind == "regression" else []
    report.table(
        f"{kind}: the expert alone (1), three bagged, and the mixture (mix)",
        "set             ", "expert              ", "NLL 1", "bagged", "mix", "gain %",
        f"{metric} 1", "bagged", "mix", "mix over 1", *coverage, "experts", "s 1",
        "s bagged", "s mix",
    )  # fmt: skip
    for pair in pairs:
        report.row(
            pair.name, pair.expert, *(pair.mean(model, "nll") for model in MODELS),
            100 * pair.gain, *(pair.mean(model, metric) for model in MODELS),
            pair.mean("mixture", metric) / pair.mean("alone", metric),
            *(pair.mean(m, "coverage") for m in ("alone", "mixture") if coverage),
            pair.mean("mixture", "n_experts"),
            *(pair.mean(model, "seconds") for model in MODELS),
            "narrower than the rounding" if pair.too_narrow else "",
        )  # fmt: skip


def expert_table(report, pairs):
    """The same by experts, and what a task took."""
    report.table(
        "By experts: pairs, share with better NLL, worst, coverage, seconds of all tasks",
        "kind           ", "expert              ", "pairs", "better", "mean gain %",
        "least gain %", "worst point %", "cover mix", "s 1", "s bagged", "s mix",
    )  # fmt: skip
    for kind in dict.fromkeys(KINDS.values()):
        for expert in EXPERTS:
            here = [p for p in pairs if p.expert == expert and p.kind == kind]
            if not here:
                continue
            gains = np.array([100 * pair.gain for pair in here])
            report.row(
                kind, expert, len(here), float((gains > 0).mean()), float(gains.mean()),
                float(gains.min()), 100 * max(pair.point_loss for pair in here),
                float(np.mean([pair.mean("mixture", "coverage") for pair in here])),
                *(
                    float(sum(row["seconds"] for p in here for row in p.rows[model]))
                    for model in MODELS
                ),
            )  # fmt: skip


def likelihood_verdicts(report, pairs):
    """NLL against the expert alone, and beside three bagged."""
    gains = np.array([pair.gain for pair in pairs])
    report.verdict(
        f"share of {len(pairs)} pairs of set and expert with better NLL than the expert",
        float((gains > 0).mean()), at_least=0.7,
    )  # fmt: skip
    report.verdict(
        "share with better NLL, or within 0.5 %", float((gains >= -0.005).mean()),
        at_least=0.9,
    )  # fmt: skip
    report.verdict(
        "NLL, the worst pair: by how much worse", float(-gains.min()), at_most=0.02
    )
    for title, others in [
        ("relative to |NLL| even where it is below 1", [p.strict_gain for p in pairs]),
        ("of y as rounded, where it is on a grid", [p.rounded_gain for p in pairs]),
    ]:
        others = np.array(others)
        better, near = (others > 0).mean(), (others >= -0.005).mean()
        report.note(
            f"  the same three, {title}: {better:.3g}, {near:.3g}, {-others.min():.3g}"
        )
    worse = sorted((p for p in pairs if p.gain < -0.005), key=lambda p: p.gain)
    name_all(report, "NLL worse by more than 0.5 %", worse, lambda p: -100 * p.gain)
    behind = [pair for pair in pairs if pair.behind_bagged >= 0]
    report.verdict(
        "share with better NLL than three bagged", 1 - len(behind) / len(pairs),
        at_least=0.5,
    )  # fmt: skip
    name_all(
        report, "NLL behind three bagged, nats per row", behind,
        lambda p: p.behind_bagged,
    )  # fmt: skip
    narrow = [pair for pair in pairs if pair.too_narrow]
    name_all(
        report, "an expert narrower than the rounding, so judged by the NLL of y as "
        "rounded (the mixture's in brackets)", narrow,
        lambda p: p.mean("mixture", "nll_rounded"),
    )  # fmt: skip


def point_verdicts(report, pairs):
    """RMSE and accuracy against the expert alone."""
    for kind in dict.fromkeys(pair.kind for pair in pairs):
        here = [pair for pair in pairs if pair.kind == kind]
        metric = here[0].metric
        report.verdict(
            f"{metric}, the worst of {len(here)} pairs: by how much worse",
            max(pair.point_loss for pair in here), at_most=0.02,
        )  # fmt: skip
        worse = [pair for pair in here if pair.point_loss > 0.02]
        worse.sort(key=lambda p: -p.point_loss)
        name_all(
            report, f"{metric} worse by more than 2 %", worse,
            lambda p: 100 * p.point_loss,
        )  # fmt: skip


def coverage_verdict(report, pairs):
    """Intervals of the regressions."""
    found = [pair for pair in pairs if pair.kind == "regression"]
    if not found:
        return
    whole = float(np.mean([pair.mean("mixture", "coverage") for pair in found]))
    report.verdict(
        f"coverage of 90 % intervals, mean over pairs ({whole:.3f}): distance from 0.9",
        abs(whole - densities.LEVEL), at_most=0.02,
    )  # fmt: skip
    outside = [p for p in found if abs(p.mean("mixture", "coverage") - 0.9) > 0.02]
    name_all(
        report, "outside 0.88 to 0.92", outside, lambda p: p.mean("mixture", "coverage")
    )


def name_all(report, title, pairs, value):
    """The exceptions to a statement."""
    words = ", ".join(f"{pair} ({value(pair):.3g})" for pair in pairs)
    report.note(f"  {title}: {words or 'none'}")


def main():
    """Run what is left, then all tables and verdicts."""
    options = tasks.parser(__doc__)
    options.add_argument("--folds", type=int, default=2, help=f"of the {N_FOLDS}")
    options = options.parse_args()
    quick = harness.is_quick()
    report = harness.Report(__doc__)
    if harness.data.shared_module("data/load.py") is None:
        report.note(f"skipped: {harness.data.MISSING}")
        return
    n_folds = 1 if quick else options.folds
    report.note(f"{n_folds} of {N_FOLDS} folds")
    file = harness.results_file("any_expert.csv")
    wanted = tasks.chosen(all_tasks(n_folds, quick), options.only)
    rows = tasks.run(wanted, work, ANSWERS, file, options)
    pairs, incomplete = pairs_of(tasks.succeeded(rows, report))
    for kind in dict.fromkeys(KINDS.values()):
        here = [pair for pair in pairs if pair.kind == kind]
        if here:
            kind_table(report, kind, here)
    if incomplete:
        report.note(f"not all models are there: {', '.join(incomplete)}")
    counted = [pair for pair in pairs if pair.counted]
    if counted:
        expert_table(report, counted)
        report.note("")
        likelihood_verdicts(report, counted)
        point_verdicts(report, counted)
        coverage_verdict(report, counted)


if __name__ == "__main__":
    main()
