"""Does the recipe reach the published likelihoods on the standard UCI splits?

The recipe: of three untuned experts (boosting, a forest, a small neural network) the one
whose held-out likelihood in the training rows is best, ``lower_bound_`` with
``n_experts=1``, is taken for a mixture of three; no test row is asked. Next to it the
forest and the boosting alone, with a normal density whose width is from five folds of
the training rows, and not below the rounding of the target. X and y are standardised by
the training rows, for all models alike; metrics are in the units of y. NLL is the mean
negative log-likelihood of a test row, coverage that of the central 90 % interval.

A row of results/uci.csv is one model on one split, kept when it is done: a run that is
broken off goes on where it was, and a finished one only prints its tables.

    SKMOE_DATA=... python benchmarks/run.py uci
    SKMOE_DATA=... python benchmarks/uci.py --jobs 2 --splits 5
    SKMOE_DATA=... python benchmarks/uci.py --force recipe
"""

import functools
import time
import warnings

import harness
import numpy as np
from harness import densities, tasks
from harness.summaries import column, counts, mean, select, standard_error
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsRegressor

# Splits of each set that the publications use and that are run.
N_SPLITS = {"concrete": 20, "energy": 20, "kin8nm": 5, "power_plant": 5, "wine_red": 20}
SETS = list(N_SPLITS)
# Rows and columns, for the guess of the time.
SIZES = {
    "concrete": (927, 8), "energy": (691, 8), "kin8nm": (7373, 8),
    "power_plant": (8611, 4), "wine_red": (1439, 11),
}  # fmt: skip
# As published, in the order of SETS. Deep Ensembles and PBP: Lakshminarayanan et al.
# (2017), table 1. MC-dropout: its authors' grid search of 2018, on these very splits. The
# others: as quoted in table 1 of the paper on Wasserstein gradient boosting (WGBoost).
PUBLISHED = {
    "nll": {
        "PBP": (3.16, 2.04, -0.90, 2.84, 0.97),
        "MC-dropout": (2.93, 1.21, -1.14, 2.80, 0.93),
        "Deep Ensembles": (3.06, 1.38, -1.20, 2.79, 0.94),
        "NGBoost": (3.04, 0.60, -0.49, 2.79, 0.91),
        "Deep evidential": (3.01, 1.39, -1.24, 2.81, 0.89),
        "WEvidential boosting": (2.83, 0.53, -0.44, 2.60, 0.95),
    },
    "rmse": {
        "PBP": (5.67, 1.80, 0.10, 4.12, 0.64),
        "MC-dropout": (4.82, 0.54, 0.08, 4.01, 0.62),
        "Deep Ensembles": (6.03, 2.09, 0.09, 4.11, 0.64),
        "NGBoost": (5.06, 0.46, 0.16, 3.79, 0.63),
        "Deep evidential": (5.85, 2.06, 0.09, 4.23, 0.61),
        "WEvidential boosting": (4.15, 0.42, 0.15, 3.19, 0.61),
    },
}
EXPERTS = {
    "HistGradientBoosting": HistGradientBoostingRegressor(),
    "RandomForest": RandomForestRegressor(),
    "MLP": MLPRegressor(hidden_layer_sizes=(64, 64)),
}
ALONE = ["HistGradientBoosting", "RandomForest"]
RECIPE = "recipe"
# Seconds of one fit of 1000 rows with 8 columns, and which power of the rows it grows by.
FIT_SECONDS = {
    "HistGradientBoosting": (0.2, 0),
    "RandomForest": (0.6, 1),
    "MLP": (0.5, 1),
}
# Guessed fits of one task.
N_FITS = {"alone": 6, RECIPE: 55}
ANSWERS = [
    "rmse", "nll", "nll_rounded", "coverage", "seconds", "step", "n_experts",
    "cross_fitted", "lower_bound", "narrowest", "chosen",
]  # fmt: skip


