"""Predictive densities of models that have none, and scores in the target's own units."""

import numpy as np
from scipy.stats import norm
from sklearn.model_selection import KFold, cross_val_predict

LEVEL = 0.9
# Of a cell of the grid: below, the difference of two cdfs has lost its digits.
_LEAST_PROBABILITY = 1e-12
# By how much of a step a value may miss its grid point.
_GRID_TOLERANCE = 1e-3


def grid_step(y):
    """Width of the grid that y is rounded to; 0.0 where it is on none."""
    values = np.unique(y)
    if len(values) < 2:
        return 0.0
    step = np.diff(values).min()
    places = (values - values[0]) / step
    on_grid = np.abs(places - np.round(places)).max() < _GRID_TOLERANCE
    return float(step) if on_grid else 0.0


def rounding_floor(step):
    """Standard deviation of what rounding to a grid takes away."""
    return step / np.sqrt(12)


def normal_density(model, X, y, X_test, step, seed):
    """Fit a point model and give it the normal density of its out-of-fold errors.

    The width is from five folds of the training rows, and not below the rounding floor.
    """
    folds = KFold(5, shuffle=True, random_state=seed)
    errors = y - cross_val_predict(model, X, y, cv=folds)
    sigma = max(np.sqrt(np.mean(errors**2)), rounding_floor(step))
    return norm(model.fit(X, y).predict(X_test), sigma)


def scores(density, y, step, scale=1.0):
    """RMSE, negative log-likelihood and coverage of the central 90 % interval.

    Parameters
    ----------
    density : frozen distribution of scipy.stats, or ConditionalMixture
    y : ndarray of shape (n_samples,)
    step : float
        Of y's grid, or 0.
    scale : float
        Units of the target that are one unit of y.

    Returns
    -------
    scores : dict of str to float
        In units of the target. "nll_rounded" is of the probabilities of the grid's cells
        over their width: no density can win there by being narrower than the rounding.
    """
    log_density = density.logpdf(y)
    # The same as to lie in density.interval(0.9), without a search for its ends.
    below = density.cdf(y)
    covered = np.abs(below - 0.5) <= 0.5 * LEVEL
    found = {
        "rmse": scale * np.sqrt(np.mean((y - density.mean()) ** 2)),
        "nll": np.log(scale) - log_density.mean(),
        "nll_rounded": float("nan"),
        "coverage": covered.mean(),
    }
    if step > 0:
        cell = density.cdf(y + step / 2) - density.cdf(y - step / 2)
        with np.errstate(divide="ignore"):
            log_cell = np.where(
                cell > _LEAST_PROBABILITY, np.log(cell / step), log_density
            )
        found["nll_rounded"] = np.log(scale) - log_cell.mean()
    return {name: float(value) for name, value in found.items()}


def of_mixture(model, scale=1.0):
    """What to know about a fitted mixture, in units of the target.

    "narrowest" is the smallest standard deviation of an expert, where it has one.
    """
    dispersion = getattr(model, "dispersion_", None)
    regression = dispersion is not None
    return {
        "n_experts": int(getattr(model, "n_experts_", len(model.experts_))),
        "cross_fitted": str(getattr(model, "cross_fitted_", "")),
        "lower_bound": float(model.lower_bound_ - regression * np.log(scale)),
        "narrowest": float(scale * np.sqrt(np.min(dispersion)))
        if regression
        else float("nan"),
    }


def too_narrow(row):
    """Whether an expert is narrower than the rounding: its density then says nothing."""
    # Of the floor itself, rounding is no offence.
    return row["narrowest"] < 0.999 * rounding_floor(row["step"])
