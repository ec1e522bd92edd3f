"""Rows that belong together, and the table that has one row for each group of them."""

from importlib import import_module

import numpy as np
from scipy.sparse import csr_array, issparse

from skmoe._sklearn_compat import num_samples, safe_indexing


class Groups:
    """Which group each row belongs to.

    Parameters
    ----------
    codes : ndarray of int, of shape (n_samples,)
        Numbers of the groups, which begin with zero and leave none out.
    names : ndarray of shape (n_samples,), optional
        What the user calls the group of each row, for errors.

    Attributes
    ----------
    first : ndarray of int, of shape (n_groups,)
        A row of each group, the first one.
    sizes : ndarray of int, of shape (n_groups,)
        Rows of each group.
    """

    def __init__(self, codes, names=None):
        self.codes = codes
        self.names = codes if names is None else names
        _, self.first, self.sizes = np.unique(
            codes, return_index=True, return_counts=True
        )
        rows = np.arange(len(codes))
        entries = np.ones(len(codes)), (codes, rows)
        self._members = csr_array(entries, shape=(len(self), len(codes)))

    @classmethod
    def of(cls, values, X):
        """The groups that a user names, one value for each row of X.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Numbers or strings; groups are numbered as they come.
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        groups : Groups

        Raises
        ------
        ValueError
            Where there is not one value for each row.
        """
        names = np.asarray(values)
        if names.ndim != 1:
            raise ValueError(
                f"groups has {names.ndim} dimensions; pass one value for each row."
            )
        if len(names) != num_samples(X):
            raise ValueError(
                f"groups has {len(names)} values, X has {num_samples(X)} rows; pass one "
                "value for each row."
            )
        numbers: dict = {}
        codes = np.array(
            [numbers.setdefault(name, len(numbers)) for name in names.tolist()],
            dtype=np.intp,
        )
        missing = [code for name, code in numbers.items() if _is_missing(name)]
        if missing:
            row = int(np.flatnonzero(codes == missing[0])[0])
            raise ValueError(
                f"groups: the value of row {row} is missing; leave the row out, or give "
                "it a group of its own."
            )
        return cls(codes, names)

    def __len__(self):
        return len(self.first)

    def subset(self, rows):
        """The groups of some rows; those that have none of them are gone."""
        _, codes = np.unique(self.codes[rows], return_inverse=True)
        return Groups(codes.ravel(), self.names[rows])

    def sums(self, values):
        """Of values (n_samples, ...) over the rows of each group: (n_groups, ...)."""
        flat = self._members @ values.reshape(len(values), -1)
        return flat.reshape(len(self), *values.shape[1:])

    def shared_out(self, values):
        """Of values of the groups, an equal part for each row."""
        return (values / self.sizes)[self.codes]

    def split_by(self, test):
        """The name of a group that has rows in ``test`` and others; None without."""
        inside = np.bincount(self.codes[test], minlength=len(self))
        split = np.flatnonzero((inside > 0) & (inside < self.sizes))
        return self.name_of(self.first[split[0]]) if len(split) else None

    def name_of(self, row):
        """What the user calls the group of a row."""
        return _plain(self.names[row])

    def table(self, X, weights):
        """What a gate sees of the groups.

        Of numbers, the weighted mean over the rows of a group, as far as they are known;
        anything else has to be the same in all rows of a group.

        Parameters
        ----------
        X : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features)
        weights : ndarray of shape (n_samples,)

        Returns
        -------
        table : {ndarray, sparse matrix, dataframe} of shape (n_groups, n_features)

        Raises
        ------
        ValueError
            Where a column without numbers varies within a group.
        """
        if issparse(X):
            shares = self._members.multiply(weights / self.sums(weights)[self.codes])
            return type(X)(shares.tocsr() @ X)
        if hasattr(X, "columns"):
            return self._table_of_frame(X, weights)
        X = np.asarray(X)
        if X.dtype.kind in "biuf":
            return self._means(X, weights)
        columns = [
            self._column(f"column {j}", column, _has_numbers(column), weights)
            for j, column in enumerate(X.T)
        ]
        return np.array(columns, dtype=object).T

    def _table_of_frame(self, X, weights):
        columns = {
            name: self._column(repr(name), X[name], _is_numeric(X[name]), weights)
            for name in X.columns
        }
        changed = {name: column for name, column in columns.items() if column is not None}
        return _with_columns(safe_indexing(X, self.first), changed)

    def _column(self, name, column, is_numeric, weights):
        """One column of the table; None of a frame's where first rows say it all."""
        if is_numeric:
            return self._means(_as_floats(column)[:, None], weights)[:, 0]
        values = np.asarray(column)
        texts = values.astype(str)  # where a missing value equals another one
        first = texts[self.first]
        varies = texts != first[self.codes]
        if varies.any():
            row = int(varies.argmax())
            raise ValueError(
                f"groups: {name} of X is not of numbers, whose mean the gate could see, "
                f"and varies within the group {self.name_of(row)!r} (row {row}: "
                f"{_plain(texts[row])!r} after {_plain(first[self.codes[row]])!r}); give "
                "the gate other columns, or encode this one as numbers."
            )
        return values[self.first] if isinstance(column, np.ndarray) else None

    def _means(self, X, weights):
        """Weighted means of the known numbers; those of a constant are exact."""
        X = X.astype(np.result_type(X.dtype, np.float32), copy=False)
        known = ~np.isnan(X)
        filled = np.where(known, X, 0.0)
        mass = self.sums(known * weights[:, None])
        # Around the first row, as a mean of equal numbers is rounded.
        center = filled[self.first]
        rest = np.where(known, filled - center[self.codes], 0.0) * weights[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = center + self.sums(rest) / mass  # NaN where nothing is known
        return means.astype(X.dtype, copy=False)


def warning_of_single_rows(groups):
    """What to tell a user all of whose groups have one row; None otherwise."""
    if (groups.sizes > 1).any():
        return None
    return (
        "groups: every group has one row, so groups= says nothing but that each row "
        "counts once in the gate; leave it out, or pass what rows have in common."
    )


def _is_missing(name):
    # pandas' NA is not equal to anything, nor not.
    return name is None or type(name).__name__ == "NAType" or name != name


def _plain(name):
    """A value without numpy's own repr."""
    return name.item() if isinstance(name, np.generic) else name


def _is_numeric(column):
    """Whether a dataframe's column holds numbers; categories of numbers are none."""
    kind = getattr(column.dtype, "kind", None)
    if kind is not None:  # pandas
        return kind in "biuf"
    return column.dtype.is_numeric() or str(column.dtype) == "Boolean"


def _has_numbers(column):
    """Whether all of an array's objects are numbers."""
    return all(isinstance(value, int | float | np.number) for value in column.tolist())


def _as_floats(column):
    """A column of numbers, in which missing ones are NaN."""
    if hasattr(column, "convert_dtypes"):  # that of pandas, which has a missing value
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(column).astype(np.float64)


def _with_columns(table, columns):
    """A dataframe of pandas or polars with other columns in their places."""
    if hasattr(table, "with_columns"):
        package = import_module(type(table).__module__.partition(".")[0])
        return table.with_columns(
            [package.Series(name, values) for name, values in columns.items()]
        )
    table = table.copy()
    for name, values in columns.items():
        if not np.array_equal(_as_floats(table[name]), values, equal_nan=True):
            table[name] = values
    return table