def recipe(X, y, seed):
    """The fitted mixture that is judged, and the name of its experts' kind."""

    def mixture(expert, **params):
        model = MixtureOfExpertsRegressor(clone(expert), random_state=seed, **params)
        return model.fit(X, y)

    bounds = {
        name: mixture(expert, n_experts=1).lower_bound_
        for name, expert in EXPERTS.items()
    }
    chosen = max(bounds, key=bounds.get)
    return mixture(EXPERTS[chosen]), chosen


@functools.cache
def table(name):
    """X, y and the splits of a shared set."""
    loader = harness.data.shared_module("data/load.py")
    X, y, _, _ = loader.load(name)
    return X.to_numpy(dtype=float), y.to_numpy(dtype=float), loader.splits(name)


def work(set, split, expert, model):
    """One model on one split."""
    warnings.simplefilter("ignore")
    X, y, splits = table(set)
    train, test = splits[split]
    step = densities.grid_step(y[train])
    scaler = StandardScaler().fit(X[train])
    X_train, X_test = scaler.transform(X[train]), scaler.transform(X[test])
    center, scale = y[train].mean(), y[train].std()
    y_train, y_test = (y[train] - center) / scale, (y[test] - center) / scale
    more = {}
    start = time.perf_counter()
    if model == "alone":
        estimator = clone(EXPERTS[expert]).set_params(random_state=split)
        density = densities.normal_density(
            estimator, X_train, y_train, X_test, step / scale, split
        )
        seconds = time.perf_counter() - start
    else:
        fitted, chosen = recipe(X_train, y_train, split)
        seconds = time.perf_counter() - start
        density = fitted.predict_distribution(X_test)
        more = densities.of_mixture(fitted, scale) | {"chosen": chosen}
    found = densities.scores(density, y_test, step / scale, scale)
    return found | more | {"seconds": seconds, "step": step}


def all_tasks(limit, quick):
    """Every model on every split, or, for a quick run, on one of the smallest sets."""
    return [
        tasks.Task(
            (("set", name), ("split", split), ("expert", expert), ("model", model)),
            f"{model}, {expert}",
            N_FITS[model] * guess(expert, *SIZES[name]),
        )
        for name in (["energy"] if quick else SETS)
        for split in range(min(limit, N_SPLITS[name]))
        for expert, model in [*((other, "alone") for other in ALONE), (RECIPE, RECIPE)]
    ]


def guess(expert, n, d):
    """Seconds of one fit."""
    if expert == RECIPE:
        return max(guess(other, n, d) for other in EXPERTS)
    seconds, power = FIT_SECONDS[expert]
    return seconds * d / 8 * (n / 1000) ** power


def measured(rows):
    """Rows of results by the names that the tables have."""
    result = {f"{name} alone": select(rows, model="alone", expert=name) for name in ALONE}
    return result | {"skmoe's recipe": select(rows, model=RECIPE)}


def metric_table(report, title, metric, results):
    """Published and measured values: a line for each method, a column for each set."""
    report.table(title, "method" + 25 * " ", *(f"{name:16}" for name in SETS))
    for method, values in PUBLISHED.get(metric, {}).items():
        report.row(f"{method:31}", *(f"{value:.2f}" + 12 * " " for value in values))
    for method, rows in results.items():
        report.row(f"{method:31}", *(cell(select(rows, set=s), metric) for s in SETS))


def cell(rows, metric):
    """Mean and standard error as words."""
    if not len(column(rows, metric)):
        return f"{'-':16}"
    words, error = f"{mean(rows, metric):.3f}", standard_error(rows, metric)
    if np.isfinite(error):
        words += f" +- {error:.3f}"
    return f"{words:16}"


