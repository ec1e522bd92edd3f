"""What a benchmark prints: where it ran, tables, and a verdict on each bound."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

_DISTRIBUTIONS = ["scikit-learn", "numpy", "scipy", "torch", "cgmm", "lightgbm"]

_RESULTS = Path(__file__).parent.parent / "results"


def is_quick():
    """Whether a small run was asked for, which shows that a script works."""
    return "--quick" in sys.argv[1:]


def results_file(name):
    """Where a script keeps what a plot needs; None for a quick run."""
    return None if is_quick() else _RESULTS / name


class Report:
    """Prints a benchmark's results as it goes on.

    Parameters
    ----------
    text : str
        The script's docstring; its first paragraph is the question.
    """

    def __init__(self, text):
        self.widths = []
        print(text.strip().split("\n\n")[0])
        print(f"\n{_machine()}; one thread; {_load()}")
        print(_versions())
        print(f"python benchmarks/{' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}")
        if is_quick():
            print("A quick run on little data: the bounds are not for this size.")

    def table(self, title, *columns):
        """Begin a table, whose columns are as wide as their headings are written."""
        self.widths = [max(9, len(column)) for column in columns]
        print(f"\n{title}")
        self.row(*map(_heading, columns, self.widths))

    def row(self, *cells):
        """One line of the table; words to the left, numbers with four digits."""
        widths = [*self.widths, *[0] * (len(cells) - len(self.widths))]
        parts = map(_written, cells, widths)
        print("  ".join(parts).rstrip(), flush=True)

    def note(self, text):
        """A remark below a table."""
        print(text, flush=True)

    def verdict(self, statement, measured, *, at_most=None, at_least=None):
        """PASS or FAIL against a bound; OPEN where ``measured`` is a reason, a string."""
        bound = f"at most {at_most:g}" if at_least is None else f"at least {at_least:g}"
        if isinstance(measured, str):
            word, value = "OPEN", measured
        else:
            holds = measured <= at_most if at_least is None else measured >= at_least
            word, value = ("PASS" if holds else "FAIL"), f"{measured:.3g}"
        print(f"{word}  {statement}: {value} ({bound})", flush=True)


def _heading(column, width):
    """Words have blanks behind them in their heading; numbers stand to the right."""
    return column if column.endswith(" ") else f"{column:>{width}}"


def _written(cell, width):
    if isinstance(cell, str):
        return f"{cell:<{width}}"
    if isinstance(cell, int):
        return f"{cell:>{width}d}"
    return f"{'-' if cell != cell else format(cell, '.4g'):>{width}}"


def _machine():
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if "model name" in line]
        name = names[0] if names else name
    return f"{platform.system()} {platform.machine()}, {name}"


def _load():
    """How busy the machine is with other things: above 0.3 or so, times are doubtful."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    return f"load before {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _versions():
    found = [f"Python {platform.python_version()}"]
    for name in _DISTRIBUTIONS:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} absent")
    return ", ".join(found)
