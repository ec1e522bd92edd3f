"""Columns of a table as ranks and indicators, of which a tree can be grown."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix, issparse

from skmoe.inspection._columns import category_codes

# Categories of a column that a rule can name; of more, the most frequent.
_MAX_CATEGORIES = 30
# Share of the rows that may change sides for the sake of a shorter number.
_ROUNDING = 0.005


@dataclass
class Span:
    """Ranks that a path of a tree leaves open: above ``low``, up to ``high``."""

    low: float = -np.inf
    high: float = np.inf
    missing: bool = True

    def holds(self, ranks):
        """Whether ranks are in the span; NaN for what is missing."""
        inside = (self.low < ranks) & (ranks <= self.high)
        return inside | (np.isnan(ranks) & self.missing)

    def below(self, threshold, missing):
        """What goes to the left of a split."""
        high = min(self.high, np.floor(threshold))
        return Span(self.low, high, self.missing and missing)

    def above(self, threshold, missing):
        """What goes to the right of a split."""
        low = max(self.low, np.floor(threshold))
        return Span(low, self.high, self.missing and missing)


class RankColumn:
    """A column of numbers by their ranks, so that no split depends on rounding.

    Parameters
    ----------
    name : str
    values : ndarray of shape (n_values,)
        NaN where a value is missing.
    rest : float or None
        What the rows have that ``values`` leaves out, as those of a sparse column do.
    n_rest : int
        How many these are.
    """

    def __init__(self, name, values, rest=None, n_rest=0):
        self.name = name
        known = values[~np.isnan(values)]
        self.has_missing = len(known) < len(values)
        if n_rest:
            known = np.append(known, rest)
        self.distinct, counts = np.unique(known, return_counts=True)
        self.origin = 0 if rest is None else int(np.searchsorted(self.distinct, rest))
        if n_rest:
            counts[self.origin] += n_rest - 1
        self._n_below = np.cumsum(counts)

    def ranks(self, values):
        """Ranks of values, counted from that of ``rest``; NaN where they are missing."""
        ranks = (np.searchsorted(self.distinct, values) - self.origin).astype(np.float32)
        ranks[np.isnan(values)] = np.nan
        return ranks

    def rounded(self, span):
        """A span with bounds of fewer digits, which few rows lie between."""
        first, last = self._places(span)
        if first >= last:
            return span
        low = span.low if first == 0 else self._rounded(first - 1)
        high = span.high if last == len(self.distinct) - 1 else self._rounded(last)
        return Span(low, high, span.missing) if low < high else span

    def _rounded(self, place):
        n_moved = _ROUNDING * self._n_below[-1]
        around = self._n_below[place] + np.array([-n_moved, n_moved])
        least = np.searchsorted(self._n_below, around[0])
        most = np.searchsorted(self._n_below, around[1], side="right")
        most = min(most, len(self.distinct) - 1)
        middle = self.distinct[place : place + 2].sum() / 2
        text = _shortest(self.distinct[least], self.distinct[most], middle)
        return np.searchsorted(self.distinct, float(text), "right") - 1 - self.origin

    def words(self, span):
        """What a span of ranks says of the column."""
        first, last = self._places(span)
        if first > last:
            return f"{self.name} is missing"
        words = self._interval(first, last)
        if self.has_missing and span.missing:
            return f"({words} or missing)"
        return words

    def _places(self, span):
        """The first and the last of the values in a span."""
        n = len(self.distinct)
        first = int(np.clip(span.low + self.origin + 1, 0, n))
        last = int(np.clip(span.high + self.origin, -1, n - 1))
        return first, last

    def _interval(self, first, last):
        if first == last:
            return f"{self.name} = {_plain(repr(float(self.distinct[first])))}"
        above = "" if first == 0 else self._bound(first - 1)
        below = "" if last == len(self.distinct) - 1 else self._bound(last)
        if above and below:
            return f"{above} < {self.name} <= {below}"
        if above or below:
            return f"{self.name} > {above}" if above else f"{self.name} <= {below}"
        return f"{self.name} is known"

    def _bound(self, place):
        """The shortest number that parts a value from the next."""
        low, high = self.distinct[place : place + 2]
        return _plain(_shortest(low, high, (low + high) / 2))


class CategoryColumn:
    """Whether a column has one of its categories, as rank 0 or 1.

    Parameters
    ----------
    name : str
    category : object or None
        None for what is missing.
    others : list
        The other categories.
    """

    def __init__(self, name, category, others):
        self.name = name
        self.category = category
        self.others = others

    def rounded(self, span):
        """The span: there is nothing to round."""
        return span

    def words(self, span):
        """What a span of 0 and 1 says of the column."""
        if span.low >= 0:
            return self._is(self.category)
        if len(self.others) == 1:
            return self._is(self.others[0])
        if self.category is None:
            return f"{self.name} is known"
        return f"{self.name} != {self.category}"

    def _is(self, category):
        return f"{self.name} {'is missing' if category is None else f'= {category}'}"


def _shortest(low, high, middle):
    """A number from ``low`` up to, but not, ``high`` with as few digits as can be."""
    for digits in range(1, 17):
        for value in (middle, low):
            text = f"{value:.{digits}g}"
            if low <= float(text) < high:
                return text
    return repr(float(low))


def _plain(text):
    """A number without an exponent, unless it is tiny or huge."""
    value = float(text)
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        return np.format_float_positional(value, trim="-")
    return text


def ranked(columns):
    """All columns as ranks, or as an indicator for each category.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    table : ndarray or csc_matrix of shape (n_samples, n_ranked), of float32
    heads : list of RankColumn and CategoryColumn
    """
    if issparse(columns.X) and not np.isnan(columns.X.data).any():
        return _ranked_sparse(columns)
    parts, heads = [], []
    for j, name in enumerate(columns.names):
        values = columns.values(j)
        if values.dtype != object:
            head = RankColumn(name, values)
            heads.append(head)
            parts.append(head.ranks(values))
            continue
        categories, codes = category_codes(values)
        for place, category in enumerate(categories[:_MAX_CATEGORIES]):
            others = categories[:place] + categories[place + 1 :]
            heads.append(CategoryColumn(name, category, others))
            parts.append((codes == place).astype(np.float32))
    return np.column_stack(parts), heads


def _ranked_sparse(columns):
    X = columns.X.tocsc(copy=True)
    X.sum_duplicates()
    table = csc_matrix((np.empty(X.nnz, np.float32), X.indices, X.indptr), shape=X.shape)
    heads = []
    for j, name in enumerate(columns.names):
        part = slice(X.indptr[j], X.indptr[j + 1])
        values = X.data[part].astype(float)
        n_rest = X.shape[0] - len(values)
        heads.append(RankColumn(name, values, 0.0, n_rest))
        table.data[part] = heads[-1].ranks(values)
    return table, heads