def recipe_table(report, results):
    """What the recipe took, and what it cost."""
    report.table(
        "The recipe: splits, mean number of experts, seconds of a split (and its choice)",
        "set         ", "splits", "experts", "recipe s", "boosting s", "forest s",
        "smallest sd", "rounding", "chosen",
    )  # fmt: skip
    for name in SETS:
        rows = select(results["skmoe's recipe"], set=name)
        if not rows:
            continue
        alone = [select(results[f"{other} alone"], set=name) for other in ALONE]
        report.row(
            name, len(rows), mean(rows, "n_experts"), mean(rows, "seconds"),
            *(mean(others, "seconds") for others in alone),
            float(column(rows, "narrowest").min()),
            densities.rounding_floor(mean(rows, "step")),
            counts([row["chosen"] for row in rows]),
        )  # fmt: skip
        narrow = sum(map(densities.too_narrow, rows))
        if narrow:
            report.note(
                f"{name}: on {narrow} of {len(rows)} splits an expert is narrower than "
                "the rounding of y, so its NLL does not count (see the rounded NLL)"
            )
    methods = counts(
        [row["cross_fitted"] or "not told" for row in results["skmoe's recipe"]]
    )
    report.note(f"cross-fitted: {methods}")


def below_published(metric, name, value):
    """Whether a value is below all published ones, at their two decimals."""
    place = SETS.index(name)
    return round(value, 2) < min(row[place] for row in PUBLISHED[metric].values())


def verdicts(report, results):
    """The recipe against what is published and what is measured."""
    ours = {name: select(results["skmoe's recipe"], set=name) for name in SETS}
    missing = [name for name in SETS if len(ours[name]) < N_SPLITS[name]]
    if missing:
        report.note(f"not all splits are there: {', '.join(missing)}")
    there = [name for name in SETS if ours[name]]
    if not there:
        report.note("no split is there yet")
        return
    report.note("")
    nll = {name: mean(ours[name], "nll") for name in there}
    wins = [
        name
        for name in there
        if below_published("nll", name, nll[name])
        and not any(map(densities.too_narrow, ours[name]))
    ]
    report.verdict(
        "sets whose NLL is below every published one, at two decimals "
        f"({', '.join(wins) or 'none'})", len(wins), at_least=4,
    )  # fmt: skip
    worst = {}
    for name in there:
        rmse = mean(ours[name], "rmse")
        peers = [mean(select(results[f"{n} alone"], set=name), "rmse") for n in ALONE]
        below = below_published("rmse", name, rmse)
        worst[name] = 1.0 if below else rmse / np.nanmin(peers)
        report.note(
            f"RMSE on {name}: {rmse / np.nanmin(peers):.3f} of the better of forest and "
            f"boosting{', and below every published one' if below else ''}"
        )
    report.verdict(
        "RMSE over the better of forest and boosting, the worst set (1 where below "
        "every published one)", max(worst.values()), at_most=1.03,
    )  # fmt: skip
    coverage = {name: mean(ours[name], "coverage") for name in there}
    whole = float(np.mean(list(coverage.values())))
    report.verdict(
        f"coverage of 90 % intervals, mean over sets ({whole:.3f}): distance from 0.9",
        abs(whole - densities.LEVEL), at_most=0.02,
    )  # fmt: skip
    outside = [f"{n} {c:.3f}" for n, c in coverage.items() if not 0.88 <= c <= 0.92]
    report.note(f"sets outside 0.88 to 0.92: {', '.join(outside) or 'none'}")


def main():
    """Run what is left, then all tables and verdicts."""
    options = tasks.parser(__doc__)
    options.add_argument("--splits", type=int, default=20, help="at most, of each set")
    options = options.parse_args()
    quick = harness.is_quick()
    report = harness.Report(__doc__)
    if harness.data.shared_module("data/load.py") is None:
        report.note(f"skipped: {harness.data.MISSING}")
        return
    wanted = all_tasks(1 if quick else options.splits, quick)
    file = harness.results_file("uci.csv")
    rows = tasks.run(tasks.chosen(wanted, options.only), work, ANSWERS, file, options)
    results = measured(tasks.succeeded(rows, report))
    metric_table(report, "NLL, mean +- standard error over splits", "nll", results)
    metric_table(report, "RMSE", "rmse", results)
    metric_table(report, "Coverage of 90 % intervals", "coverage", results)
    metric_table(
        report, "NLL of y as rounded: comparable on grids, too", "nll_rounded", results
    )
    recipe_table(report, results)
    verdicts(report, results)


if __name__ == "__main__":
    main()
