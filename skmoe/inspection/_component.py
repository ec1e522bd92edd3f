"""A component of the likelihood's own, in words."""

import numpy as np

from skmoe.likelihoods import component_of

_KINDS = {"zero": "a point mass at 0"}


def describe_component(model, style):
    """What a component besides the experts is.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor
        Whose likelihood has one, in the last column.
    style : Style

    Returns
    -------
    text : str
    """
    component = component_of(model.likelihood_)
    if component in _KINDS:
        return _KINDS[component]
    middle = float(np.ravel(model.experts_[-1].constant_)[0])
    half = np.sqrt(3.0 * np.ravel(model.dispersion_[-1])[0])
    low, high = style.number(middle - half), style.number(middle + half)
    return f"a uniform density from {low} to {high}"
