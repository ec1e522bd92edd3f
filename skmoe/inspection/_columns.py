"""Columns of a table, numbers or categories, and made-up rows of the same kind."""

from difflib import get_close_matches
from importlib import import_module
from numbers import Integral

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skmoe._validation import is_missing


class Columns:
    """The columns of a table: what is in them, and rows that differ in a few of them.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
    names : list of str of length n_features
    """

    def __init__(self, X, names):
        self.X = X if issparse(X) or hasattr(X, "columns") else np.asarray(X)
        self.names = names
        self.shape = self.X.shape

    def number_of(self, feature):
        """Number of a column, from its name or its number.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if isinstance(feature, Integral) and not isinstance(feature, bool):
            if -len(self.names) <= feature < len(self.names):
                return int(feature) % len(self.names)
        elif feature in self.names:
            return self.names.index(feature)
        shown = ", ".join(map(repr, self.names[:10]))
        more = f" and {len(self.names) - 10} more" if len(self.names) > 10 else ""
        raise ValueError(
            f"feature: {feature!r} is no column of X; it has {shown}{more}, with numbers "
            f"from 0 to {len(self.names) - 1}.{self._hint(feature)}"
        )

    def _hint(self, feature):
        """What may have been meant by a name that is none."""
        if not isinstance(feature, str):
            return ""
        # A column that a pipeline makes is named after the one that it is made of.
        sources = [name for name in self.names if f"_{name}_" in f"_{feature}_"]
        if sources:
            source = max(sources, key=len)
            return f" Columns that a pipeline makes are not of X: use {source!r}."
        close = get_close_matches(feature, self.names, n=1)
        return f" Did you mean {close[0]!r}?" if close else ""

    def values(self, j):
        """Column ``j``: an ndarray of numbers, or of objects where it has categories."""
        if issparse(self.X):
            return self.X[:, [j]].toarray()[:, 0]
        if hasattr(self.X, "columns"):
            column = self.X[self.X.columns[j]]
            return _numbers_or_objects(column)
        return _numbers_or_objects(self.X[:, j])

    def is_categorical(self, j):
        """Whether column ``j`` has categories: strings, objects or truth values."""
        return self.values(j).dtype == object

    def categories(self, j):
        """What is in column ``j``, in order, without what is missing."""
        values = self.values(j)
        present = {value for value in values if not is_missing(value)}
        try:
            return sorted(present)
        except TypeError:  # of several types
            return sorted(present, key=str)

    def grid(self, j, resolution):
        """Values along column ``j``: evenly from least to largest, or its categories."""
        if self.is_categorical(j):
            return np.array(self.categories(j), dtype=object)
        values = self.values(j)
        values = values[np.isfinite(values)]
        if len(values) == 0:
            raise ValueError(
                f"feature: column {self.names[j]!r} of X has no number in it."
            )
        return np.linspace(values.min(), values.max(), resolution)

    def typical(self, j):
        """Median of a column of numbers, most frequent value of one of categories."""
        values = self.values(j)
        if values.dtype != object:
            finite = values[np.isfinite(values)]
            return np.median(finite) if len(finite) else np.nan
        counts = dict.fromkeys(self.categories(j), 0)
        for value in values:
            if not is_missing(value):
                counts[value] += 1
        return max(counts, key=counts.get, default=None)

    def typical_rows(self, changes):
        """Rows whose columns are typical, but for those that are given.

        Parameters
        ----------
        changes : dict of int to array of shape (n_rows,)
            Values of columns, by their number.

        Returns
        -------
        X : of the kind of the table
        """
        n_rows = len(next(iter(changes.values())))
        columns = [
            changes[j] if j in changes else [self.typical(j)] * n_rows
            for j in range(len(self.names))
        ]
        return self._table(columns)

    def changed_rows(self, rows, changes):
        """Rows of the table, with some columns changed.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,)
        changes : dict of int to array of shape (n_rows,)
        """
        columns = [
            changes[j] if j in changes else self.values(j)[rows]
            for j in range(len(self.names))
        ]
        return self._table(columns)

    def _table(self, columns):
        if hasattr(self.X, "columns"):
            return _frame_like(self.X, columns)
        if issparse(self.X):
            return csr_matrix(np.column_stack(columns).astype(float))
        if self.X.dtype.kind in "biuf":
            return np.column_stack([np.asarray(c, dtype=float) for c in columns])
        return np.column_stack([np.asarray(c, dtype=object) for c in columns])


def _numbers_or_objects(column):
    """A column as numbers where it has a type of numbers, else as objects."""
    name = str(column.dtype).lower()
    if name.startswith(("int", "uint", "float", "decimal")):
        # Types of dataframes with missing values become numbers with NaN.
        if hasattr(column, "to_numpy") and not name.startswith("decimal"):
            is_pandas = hasattr(column, "iloc")
            options = {"dtype": float, "na_value": np.nan} if is_pandas else {}
            return np.asarray(column.to_numpy(**options), dtype=float)
        return np.asarray(column, dtype=float)
    values = np.empty(len(column), dtype=object)
    values[:] = list(column)
    return _as_numbers_if_all_are(values) if name == "object" else values


def _as_numbers_if_all_are(values):
    """Objects that are all numbers, as tables of mixed columns have them, as numbers."""
    is_number = (isinstance(v, (int, float, np.number)) for v in values)
    is_truth = any(isinstance(v, (bool, np.bool_)) for v in values)
    return values.astype(float) if all(is_number) and not is_truth else values


def category_codes(values):
    """Categories of a column, the most frequent first, and the place of each row's.

    Parameters
    ----------
    values : ndarray of object of shape (n_samples,)

    Returns
    -------
    categories : list
        None stands for what is missing.
    codes : ndarray of int of shape (n_samples,)
    """
    found = {}
    keys = [None if is_missing(value) else value for value in values]
    codes = np.array([found.setdefault(key, len(found)) for key in keys], dtype=int)
    order = np.argsort(-np.bincount(codes, minlength=len(found)), kind="stable")
    categories = list(found)
    return [categories[place] for place in order], np.argsort(order)[codes]


def _frame_like(frame, columns):
    """A dataframe of the kind of another, with the same names and categories."""
    data = dict(zip(frame.columns, columns, strict=True))
    package = import_module(type(frame).__module__.partition(".")[0])
    if not hasattr(frame, "iloc"):  # polars: a type of its own for each column
        kinds = {n: t for n, t in frame.schema.items() if not t.is_numeric()}
        return package.DataFrame(data, schema_overrides=kinds)
    table = package.DataFrame(data)
    numeric = set(frame.select_dtypes("number").columns)
    kinds = {n: frame[n].dtype for n in frame.columns if n not in numeric}
    return table.astype(kinds)
