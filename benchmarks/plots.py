"""Draw the documentation's plots from what other scripts left behind.

They go to ``docs/images``, made to be read at 700 pixels' width.

    python benchmarks/run.py plots
"""

import csv
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import uci
from matplotlib.ticker import FuncFormatter, LogLocator

RESULTS = Path(__file__).resolve().parent / "results"
IMAGES = RESULTS.parent.parent / "docs" / "images"

# Okabe and Ito's colours, which all readers can tell apart.
COLOURS = {
    "skmoe": "#D55E00",
    "torch": "#0072B2",
    "GaussianMixture": "#009E73",
    "flexmix": "#CC79A7",
    "cgmm": "#7F7F7F",
}
LABELS = {
    "GaussianMixture": "GaussianMixture\non [X, y]",
    "torch": "torch L-BFGS",
    "flexmix": "flexmix (R)",
}
STYLE = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
# Nats per row below the truth at which a fit has fallen short.
SHORT = 1e-3
# The gap at which a run counts as having arrived, in nats per row.
SMALLEST_GAP = 1e-8


def apart(positions, least):
    """Heights for labels, each at least a factor ``least`` above the one below."""
    order = sorted(positions, key=positions.get)
    heights = {}
    floor = 0.0
    for name in order:
        heights[name] = max(positions[name], floor)
        floor = heights[name] * least
    return heights


def draw_scaling():
    """Fit time against rows for all packages, and against columns and experts."""
    with (RESULTS / "scaling.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    figure, axes = plt.subplots(
        1, 3, figsize=(8.6, 3.9), width_ratios=[2.1, 1, 1], sharey=True
    )
    titles = {"n": "rows", "d": "columns", "K": "experts"}
    for ax, (sweep, title) in zip(axes, titles.items(), strict=True):
        points = _points(rows, sweep)
        for name, line in points.items():
            _draw_line(ax, name, line)
        ax.set(xscale="log", yscale="log", xlabel=title)
        if sweep != "n":
            sizes = sorted({x for x, *_ in points["skmoe"]})
            ax.set_xticks(sizes)
            ax.minorticks_off()
        else:
            _label_ends(ax, points)
    axes[0].set_ylabel("seconds")
    axes[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for ax in axes:
        ax.xaxis.set_major_formatter(FuncFormatter(_count))
    figure.suptitle(
        "Time of a fit on one thread (ring: short of the truth's likelihood)",
        x=0.01, ha="left", fontsize=12,
    )  # fmt: skip
    _save(figure, "scaling")


def _count(value, _):
    """A number of rows, as short as it goes."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _points(rows, sweep):
    """(size, seconds, whether as likely as the truth) of each model along one sweep."""
    points = {}
    for row in rows:
        if row["sweep"] == sweep:
            gap = float(row["truth"]) - float(row["log_likelihood"])
            point = (int(row[sweep]), float(row["seconds"]), gap < SHORT)
            points.setdefault(row["model"], []).append(point)
    return points


def _draw_line(ax, name, line):
    """One model's times; rings where the fit fell short of the truth."""
    ours = name == "skmoe"
    sizes, seconds, good = zip(*line, strict=True)
    ax.plot(sizes, seconds, color=COLOURS[name], lw=2.4 if ours else 1.6, zorder=2 + ours)
    faces = [COLOURS[name] if arrived else "white" for arrived in good]
    ax.scatter(
        sizes, seconds, s=26, facecolors=faces, edgecolors=COLOURS[name], lw=1.4, zorder=4
    )


def _label_ends(ax, points):
    """Each line's name where it ends, so that no legend is needed."""
    low, high = ax.get_ylim()
    ends = {name: line[-1][:2] for name, line in points.items()}
    last = max(x for x, _ in ends.values())
    right = {name: y for name, (x, y) in ends.items() if x == last}
    # Lines that end at the same size share a place; their names must not overlap.
    for name, y in apart(right, (high / low) ** 0.085).items():
        _name(ax, name, (last, y), (7, 0), va="center")
    for name in ends.keys() - right.keys():
        _name(ax, name, ends[name], (0, 7), ha="center", va="bottom")
    left, end = ax.get_xlim()
    ax.set(xlim=(left, end * (end / left) ** 0.24), ylim=(low, high * 1.8))


def _name(ax, name, point, offset, **alignment):
    ax.annotate(
        LABELS.get(name, name), point, offset, textcoords="offset points",
        color=COLOURS[name], linespacing=0.95, fontsize=10,
        fontweight="bold" if name == "skmoe" else "normal", **alignment,
    )  # fmt: skip


def draw_rivals():
    """How far each run still is from the best likelihood, against time."""
    races = json.loads((RESULTS / "rivals.json").read_text())
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.9), sharey=True)
    titles = {
        "small": "10,000 rows, 10 columns, 4 experts",
        "large": "100,000 rows, 20 columns, 8 experts",
    }
    for ax, (race, title) in zip(axes, titles.items(), strict=True):
        for name in ("torch, same start", "skmoe, same start"):
            trace = races[race].get(name, [])
            arrived = [gap <= SMALLEST_GAP for _, gap in trace]
            trace = trace[: arrived.index(True) + 1] if any(arrived) else trace
            seconds = [at for at, _ in trace]
            gaps = [max(gap, SMALLEST_GAP) for _, gap in trace]
            package = name.split(",")[0]
            width = 2.4 if package == "skmoe" else 1.6
            ax.plot(
                seconds, gaps, "o-", color=COLOURS[package], lw=width, ms=3,
                label=LABELS.get(package, package),
            )  # fmt: skip
        ax.axhline(1e-6, color="#555555", lw=1, ls=(0, (4, 3)), zorder=1)
        ax.set(xscale="log", yscale="log", xlabel="seconds")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_title(title)
    axes[0].set_ylabel("nats per row below the best")
    axes[1].legend(loc="upper right")
    _save(figure, "rivals")


