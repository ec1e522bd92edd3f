"""How long does a prediction take, of one row and of many?

``predict`` of a fitted model with eight experts and 20 columns, next to Ridge and to what
else a user might have fitted. Medians; the models run by turns.

    python benchmarks/run.py latency
"""

import harness
from harness import models

D, K = 20, 8


def main():
    """One table for a single row, one for many."""
    report = harness.Report(__doc__)
    quick = harness.is_quick()
    problem = harness.data.regression(10_000 if quick else 100_000, D, K, 0)
    X, y = problem.X, problem.y
    fitted = {name: model.fit(X, y) for name, model in models.choices(K, report).items()}

    single = harness.timing.interleaved(
        {name: lambda m=model: m.predict(X[:1]) for name, model in fitted.items()},
        51 if quick else 1001,
    )
    report.table("predict(X[:1]), microseconds", "model               ", "us", "x Ridge")
    for name, seconds in single.items():
        report.row(name, 1e6 * seconds, seconds / single["Ridge"])
    report.verdict(
        "single row over Ridge's", single["skmoe"] / single["Ridge"], at_most=2
    )

    many = harness.timing.interleaved(
        {name: lambda m=model: m.predict(X) for name, model in fitted.items()},
        3 if quick else 11,
    )
    report.table(
        f"predict of {len(X)} rows", "model               ", "ms", "rows/us", "x Ridge"
    )
    for name, seconds in many.items():
        report.row(name, 1e3 * seconds, len(X) / seconds / 1e6, seconds / many["Ridge"])


if __name__ == "__main__":
    main()
