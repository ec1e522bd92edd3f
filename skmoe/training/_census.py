"""What is known of all rows before training, from rows that are in several places.

Means and standard deviations are those that one pass over all rows would give, up to
rounding: so units, and all that follows from them, are those of a fit in memory.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from skmoe._design import column_moments


@dataclass
class Moments:
    """Weight, means and sums of squares around the means, of some columns.

    They are merged as by Chan, Golub & LeVeque (1983), without cancellation.
    """

    mass: float
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, columns, weights):
        """Of rows with these weights; of a sparse table, too."""
        mass = weights.sum()
        n_columns = columns.shape[1]
        if mass == 0:
            return cls(0.0, np.zeros(n_columns), np.zeros(n_columns))
        probability = weights / mass
        if issparse(columns):
            mean = probability @ columns
            variance = probability @ columns.multiply(columns).tocsr() - mean**2
        else:
            mean, scale = column_moments(columns, probability)
            variance = scale**2
        return cls(mass, mean, mass * np.maximum(variance, 0.0))

    @property
    def scale(self):
        """Standard deviations."""
        return np.sqrt(self.squares / self.mass)

    def merged(self, other):
        """Of both parts."""
        mass = self.mass + other.mass
        if mass == 0:
            return self
        share = other.mass / mass
        change = other.mean - self.mean
        squares = self.squares + other.squares + self.mass * share * change**2
        return Moments(mass, self.mean + share * change, squares)


@dataclass
class TargetStatistics:
    """Numbers that describe the target of all rows, each for one output.

    ``total`` is the weight of all rows. ``floor`` is the likelihood's smallest
    dispersion, ``spread`` the dispersion of an expert that predicts the mean.
    """

    total: float
    mean: np.ndarray
    scale: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray
    floor: object = None
    spread: object = None


@dataclass
class Census:
    """Rows, and moments of X; and what the target tells, which depends on its kind.

    ``populated`` is the number of stored entries of each column.
    """

    n_samples: int
    columns: Moments
    populated: np.ndarray
    target: object

    @classmethod
    def of(cls, block, target):
        """Of the rows of a block; ``target`` is the kind of target."""
        X = block.X
        stored = np.diff(X.tocsc().indptr) if issparse(X) else X.shape[0]
        return cls(
            len(block.weights),
            Moments.of(X, block.weights),
            np.full(X.shape[1], stored),
            target.census(block.target, block.weights),
        )

    def merged(self, other):
        """Of both parts."""
        return Census(
            self.n_samples + other.n_samples,
            self.columns.merged(other.columns),
            self.populated + other.populated,
            self.target.merged(other.target),
        )


@dataclass
class NumbersCensus:
    """Of a target of numbers."""

    moments: Moments
    smallest: np.ndarray
    largest: np.ndarray

    @classmethod
    def of(cls, y, weights):
        """Of y of shape (n_samples,) or (n_samples, n_outputs)."""
        columns = y[:, None] if y.ndim == 1 else y
        return cls(
            Moments.of(columns, weights),
            columns.min(axis=0, initial=np.inf),
            columns.max(axis=0, initial=-np.inf),
        )

    def merged(self, other):
        """Of both parts."""
        return NumbersCensus(
            self.moments.merged(other.moments),
            np.minimum(self.smallest, other.smallest),
            np.maximum(self.largest, other.largest),
        )


@dataclass
class LabelsCensus:
    """Of a target of labels: the classes and their weights."""

    classes: np.ndarray
    mass: np.ndarray

    @classmethod
    def of(cls, y, weights):
        """Of labels of shape (n_samples,)."""
        classes, codes = np.unique(y, return_inverse=True)
        mass = np.bincount(codes.ravel(), weights, minlength=len(classes))
        return cls(classes, mass)

    def merged(self, other):
        """Of both parts."""
        labels = [part.classes for part in (self, other) if len(part.classes)]
        labels = np.concatenate(labels) if labels else self.classes
        return LabelsCensus.of(labels, np.concatenate([self.mass, other.mass]))

    @property
    def moments(self):
        """Of the classes' indicators."""
        total = self.mass.sum()
        return Moments(total, self.mass / total, self.mass * (1.0 - self.mass / total))
