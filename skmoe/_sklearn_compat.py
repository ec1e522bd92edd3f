"""The only file that imports private scikit-learn, or what only some versions have."""

from copy import copy

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._metadata_requests import _raise_for_params as raise_for_params
from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from sklearn.utils._optional_dependencies import (
    check_matplotlib_support as check_matplotlib_support,
)
from sklearn.utils._optional_dependencies import (
    check_pandas_support as check_pandas_support,
)
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
)
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:  # scikit-learn < 1.9
    HAS_CALLBACKS = False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""

    def with_callbacks(method):
        """Return ``method`` as it is."""
        return method


def callbacks_of(estimator):
    """The callbacks that a fit of the estimator calls."""
    return getattr(estimator, "_skl_callbacks", [])


def without_callbacks(estimator):
    """A copy that knows nothing of callbacks, nor of a fit that goes on."""
    estimator = copy(estimator)
    for name in (
        "_skl_callbacks",
        "_skl_callbacks_to_teardown",
        "_callback_fit_ctx",
        "_parent_callback_ctx",
    ):
        vars(estimator).pop(name, None)
    return estimator


#: Frames from a warning in what ``fit`` calls to the user's line.
FRAMES_TO_USER = 5 if HAS_CALLBACKS else 4


def is_linear_model(estimator):
    """Whether an estimator's answer is a function of one linear combination of x."""
    return isinstance(estimator, LinearModel | LinearClassifierMixin) or type(
        estimator
    ).__module__.startswith("sklearn.linear_model.")


def predicts_unchecked(estimator, X):
    """Whether :func:`predict_unchecked` knows the estimator, and X needs no checks."""
    return (
        # The exact class: a subclass may predict otherwise. Categories are encoded first.
        type(estimator) is HistGradientBoostingRegressor
        and getattr(estimator, "_preprocessor", None) is None
        and type(X) is np.ndarray
        and X.dtype == np.float64
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def predict_unchecked(estimator, X):
    """The same as ``estimator.predict(X)``.

    With a few hundred rows these take as long as twenty trees.
    """
    raw = np.zeros((len(X), 1), estimator._baseline_prediction.dtype, order="F")
    raw += estimator._baseline_prediction
    n_threads = _openmp_effective_n_threads()
    estimator._predict_iterations(X, estimator._predictors, raw, False, n_threads)
    return estimator._loss.link.inverse(raw.ravel())


def declines(estimator, method, name):
    """Whether an estimator has said, by ``set_<method>_request``, not to want ``name``.

    scikit-learn sends it nonetheless where a part of the estimator asks for it.
    """
    request = getattr(estimator._get_metadata_request(), method)
    return request.requests.get(name) is False


def set_glm_loss(estimator):
    """Give a Poisson or gamma regression the loss that its ``predict`` asks for."""
    estimator._base_loss = estimator._get_loss()


__all__ = [
    "FRAMES_TO_USER",
    "HAS_CALLBACKS",
    "BaseComposition",
    "CallbackSupportMixin",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "callbacks_of",
    "check_sample_weight",
    "declines",
    "is_linear_model",
    "num_samples",
    "predict_unchecked",
    "predicts_unchecked",
    "raise_for_params",
    "routing_enabled",
    "safe_indexing",
    "set_glm_loss",
    "with_callbacks",
    "without_callbacks",
]
