"""The density of one output, and the average of densities."""

from numbers import Integral

import numpy as np

from skmoe._mixture import ConditionalMixture
from skmoe.likelihoods import GaussianLikelihood


def check_output(model, target):
    """Check that ``target`` is one of the outputs of a regressor.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor
        Fitted.
    target : int or None

    Returns
    -------
    target : int or None
        None where the model has one output.

    Raises
    ------
    ValueError
    """
    n_outputs = model._n_outputs
    is_number = isinstance(target, Integral) and not isinstance(target, bool)
    if n_outputs is None:
        if target is None or (is_number and target == 0):
            return None
        raise ValueError(f"target is {target!r}, but y has one output; leave it out.")
    if target is None and n_outputs == 1:
        return 0
    if not is_number or not 0 <= target < n_outputs:
        raise ValueError(
            f"target is {target!r}, but y has {n_outputs} outputs; pass the number of "
            f"one, from 0 to {n_outputs - 1}."
        )
    if not isinstance(model.likelihood_, GaussianLikelihood):
        raise ValueError(
            f"target: the density of one output of several is known of "
            f"GaussianLikelihood only, and the model has "
            f"{type(model.likelihood_).__name__}; fit one model for each output."
        )
    return int(target)


def output_name(y, target):
    """What y is called, or one of its columns.

    Parameters
    ----------
    y : array-like or None
        A series or a dataframe has a name for each column.
    target : int or None
        Number of the output, where there are several.
    """
    if target is None:
        name = getattr(y, "name", None)
        return "y" if name is None else str(name)
    columns = getattr(y, "columns", None)
    return f"y[{target}]" if columns is None else str(columns[target])


def of_output(density, target):
    """The density of one output, whatever the others are.

    Parameters
    ----------
    density : ConditionalMixture
    target : int or None
        None where there is one output.

    Returns
    -------
    density : ConditionalMixture
        With one output.
    """
    if target is None:
        return density
    prediction, likelihood = density.prediction, density.likelihood
    experts = density.experts
    if experts is None:
        experts = np.broadcast_to(np.arange(prediction.shape[1]), prediction.shape[:2])
    # Of several normal outputs each is normal, with its own variance.
    variance = likelihood.variance(prediction, density.dispersion)[..., target]
    return ConditionalMixture(
        density.weights, prediction[..., target], variance, likelihood, experts
    )


def averaged(density, n_points):
    """Averages of the densities of several rows, which are mixtures again.

    Parameters
    ----------
    density : ConditionalMixture
        With one output, of the rows of one point after the other, as many of each.
    n_points : int

    Returns
    -------
    density : ConditionalMixture
        Of the points.
    """
    n_rows = len(density) // n_points
    if n_rows == 1:
        return density
    shape = (n_points, -1)
    dispersion, experts = density.dispersion, density.experts
    if experts is not None:
        experts = experts.reshape(shape)
    if density._by_row:
        rest = dispersion.shape[2:]
        dispersion = dispersion.reshape(n_points, -1, *rest)
    elif dispersion is not None:
        dispersion = np.concatenate([dispersion] * n_rows)
    return ConditionalMixture(
        density.weights.reshape(shape) / n_rows,
        density.prediction.reshape(shape),
        dispersion,
        density.likelihood,
        experts,
    )
