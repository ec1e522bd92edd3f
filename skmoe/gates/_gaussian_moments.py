"""Gaussian densities of rows, one for each expert, and how they follow from moments."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from skmoe._grams import weighted_grams

# Directions with less of the variance, in standard units, are rounding.
_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Units:
    """Coordinates in which the rows' overall covariance is the unit matrix.

    Parameters
    ----------
    center : ndarray of shape (n_features,)
    projection : ndarray of shape (n_features, n_directions)
    log_volume : float
        What a log-density gains when it is told per unit of the columns.
    """

    center: np.ndarray
    projection: np.ndarray
    log_volume: float

    @classmethod
    def of(cls, X, weights, rotates):
        """Those of some rows; without ``rotates``, of each column by itself.

        Directions in which the rows do not vary are left out: nothing can be told there.
        """
        probability = weights / weights.sum()
        center = probability @ X
        centred = X - center
        scale = np.sqrt(probability @ centred**2)
        varies = scale > 1e-12 * np.abs(center)
        projection = np.diag(1.0 / np.where(varies, scale, 1.0))[:, varies]
        log_volume = -np.log(scale[varies]).sum()
        if rotates and varies.any():
            correlation = weighted_grams(centred @ projection, probability[None])[0]
            spread, directions = eigh(correlation)
            kept = spread > _RANK_TOLERANCE * spread.max()
            projection = projection @ (directions[:, kept] / np.sqrt(spread[kept]))
            log_volume -= 0.5 * np.log(spread[kept]).sum()
        return cls(center, projection, float(log_volume))

    def same_as(self, other):
        """Whether other units give the same coordinates."""
        return (
            np.array_equal(self.center, other.center)
            and np.array_equal(self.projection, other.projection)
            and self.log_volume == other.log_volume
        )

    def transform(self, X):
        """Rows in these coordinates."""
        return (X - self.center) @ self.projection

    def to_user(self, rows):
        """The way back; zero where rows do not vary."""
        return rows @ np.linalg.pinv(self.projection) + self.center


class Shape:
    """What covariances may look like, in the coordinates of :class:`Units`.

    ``second_moments`` are all that is needed of the rows: (n_experts, p, p) for matrices,
    (n_experts, p) for variances.
    """

    rotates = False

    def second_moments(self, rows, shares):
        """Sums of squares of the coordinates, for each expert."""
        return shares @ rows**2

    def squares(self, means):
        """Squares of the means, in the shape of second moments."""
        return means**2

    def spread(self, second, means):
        """Mean squares around the means, from those around zero."""
        return np.maximum(second - means**2, 0.0)

    def estimate(self, mass, spread, prior):
        """Variances of each expert, pulled towards one by ``prior`` rows."""
        mass = mass[:, None]
        return (mass * spread + prior) / (mass + prior)

    def whiteners(self, covariances):
        """What brings rows to unit covariance, and half the log-determinants of it."""
        whiteners = 1.0 / np.sqrt(covariances)
        return whiteners, np.log(whiteners).sum(axis=1)

    def distances(self, rows, means, whiteners):
        """Squared distances of rows from the means, in standard deviations."""
        # Squares are expanded: no array of rows, experts and coordinates is made.
        precision = whiteners**2
        distances = rows**2 @ precision.T
        distances -= 2.0 * rows @ (precision * means).T
        distances += (precision * means**2).sum(axis=1)
        return np.maximum(distances, 0.0)

    def penalty(self, covariances, prior):
        """What the pull subtracts from the log-likelihood; zero at unit covariances."""
        return 0.5 * prior * np.sum(np.log(covariances) + 1.0 / covariances - 1.0)

    def published(self, covariances, units):
        """The covariances in the columns' units."""
        scale = 1.0 / units.projection.sum(axis=0)
        variances = np.zeros((len(covariances), len(units.center)))
        variances[:, units.projection.any(axis=1)] = covariances * scale**2
        return variances

    def n_parameters(self, n_experts, n_directions):
        """Free parameters of the covariances."""
        return n_experts * n_directions


class Spherical(Shape):
    """One variance for all columns in standard units."""

    def estimate(self, mass, spread, prior):
        return super().estimate(mass, _alike(spread), prior)

    def n_parameters(self, n_experts, n_directions):
        return n_experts


class Full(Shape):
    """A matrix of each expert's own."""

    rotates = True

    def second_moments(self, rows, shares):
        return weighted_grams(rows, shares)

    def squares(self, means):
        return means[:, :, None] * means[:, None, :]

    def spread(self, second, means):
        return second - self.squares(means)

    def estimate(self, mass, spread, prior):
        mass = mass[:, None, None]
        return (mass * spread + prior * np.eye(spread.shape[1])) / (mass + prior)

    def whiteners(self, covariances):
        whiteners = np.linalg.inv(np.linalg.cholesky(covariances)).transpose(0, 2, 1)
        return whiteners, np.log(np.einsum("kpp->kp", whiteners)).sum(axis=1)

    def distances(self, rows, means, whiteners):
        return np.column_stack(
            [
                np.square(rows @ W - mean @ W).sum(axis=1)
                for mean, W in zip(means, whiteners, strict=True)
            ]
        )

    def penalty(self, covariances, prior):
        if covariances.shape[1] == 0:
            return 0.0
        whiteners, half_log = self.whiteners(covariances)
        traces = np.square(whiteners).sum(axis=(1, 2)) - covariances.shape[1]
        return 0.5 * prior * np.sum(traces - 2.0 * half_log)

    def published(self, covariances, units):
        back = np.linalg.pinv(units.projection)
        return back.T @ covariances @ back

    def n_parameters(self, n_experts, n_directions):
        return n_experts * n_directions * (n_directions + 1) // 2


class Tied(Full):
    """One matrix for all experts."""

    def estimate(self, mass, spread, prior):
        pooled = np.einsum("k,kpq->pq", mass, spread)
        pull = prior * len(mass)
        size = spread.shape[1]
        tied = (pooled + pull * np.eye(size)) / (mass.sum() + pull)
        return np.broadcast_to(tied, spread.shape)

    def published(self, covariances, units):
        return super().published(covariances[:1], units)[0]

    def n_parameters(self, n_experts, n_directions):
        return super().n_parameters(1, n_directions)


def _alike(spread):
    """The mean of each expert's variances, for all columns."""
    if spread.shape[1] == 0:
        return spread
    return np.broadcast_to(spread.mean(axis=1, keepdims=True), spread.shape)


SHAPES = {"full": Full(), "tied": Tied(), "diag": Shape(), "spherical": Spherical()}


def log_densities(rows, means, covariances, shape):
    """Log-densities of rows in the coordinates of :class:`Units`.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_directions)
    means : ndarray of shape (n_experts, n_directions)
    covariances : ndarray of shape (n_experts, n_directions[, n_directions])
    shape : Shape

    Returns
    -------
    log_density : ndarray of shape (n_samples, n_experts)
    """
    whiteners, half_log = shape.whiteners(covariances)
    log_density = shape.distances(rows, means, whiteners)
    log_density *= -0.5
    log_density += half_log - 0.5 * rows.shape[1] * np.log(2 * np.pi)
    return log_density
