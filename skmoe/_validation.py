"""Checks of what a user passes, with errors that name it."""

from functools import cached_property
from importlib import import_module

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import validate_data

from skmoe._grams import row_slices
from skmoe._memory_maps import is_large_map
from skmoe._sklearn_compat import check_sample_weight, num_samples, safe_indexing


class FeatureCount(BaseEstimator):
    """Holds ``n_features_in_`` and names until a fit has succeeded."""


class Rows:
    """Rows to be predicted, checked once for all parts that ask for numbers.

    Parameters
    ----------
    X : {ndarray, sparse matrix, dataframe}
        As it was given, for the parts that check it themselves.
    first : int
        Number of the first row, for errors.
    """

    def __init__(self, X, first=0):
        self.X = X
        self.first = first

    @classmethod
    def of(cls, X):
        """``X`` as rows, which it may be already."""
        return X if type(X) is cls else cls(X)

    def chunks(self, size):
        """The same rows, at most ``size`` at a time."""
        n_samples = num_samples(self.X)
        if n_samples <= size:
            return [self]
        parts = row_slices(n_samples, size)
        if type(self.X) is np.ndarray:  # of which slices are for free
            return (self._part(part) for part in parts)
        return (Rows(safe_indexing(self.X, part), part.start) for part in parts)

    def _part(self, part):
        rows = Rows(self.X[part], part.start)
        rows.numbers = None if self.numbers is None else self.numbers[part]
        return rows

    @cached_property
    def numbers(self):
        """X as finite numbers, ndarray or sparse; None if it is something else.

        Whoever gets None passes X on to a part that tells the user what is wrong.
        """
        X = self.X
        if not _is_plain_array(X):
            try:
                X = check_array(X, accept_sparse=["csr", "csc"], ensure_all_finite=False)
            except (TypeError, ValueError):
                return None
        return X if _is_finite(X.data if issparse(X) else X) else None


def _is_plain_array(X):
    """Whether ``check_array`` has nothing to do but to look for NaN and infinity."""
    return type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype.kind in "biuf"


def _is_finite(values):
    # The sum, which takes no memory, settles nearly all cases.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def check_X(X):
    """Check the outer form of X and leave its values to gate and experts.

    Dataframes and sparse matrices are passed through; lists become arrays.
    """
    if _is_plain_array(X) or is_large_map(X):
        return X
    if hasattr(X, "columns") and not issparse(X):
        if X.shape[0] == 0:
            raise ValueError("X: found a dataframe with 0 sample(s).")
        return X
    return check_array(
        X, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False
    )


def stacked_rows(parts):
    """Rows of several tables of one kind as one table.

    Parameters
    ----------
    parts : list of {ndarray, sparse matrix, dataframe}
    """
    first = parts[0]
    if issparse(first):
        return vstack(parts, format="csr")
    if hasattr(first, "columns"):
        # That of pandas or of polars, which need not be installed.
        package = import_module(type(first).__module__.partition(".")[0])
        return package.concat(parts)
    return np.concatenate(parts)


def check_features(estimator, X):
    """Count and name the features of X without touching ``estimator``."""
    count = FeatureCount()
    validate_data(count, X, skip_check_array=True)
    if count.n_features_in_ == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is "
            f"required by {type(estimator).__name__}."
        )
    return vars(count)


def check_known_features(estimator, X):
    """Check that X has the features that ``estimator`` was fitted with."""
    # A plain array has no names, so its width is all there is to compare.
    if (
        type(X) is np.ndarray
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    ):
        return
    validate_data(estimator, X, reset=False, skip_check_array=True)


def check_length(X, y):
    """Check that X and y have as many rows."""
    if num_samples(X) != len(y):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{num_samples(X)}, {len(y)}]"
        )


def check_split_params(params, X):
    """Check that what goes to the splitter of ``cv`` has one value for each row."""
    for name, value in params.items():
        if num_samples(value) != num_samples(X):
            raise ValueError(
                f"{name} has {num_samples(value)} values, X has {num_samples(X)} rows; "
                "pass one value for each row."
            )


def check_y_present(estimator, y):
    """Raise where there is no target."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            "None."
        )


def check_regression_target(y):
    """y as float64, of shape (n_samples,) or (n_samples, n_outputs)."""
    try:
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    except ValueError as error:
        if "could not convert string" not in str(error):
            raise
        raise ValueError(
            f"y: {error}; a regressor's target is numbers. For classes use "
            "MixtureOfExpertsClassifier."
        ) from error
    if y.ndim > 2 or y.ndim == 0:
        raise ValueError(f"y must have one or two dimensions, it has {y.ndim}.")
    largest = np.sqrt(np.finfo(np.float64).max / max(len(y), 1))
    if np.abs(y).max() > largest:
        raise ValueError(f"y: values above {largest:.0e} cannot be squared; rescale y.")
    return y


def is_missing(value):
    """Whether a value of a table stands for none."""
    # NaN, pandas.NA and NaT differ from themselves, or do not say that they do not.
    if value is None:
        return True
    same = value == value
    return not (isinstance(same, (bool, np.bool_)) and bool(same))


def check_labels(y):
    """y as an array of labels, of shape (n_samples,)."""
    y = column_or_1d(y, warn=True)
    if y.dtype.kind in "fc":
        assert_all_finite(y, input_name="y")
    if y.dtype == object:
        missing = next((row for row, label in enumerate(y) if is_missing(label)), None)
        if missing is not None:
            raise ValueError(
                f"y: row {missing} has no class, but {y[missing]!r}; leave such rows "
                "out, or give them a class of their own."
            )
    check_classification_targets(y)
    return y


def check_classes(classes, known):
    """All classes of a stream: those passed, which must be the ``known`` ones.

    Parameters
    ----------
    classes : array-like or None
    known : ndarray or None
        Of earlier batches.
    """
    if classes is None:
        if known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return known
    classes = unique_labels(classes)
    if known is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
            f"{known!r}"
        )
    return classes


def check_weights(sample_weight, X, name="sample_weight"):
    """Sample weights as float64, non-negative and not all zero."""
    weights = check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        raise ValueError(f"{name}: negative values in data (first in row {row}).")
    if not (weights > 0).any():
        raise ValueError(f"{name}: all weights are zero, no row is left to fit.")
    return weights


def check_n_experts_is_open(init, prior):
    """Raise where what is given has a column for each of a fixed number of experts."""
    if not isinstance(init, str):
        raise ValueError(
            "n_experts='auto': responsibilities in init have a fixed number of "
            "experts; name a strategy instead, or set n_experts to that number."
        )
    if prior is not None:
        raise ValueError(
            "n_experts='auto': responsibilities_prior has a fixed number of experts; set "
            "n_experts to that number."
        )


def check_init(init, present, n_experts):
    """Given responsibilities of the ``present`` rows; a name is returned as it is."""
    if isinstance(init, str):
        return init
    init = check_array(init, dtype=np.float64, input_name="init")
    if init.shape[0] <= present.max() or init.shape[1] != n_experts:
        raise ValueError(
            f"init has shape {init.shape}; responsibilities need one row for each of X "
            f"and {n_experts} columns."
        )
    sums = init.sum(axis=1)
    wrong = (init < 0).any(axis=1) | (np.abs(sums - 1.0) > 1e-6)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"init: row {row} is not a set of shares that sum to one.")
    return (init / sums[:, None])[present]
