"""Means over splits or folds of rows that tasks have left."""

import numpy as np


def select(rows, **values):
    """The rows that have all these values."""
    return [row for row in rows if all(row[name] == v for name, v in values.items())]


def column(rows, name):
    """A column's numbers, without those that are not there."""
    values = [row[name] for row in rows if isinstance(row[name], float)]
    return np.array([value for value in values if np.isfinite(value)])


def mean(rows, name):
    """Mean of a column; NaN where nothing is."""
    values = column(rows, name)
    return float(values.mean()) if len(values) else float("nan")


def standard_error(rows, name):
    """Standard error of that mean; NaN for fewer than two rows."""
    values = column(rows, name)
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def counts(values):
    """How often each value occurs, the most frequent first, as words."""
    names, numbers = np.unique(np.asarray(values, dtype=str), return_counts=True)
    order = np.argsort(-numbers, kind="stable")
    return ", ".join(f"{names[place]} {numbers[place]}x" for place in order)
