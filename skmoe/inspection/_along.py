"""Values of a model along one feature or two: others typical, or averaged over rows."""

from itertools import product
from numbers import Integral

import numpy as np

# Rows that an average is taken of, evenly from all.
_MAX_ROWS = 200
# Rows that a model is asked about at a time.
_CHUNK = 50_000


class Along:
    """A grid over some features of a table, of which a model can be asked.

    Parameters
    ----------
    columns : Columns
    features : list of int
        Numbers of the features.
    kind : {"typical", "average"}
        Whether the other features have their typical values (median, most frequent), or
        answers are averaged over rows of the table (partial dependence).
    resolution : int
        Values of a feature that is a number.

    Attributes
    ----------
    grids : list of ndarray
        The values of each feature.
    shape : tuple of int
        Their lengths.
    """

    def __init__(self, columns, features, kind, resolution):
        if kind not in ("typical", "average"):
            raise ValueError(f"kind is {kind!r}; use 'typical' or 'average'.")
        if not isinstance(resolution, Integral) or resolution < 2:
            raise ValueError(f"grid_resolution is {resolution!r}; use 2 or more.")
        self.columns = columns
        self.features = features
        self.kind = kind
        self.grids = [columns.grid(j, resolution) for j in features]
        for j, grid in zip(features, self.grids, strict=True):
            if grid[0] == grid[-1] and grid.dtype != object:
                raise ValueError(
                    f"feature: column {columns.names[j]!r} of X has one value only, and "
                    "there is nothing to see along it; take another."
                )
        self.shape = tuple(map(len, self.grids))
        points = list(product(*self.grids))
        self._points = [_as_column(values) for values in zip(*points, strict=True)]

    def ask(self, answer):
        """The answers on the grid.

        Parameters
        ----------
        answer : callable
            From rows, of the kind of the table, to an array of shape (n_rows, ...).

        Returns
        -------
        values : ndarray of shape (*self.shape, ...)
        """
        values = np.concatenate(
            [_mean_of_rows(answer(X), n_points) for X, n_points in self.tables()]
        )
        return values.reshape(self.shape + values.shape[1:])

    def tables(self):
        """What to ask about: a typical row for each point of the grid, or several rows.

        Yields
        ------
        X : of the kind of the table
            Rows of one point after the other, as many of each.
        n_points : int
        """
        if self.kind == "typical":
            changes = dict(zip(self.features, self._points, strict=True))
            yield self.columns.typical_rows(changes), len(self._points[0])
            return
        n_samples = self.columns.shape[0]
        rows = np.unique(
            np.linspace(0, n_samples - 1, min(n_samples, _MAX_ROWS)).astype(int)
        )
        size = max(1, _CHUNK // len(rows))
        for first in range(0, len(self._points[0]), size):
            points = [values[first : first + size] for values in self._points]
            changes = {
                j: np.repeat(values, len(rows))
                for j, values in zip(self.features, points, strict=True)
            }
            n_points = len(points[0])
            yield self.columns.changed_rows(np.tile(rows, n_points), changes), n_points


def _mean_of_rows(values, n_points):
    """Means over the rows of each point."""
    values = np.asarray(values)
    return values.reshape(n_points, -1, *values.shape[1:]).mean(axis=1)


def _as_column(values):
    """Values of one feature; those that are no numbers as objects, whatever they are."""
    if all(isinstance(value, (float, np.floating)) for value in values):
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
