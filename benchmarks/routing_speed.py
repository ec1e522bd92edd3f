"""What does sending each row to one or two of many experts save?

Predictions: a fitted model, and the same model asked as if ``top_k`` were the number of
its experts; the best of several predictions by turns. Fits: an iteration with two of 64
trees, next to one of a mixture of two that asks both about every row; of the last
iterations of a fit the fastest, as at first rows are sent to more experts. Memory: the
peak of a process that reads the data and fits in twelve iterations, more of which take no
more of it, by the kernel's own high water mark.

    python benchmarks/run.py routing_speed
    python benchmarks/routing_speed.py --quick
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import numpy as np
from harness import routed
from harness.memory import MEGABYTE, peak, resident
from harness.timing import interleaved
from sklearn.ensemble import HistGradientBoostingRegressor

from skmoe.experts import predict_experts_routed
from skmoe.training import route

BOOSTING = "boosting, 20 x 15"
TREE, LINE = "tree of depth 6", "linear"
EXPERTS = {
    BOOSTING: lambda: HistGradientBoostingRegressor(
        max_iter=20, max_leaf_nodes=15, early_stopping=False
    ),
    TREE: routed.trees,
    LINE: routed.lines,
}
# What is saved at least, by top_k.
LEAST = {
    (BOOSTING, 8): {1: 6.5, 2: 3.5},
    (BOOSTING, 64): {1: 45, 2: 22},
    (TREE, 256): {1: 25, 2: 8},
    (LINE, 8): {1: 1, 2: 1},
    (LINE, 64): {1: 1, 2: 1},
    (LINE, 256): {1: 1, 2: 1},
}
# Whole fits whose memory is taken.
FITS = [(TREE, 64), (TREE, 256), (LINE, 256)]
TOP_K = 2
ALL = "all"


def predictions(report, quick):
    """Seconds of a prediction by top_k, and what is saved."""
    n, n_fitted = (5_000, 3_000) if quick else (100_000, 30_000)
    data = routed.problem(n_fitted)
    X = np.random.default_rng(1).standard_normal((n, routed.D))
    report.table(
        f"predict of {n} rows, d={routed.D}; milliseconds, and the parts of them",
        "expert           ", "K", "asked", "ms", "saved, x", "K / asked", "choosing",
        "answering", "rest",
    )  # fmt: skip
    saved = {}
    for expert, n_experts in LEAST:
        # Only predictions are timed, so it need not be a good model.
        few = {"max_iter": 2, "init": "k-means"}
        found = routed.fit(
            data.X, data.y, EXPERTS[expert](), n_experts, TOP_K, **few
        ).model
        models = {ALL: n_experts, **{str(top_k): top_k for top_k in (1, 2)}}
        models = {name: routed.asking(found, top_k) for name, top_k in models.items()}
        seconds = interleaved(_calls(models, X), 3 if quick else 9, min)
        for name, model in models.items():
            ratio = seconds[ALL] / seconds[name]
            parts = _parts(seconds, name)
            report.row(
                expert, n_experts, name, 1e3 * seconds[name], ratio,
                n_experts / model.top_k_, *parts,
            )  # fmt: skip
            saved[expert, n_experts, name] = ratio
    for (expert, n_experts), least in LEAST.items():
        for top_k, bound in least.items():
            report.verdict(
                f"{expert}, K={n_experts}: time of all experts over that of {top_k}",
                saved[expert, n_experts, str(top_k)], at_least=bound,
            )  # fmt: skip


def _calls(models, X):
    """What is timed: predictions, and their two parts where few experts are asked."""
    calls = {name: lambda m=model: m.predict(X) for name, model in models.items()}
    for name, model in models.items():
        if name == ALL:
            continue
        args = model.gate_, X, model.n_experts_, model.top_k_
        routes = route(*args).routes
        names = list(map(str, range(model.n_experts_)))
        calls[name, "choosing"] = lambda a=args: route(*a)
        calls[name, "answering"] = lambda e=model.experts_, r=routes, n=names: (
            predict_experts_routed(e, X, r, None, n)
        )
    return calls


def _parts(seconds, name):
    if name == ALL:
        return [float("nan")] * 3
    parts = [1e3 * seconds[name, part] for part in ("choosing", "answering")]
    return [*parts, 1e3 * seconds[name] - sum(parts)]


def rounds(report, quick):
    """Seconds of an iteration: two of 64 trees, and both of two."""
    data = routed.problem(3_000 if quick else 100_000)
    many = 8 if quick else 64
    sizes = {"two experts, both asked": (2, None), f"two of {many}": (many, TOP_K)}
    report.table(
        f"an iteration on {len(data.X)} rows, {TREE}; seconds",
        "experts                 ", "fastest", "median", "of", "whole fit", "experts met",
    )  # fmt: skip
    fastest = dict.fromkeys(sizes, np.inf)
    for _ in range(1 if quick else 2):
        for name, (n_experts, top_k) in sizes.items():
            found = routed.fit_for_rounds(
                data.X, data.y, routed.trees(), n_experts, top_k
            )
            fastest[name] = min(fastest[name], found.round_seconds)
            median = float(np.median(found.rounds)) if len(found.rounds) else np.nan
            report.row(
                name, found.round_seconds, median, len(found.rounds), found.seconds,
                int(np.sum(found.model.expert_load_ > 0)),
            )  # fmt: skip
    dense, sparse = fastest.values()
    ratio = sparse / dense if np.isfinite(sparse / dense) else "too few iterations"
    report.verdict(
        f"an iteration with two of {many} trees, over one with two of two", ratio,
        at_most=4,
    )  # fmt: skip


def memory(report, quick):
    """Peak of whole fits, each in a process of its own."""
    data = routed.problem(3_000 if quick else 100_000)
    report.table(
        f"whole fits to {len(data.X)} rows, top_k={TOP_K}; megabytes (1e6 bytes)",
        "expert           ", "K", "peak", "above start", "seconds", "iterations",
        "NLL", "largest load / even",
    )  # fmt: skip
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", data.X)
        np.save(Path(folder) / "y.npy", data.y)
        for expert, n_experts in [(TREE, 8), (LINE, 8)] if quick else FITS:
            command = [
                sys.executable, __file__, "--child", expert, str(n_experts), folder
            ]  # fmt: skip
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(run.stdout.splitlines()[-1])
            report.row(expert, n_experts, *found)
            peaks[expert, n_experts] = found[0]
    for (expert, n_experts), megabytes in peaks.items():
        report.verdict(
            f"{expert}, K={n_experts}: peak of the process, in GB", megabytes / 1e3,
            at_most=1.0,
        )  # fmt: skip


def measure(expert, n_experts, folder):
    """In the child: fit, and print what it took as JSON."""
    X, y = np.load(Path(folder) / "X.npy"), np.load(Path(folder) / "y.npy")
    before = resident()
    found = routed.fit(X, y, EXPERTS[expert](), int(n_experts), TOP_K, max_iter=12)
    most, model = peak(), found.model
    load = model.expert_load_
    print(
        json.dumps(
            [
                most / MEGABYTE, (most - before) / MEGABYTE, found.seconds, model.n_iter_,
                -float(model.score_samples(X, y).mean()), len(load) * float(load.max()),
            ]
        )
    )  # fmt: skip


def main():
    """Three tables, each with its verdicts."""
    if "--child" in sys.argv:
        measure(*sys.argv[-3:])
        return
    report = harness.Report(__doc__)
    quick = harness.is_quick()
    for part in (predictions, rounds, memory):
        part(report, quick)


if __name__ == "__main__":
    main()