def draw_uci():
    """NLL of each UCI set: as published, of the peers measured, and of the recipe."""
    rows = [row for row in _table("uci.csv") if row["nll"]]
    figure, axes = plt.subplots(1, len(uci.SETS), figsize=(9.6, 3.4), sharey=True)
    peers = {"boosting": "HistGradientBoosting", "forest": "RandomForest"}
    labels = [*uci.PUBLISHED["nll"], *peers, "skmoe"]
    for place, (ax, name) in enumerate(zip(axes, uci.SETS, strict=True)):
        values = [nlls[place] for nlls in uci.PUBLISHED["nll"].values()]
        colours = ["#9a9a9a"] * len(values) + [COLOURS["torch"]] * len(peers)
        own = {"model": "recipe"}
        for wanted in [*({"expert": e, "model": "alone"} for e in peers.values()), own]:
            values.append(_mean_nll(rows, set=name, **wanted))
        heights = range(len(labels), 0, -1)
        ax.scatter(values, heights, s=42, c=[*colours, COLOURS["skmoe"]], zorder=3)
        ax.axvline(values[-1], color=COLOURS["skmoe"], lw=1, alpha=0.5)
        ax.set_yticks(heights, labels)
        ax.set_title(name.replace("_", " "))
        ax.margins(x=0.15)
        ax.locator_params(axis="x", nbins=3)
    figure.supxlabel("mean negative log-likelihood of a test row (left is better)")
    _save(figure, "uci")


def draw_any_expert():
    """Change of the NLL of each pair of set and expert, over the folds both have."""
    rows = [row for row in _table("any_expert.csv") if row["nll"]]
    kinds = ["regression", "classification"]
    experts = sorted({row["expert"] for row in rows}, reverse=True)
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6), sharey=True)
    for ax, kind in zip(axes, kinds, strict=True):
        for height, expert in enumerate(experts):
            here = [r for r in rows if r["kind"] == kind and r["expert"] == expert]
            changes = _nll_changes(here)
            ax.scatter(
                changes, [height] * len(changes), s=36, alpha=0.7, lw=0,
                color=COLOURS["skmoe"],
            )  # fmt: skip
        ax.axvline(0.0, color="#555555", lw=1)
        ax.set_yticks(range(len(experts)), experts)
        ax.set_xscale("symlog", linthresh=0.1)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_title(kind)
    figure.supxlabel("NLL of the mixture less that of the expert alone (left is better)")
    _save(figure, "any_expert")


def _nll_changes(rows):
    """For each set, the mean change from the expert alone to the mixture."""
    nll = {(r["set"], r["fold"], r["model"]): float(r["nll"]) for r in rows}
    changes = {}
    for (name, fold, model), value in nll.items():
        if model == "mixture" and (name, fold, "alone") in nll:
            change = value - nll[name, fold, "alone"]
            changes.setdefault(name, []).append(change)
    return [sum(found) / len(found) for found in changes.values()]


def draw_routing_cost():
    """Predictions and iterations against experts, with two of them asked and with all."""
    rows = _table("routing_cost.csv")
    names = {"two": ("two per row", "skmoe"), "all": ("all", "torch")}
    titles = {"predict": "a prediction", "fit": "an iteration of a fit"}
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.9))
    for ax, (what, title) in zip(axes, titles.items(), strict=True):
        for asked, (label, colour) in names.items():
            line = sorted(
                (int(row["K"]), float(row["seconds"]))
                for row in rows
                if (row["what"], row["asked"]) == (what, asked)
            )
            _draw_cost(ax, line, label, COLOURS[colour])
        sizes = sorted({int(row["K"]) for row in rows})
        ax.set(xscale="log", yscale="log", xlabel="experts")
        ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.set_title(title)
        ax.margins(y=0.15)
    axes[0].set_ylabel("seconds")
    figure.suptitle(
        "Trees, 50,000 rows, on one thread: two experts asked about each row, or all",
        x=0.01, ha="left", fontsize=12,
    )  # fmt: skip
    _save(figure, "routing_cost")


def _draw_cost(ax, line, label, colour):
    """One line and its name: at the end of the steep one, below the flat one."""
    ours = colour == COLOURS["skmoe"]
    ax.plot(*zip(*line, strict=True), "o-", color=colour, lw=2.4 if ours else 1.6, ms=5)
    ax.annotate(
        label, line[-1], (0, -26 if ours else 8),
        textcoords="offset points", color=colour, fontsize=10,
        ha="right" if ours else "center",
        va="top" if ours else "bottom", fontweight="bold" if ours else "normal",
    )  # fmt: skip


def _table(name):
    with (RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _mean_nll(rows, **wanted):
    found = [
        float(row["nll"])
        for row in rows
        if all(row[name] == value for name, value in wanted.items())
    ]
    return sum(found) / len(found) if found else float("nan")


def _save(figure, name):
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(IMAGES / f"{name}.png", dpi=160)
    plt.close(figure)


PLOTS = {
    "scaling.csv": draw_scaling,
    "rivals.json": draw_rivals,
    "uci.csv": draw_uci,
    "any_expert.csv": draw_any_expert,
    "routing_cost.csv": draw_routing_cost,
}


def main():
    """Draw what there are results for."""
    with plt.rc_context(STYLE):
        for file, draw in PLOTS.items():
            if (RESULTS / file).exists():
                draw()
            else:
                print(f"results/{file} is not there: no plot")


if __name__ == "__main__":
    main()
