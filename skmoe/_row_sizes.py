"""Sizes of rows: exposures of counts, numbers of trials."""

import numpy as np
from sklearn.utils import check_array

from skmoe._sklearn_compat import num_samples

_TAKERS = {
    "exposure": "likelihood='poisson', 'negative_binomial' or 'gamma'",
    "trials": "likelihood='binomial'",
}


def given_sizes(sizes):
    """The keywords that have a value; unknown ones are refused.

    Parameters
    ----------
    sizes : dict of str to array-like or None
    """
    for name in sizes:
        if name not in _TAKERS:
            raise TypeError(f"got an unexpected keyword argument {name!r}")
    return {name: values for name, values in sizes.items() if values is not None}


def sizes_of_rows(likelihood, sizes, X):
    """One size for each row, or None where the likelihood has none.

    Parameters
    ----------
    likelihood : likelihood
    sizes : dict of str to array-like of shape (n_samples,)
        What :func:`given_sizes` gives; the sizes of all rows are one if it is empty.
    X : array-like of shape (n_samples, n_features)

    Returns
    -------
    sizes : ndarray of shape (n_samples,) or None

    Raises
    ------
    ValueError
        If the likelihood takes no such sizes, or they are not positive numbers, one for
        each row.
    """
    taken = getattr(likelihood, "size_name", None)
    for name in sizes:
        if name != taken:
            raise ValueError(
                f"{name}: {type(likelihood).__name__} takes no {name}; it goes with "
                f"{_TAKERS[name]}."
            )
    if taken is None:
        return None
    if not sizes:
        # Whether they are one or not said makes a difference to the binomial alone.
        return np.ones(num_samples(X)) if _needs_sizes(likelihood) else None
    values = check_array(
        sizes[taken], ensure_2d=False, dtype=np.float64, input_name=taken
    )
    if values.shape != (num_samples(X),):
        raise ValueError(
            f"{taken} has shape {values.shape}, X has {num_samples(X)} rows; pass one "
            "number for each row."
        )
    if (values <= 0).any():
        row = int(np.argmax(values <= 0))
        raise ValueError(
            f"{taken}: row {row} holds {values[row]:g}; pass numbers above 0, and leave "
            "out rows in which nothing was observed."
        )
    if hasattr(likelihood, "check_sizes"):
        likelihood.check_sizes(values)
    return values


def check_sized_target(likelihood, y, sizes):
    """Raise where a target cannot be one of rows of these sizes.

    Parameters
    ----------
    likelihood : likelihood
    y : ndarray of shape (n_samples,)
    sizes : ndarray of shape (n_samples,) or None
    """
    if sizes is not None and hasattr(likelihood, "check_sized_target"):
        likelihood.check_sized_target(y, sizes)


def _needs_sizes(likelihood):
    return hasattr(likelihood, "check_sized_target")
