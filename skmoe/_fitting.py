"""How weights reach an estimator, and what a fitted estimator tells of its size."""

from inspect import Parameter, signature

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skmoe._sklearn_compat import is_linear_model, routing_enabled


def weight_keyword(estimator):
    """Name of the ``fit`` keyword that takes sample weights, or None.

    A pipeline takes them as ``<last step>__sample_weight`` or, with metadata routing
    enabled, as its steps have requested; a search or a target transformer takes them as
    the estimator within does.
    """
    if isinstance(estimator, Pipeline):
        return _pipeline_keyword(estimator)
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    inner = getattr(estimator, "estimator", getattr(estimator, "regressor", None))
    if inner is None or not _takes_any_keyword(estimator):
        return None
    return weight_keyword(inner)


def _pipeline_keyword(pipeline):
    name, last = pipeline.steps[-1]
    keyword = weight_keyword(last)
    if keyword is None:
        return None
    if not routing_enabled():
        return f"{name}__{keyword}"
    routing = last.get_metadata_routing()
    if not routing.consumes("fit", ["sample_weight"]):
        raise ValueError(
            f"the pipeline's last step {name!r} ({type(last).__name__}) accepts "
            "sample_weight but has not requested it; with metadata routing enabled, "
            "call set_fit_request(sample_weight=True) on the steps that take weights."
        )
    return "sample_weight"


def _takes_any_keyword(estimator):
    parameters = signature(estimator.fit).parameters.values()
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)


def is_linear(estimator):
    """Whether an estimator is a linear model, also at the end of a pipeline.

    Its errors on the rows that it was fitted to are about those elsewhere, so its E-step
    needs no held-out rows.
    """
    if isinstance(estimator, Pipeline):
        return is_linear(estimator.steps[-1][1])
    inner = getattr(estimator, "estimator", getattr(estimator, "regressor", None))
    if hasattr(inner, "fit"):
        return is_linear(inner)
    constant = isinstance(estimator, DummyRegressor | DummyClassifier)
    return constant or is_linear_model(estimator)


def clone_seeded(estimator, random_state):
    """A clone whose open ``random_state`` parameters are drawn from ``random_state``.

    Refits of one estimator during training then differ by their weights alone.
    """
    copy = clone(estimator)
    seeds = {
        name: random_state.randint(np.iinfo(np.int32).max)
        for name, value in sorted(copy.get_params(deep=True).items())
        if name.split("__")[-1] == "random_state" and value is None
    }
    return copy.set_params(**seeds) if seeds else copy


def n_parameters(estimator):
    """Number of fitted parameters, or None where an estimator does not tell.

    Coefficients and intercepts of linear models, weights of networks, leaf values of
    trees; a pipeline counts as its last step.
    """
    if isinstance(estimator, Pipeline):
        return n_parameters(estimator.steps[-1][1])
    if hasattr(estimator, "n_parameters_"):
        return estimator.n_parameters_
    if hasattr(estimator, "coefs_"):
        return sum(np.size(a) for a in [*estimator.coefs_, *estimator.intercepts_])
    if hasattr(estimator, "coef_"):
        fit_intercept = getattr(estimator, "fit_intercept", True)
        n_intercepts = np.size(getattr(estimator, "intercept_", ()))
        return np.size(estimator.coef_) + (n_intercepts if fit_intercept else 0)
    if hasattr(estimator, "tree_"):
        values = estimator.tree_.value
        per_leaf = values.shape[1] * max(values.shape[2] - 1, 1)
        return int(estimator.tree_.n_leaves) * per_leaf
    if hasattr(estimator, "theta_") and hasattr(estimator, "var_"):
        priors = np.size(estimator.class_prior_) - 1
        return np.size(estimator.theta_) + np.size(estimator.var_) + priors
    if hasattr(estimator, "class_prior_") and hasattr(estimator, "strategy"):
        return np.size(estimator.class_prior_) - 1
    if hasattr(estimator, "constant_"):
        return np.size(estimator.constant_)
    return None
