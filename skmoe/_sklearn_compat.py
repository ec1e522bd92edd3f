"""The only file that imports private scikit-learn, or what only some versions have."""

from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._metadata_requests import _raise_for_params as raise_for_params
from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
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


def is_linear_model(estimator):
    """Whether an estimator's answer is a function of one linear combination of x."""
    return isinstance(estimator, LinearModel | LinearClassifierMixin) or type(
        estimator
    ).__module__.startswith("sklearn.linear_model.")


def set_glm_loss(estimator):
    """Give a Poisson or gamma regression the loss that its ``predict`` asks for."""
    estimator._base_loss = estimator._get_loss()


__all__ = [
    "HAS_CALLBACKS",
    "BaseComposition",
    "CallbackSupportMixin",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "check_sample_weight",
    "is_linear_model",
    "num_samples",
    "raise_for_params",
    "routing_enabled",
    "safe_indexing",
    "set_glm_loss",
    "with_callbacks",
]
