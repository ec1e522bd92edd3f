"""Folds for training in which no row is judged by what was fitted to it."""

from inspect import signature
from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv

# As good as five in every measurement, at three fifths of the cost.
_N_FOLDS = 3


def make_folds(cv, are_linear, data, summary, present, strata, random_state, params):
    """Pairs of row numbers (train, test) for the ``cv`` parameter; None without.

    Parameters
    ----------
    cv : "auto", None, int, splitter or iterable of (train, test)
    are_linear : bool
        Whether all experts are linear models, for which "auto" takes no folds.
    data : TrainingData
    summary : RowSummary
    present : ndarray of int
        Numbers of the rows with weight, in the user's table; ``data`` has only these.
    strata : ndarray of shape (n_samples,) or None
        Classes, which folds of our own are balanced by.
    random_state : RandomState
        Draws folds of our own, by the content of the rows alone.
    params : dict
        What goes to the splitter's ``split``, such as ``groups``; of all rows.
    """
    automatic = isinstance(cv, str)
    if cv is None or (automatic and are_linear):
        return None
    if automatic or isinstance(cv, Integral):
        n_folds = _N_FOLDS if automatic else cv
        n_distinct = summary.n_distinct()
        if n_distinct < n_folds:
            if automatic:
                return None
            raise ValueError(
                f"cv={cv}: there are only {n_distinct} distinct rows with weight; use "
                "fewer folds, or cv=None."
            )
        return _pairs(summary.folds(n_folds, random_state, strata), n_folds)
    if hasattr(cv, "split"):
        params = {name: np.asarray(value)[present] for name, value in params.items()}
        folds = list(cv.split(data.X, data.target, **params))
    else:
        folds = _renumbered(check_cv(cv).split(), present)
    return _checked(folds, present)


def takes_groups(cv):
    """Whether ``cv`` is a splitter that asks for groups, or seems to."""
    if isinstance(cv, str) or not hasattr(cv, "split"):
        return False
    if hasattr(cv, "get_metadata_routing"):
        return bool(cv.get_metadata_routing().consumes("split", ["groups"]))
    return "groups" in signature(cv.split).parameters


def _checked(folds, present):
    """The splits that test a row with weight, if no row is judged by its own fit."""
    folds = [(train, test) for train, test in folds if len(test)]
    if not folds:
        raise ValueError(
            "cv: there is no split; an iterator is used up by the first fit, so pass "
            "the list of its splits."
        )
    for number, (train, test) in enumerate(folds):
        if not len(train) or np.isin(test, train).any():
            raise ValueError(
                f"cv: split {number} trains on "
                f"{'rows of its own test' if len(train) else 'no row with weight'}; use "
                "a splitter that trains on the rows it does not test."
            )
    tested = np.bincount(
        np.concatenate([test for _, test in folds]), minlength=len(present)
    )
    if not (tested == 1).all():
        raise ValueError(
            "cv: each row has to be in the test part of one split; row "
            f"{present[np.flatnonzero(tested != 1)[0]]} is in "
            f"{tested[tested != 1][0]}. Use a splitter whose tests are a partition."
        )
    return folds


def _pairs(folds, n_folds):
    return [
        (np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(n_folds)
    ]


def _renumbered(splits, present):
    """Splits of the user's table as splits of its rows with weight."""
    place = np.full(present.max() + 1, -1)
    place[present] = np.arange(present.size)

    def kept(rows):
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        rows = place[rows[rows < place.size]]
        return rows[rows >= 0]

    return [(kept(train), kept(test)) for train, test in splits]
