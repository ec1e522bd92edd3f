"""How is a likelihood of one's own written?

A likelihood scores y given what each expert predicts. This one is Laplace's: errors cost
what they are long, not their squares, so outliers pull less. Its maximum is the weighted
median, so the experts are median regressions.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import QuantileRegressor

from skmoe import MixtureOfExpertsRegressor


class LaplaceLikelihood(BaseEstimator):
    """Laplace's density; the dispersion is its scale, the mean absolute error."""

    def log_prob(self, y, prediction, dispersion):
        return -np.abs(y[:, None] - prediction) / dispersion - np.log(2 * dispersion)

    def fit_dispersion(self, y, prediction, weights):
        errors = np.abs(y[:, None] - prediction)
        mass = np.maximum(weights.sum(axis=0), 1e-12)
        # An expert that runs through its rows exactly must not become certain.
        return np.maximum((weights * errors).sum(axis=0) / mass, 1e-3 * y.std())

    def mean(self, prediction, dispersion):
        return prediction

    def variance(self, prediction, dispersion):
        return np.broadcast_to(2 * dispersion**2, prediction.shape)

    def cdf(self, y, prediction, dispersion):
        z = (y - prediction) / dispersion
        return 0.5 - 0.5 * np.sign(z) * np.expm1(-np.abs(z))

    def ppf(self, q, prediction, dispersion):
        with np.errstate(divide="ignore"):
            length = -np.log1p(-2 * np.abs(q - 0.5))
        return prediction + dispersion * np.sign(q - 0.5) * length

    def rvs(self, prediction, dispersion, random_state):
        return random_state.laplace(prediction, dispersion)

    def n_parameters(self, dispersion):
        return np.size(dispersion)


if __name__ == "__main__":
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(300, 1))
    y = np.abs(2 * X[:, 0]) + 0.1 * rng.standard_normal(300)
    y[::15] += 4 * rng.standard_normal(20)  # outliers

    grid = np.linspace(-0.9, 0.9, 50)[:, None]
    truth, errors = np.abs(2 * grid[:, 0]), {}
    for name, expert, likelihood in (
        ("gaussian", None, "gaussian"),
        ("laplace", QuantileRegressor(alpha=0), LaplaceLikelihood()),
    ):
        model = MixtureOfExpertsRegressor(
            expert, n_experts=2, likelihood=likelihood, random_state=0
        ).fit(X, y)
        errors[name] = np.abs(model.predict(grid) - truth).mean()
        print(f"{name:9} mean error of the predicted mean {errors[name]:.3f}")
    assert errors["laplace"] < errors["gaussian"]

    density = model.predict_distribution(grid)
    low, high = density.interval(0.9)
    assert np.allclose(density.cdf(high) - density.cdf(low), 0.9)
