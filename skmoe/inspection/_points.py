"""Rows as points of a picture."""

import numpy as np

# Half the width over which rows of a category are strewn.
_STREWN = 0.3


def places_of(columns, j):
    """Where the rows are along a feature.

    Parameters
    ----------
    columns : Columns
    j : int
        Number of the feature.

    Returns
    -------
    places : ndarray of shape (n_samples,)
        The feature's values; the numbers of its categories. NaN where it is missing.
    """
    if not columns.is_categorical(j):
        return columns.values(j)
    numbers = {category: i for i, category in enumerate(columns.categories(j))}
    return np.array([numbers.get(value, np.nan) for value in columns.values(j)])


def strewn(places, seed=0):
    """Numbers of categories, moved aside a little so that points do not hide points."""
    moves = np.random.RandomState(seed).uniform(-_STREWN, _STREWN, len(places))
    return places + moves


def scatter_points(ax, x, y, colors, **options):
    """Draw rows as points, the smaller the more there are.

    Parameters
    ----------
    ax : matplotlib Axes
    x, y : ndarray of shape (n_samples,)
    colors : colour, or ndarray of shape (n_samples, 3)
    **options : dict
        For ``Axes.scatter``.

    Returns
    -------
    points : matplotlib PathCollection
    """
    size = np.clip(4000 / max(len(x), 1), 2.0, 16.0)
    defaults = {"s": size, "alpha": 0.6, "linewidths": 0, "zorder": 1.5}
    return ax.scatter(x, y, c=colors, **{**defaults, **options})
