"""How does the cost grow with the number of experts, when each row meets two of them?

Trees of depth 6. Predictions of a fitted model, and of the same model asked as if
``top_k`` were the number of its experts. An iteration of a fit (the fastest of the last
few), and one of a fit that asks all experts about all rows, up to a size that takes
minutes. With two experts both are the same. The rows go to a CSV file for the plot.

    python benchmarks/run.py routing_cost
    python benchmarks/routing_cost.py --quick
"""

import csv

import harness
import numpy as np
from harness import routed
from harness.timing import interleaved

TOP_K = 2
N = 50_000
SIZES = (2, 4, 8, 16, 32, 64, 128)
# A fit of more experts than this is not made with all of them asked.
MOST_DENSE = 16
FIELDS = ("what", "asked", "K", "seconds")


def predictions(model, X, n_repeats):
    """Seconds by who is asked: two experts, or all."""
    n_experts = model.n_experts_
    models = {
        "all": routed.asking(model, n_experts),
        "two": routed.asking(model, min(TOP_K, n_experts)),
    }
    calls = {name: lambda m=found: m.predict(X) for name, found in models.items()}
    return interleaved(calls, n_repeats, min)


def measured(data, X, n_experts, quick):
    """Seconds by what is done and who is asked; NaN where it is not done."""
    fits = {"two": TOP_K, "all": None}
    if n_experts > MOST_DENSE:
        del fits["all"]
    found = {
        name: routed.fit_for_rounds(data.X, data.y, routed.trees(), n_experts, top_k)
        for name, top_k in fits.items()
    }
    seconds = {("fit", name): fit.round_seconds for name, fit in found.items()}
    answers = predictions(found["two"].model, X, 2 if quick else 5)
    return seconds | {("predict", name): value for name, value in answers.items()}


def main():
    """A table, how steep each line is, and the CSV file."""
    report = harness.Report(__doc__)
    quick = harness.is_quick()
    n, sizes = (3_000, SIZES[:4]) if quick else (N, SIZES)
    data = routed.problem(n)
    X = np.random.default_rng(1).standard_normal((n, routed.D))
    columns = [(what, asked) for what in ("predict", "fit") for asked in ("two", "all")]
    report.table(
        f"{n} rows, d={routed.D}; seconds of a prediction, and of an iteration", "K",
        *(f"{what}, {asked}" for what, asked in columns),
    )  # fmt: skip
    lines = {column: {} for column in columns}
    for n_experts in sizes:
        seconds = measured(data, X, n_experts, quick)
        report.row(n_experts, *(seconds.get(column, np.nan) for column in columns))
        for column, value in seconds.items():
            lines[column][n_experts] = value
    report.note("")
    for (what, asked), line in lines.items():
        few, many = sizes[1], max(line)
        report.note(
            f"{what}, {asked} asked: with {many} experts {line[many] / line[few]:.3g} "
            f"times as long as with {few}"
        )
    file = harness.results_file("routing_cost.csv")
    if file is not None:
        with file.open("w", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(FIELDS)
            for column, line in lines.items():
                writer.writerows((*column, *point) for point in line.items())


if __name__ == "__main__":
    main()
