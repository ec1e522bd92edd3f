"""Models that send each row to a few of their experts, and what they cost."""

import copy
import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from harness import data
from harness.fits import Clock
from skmoe import MixtureOfExpertsRegressor

D = 20
# More than most models have experts, so that each of these finds something to learn.
N_REGIMES = 64
# At the start of a fit, rows are sent to more experts than in the end; in the iteration
# behind these, experts are still fitted to the shares of the one before.
_N_EARLY = 8


def problem(n):
    """Standard normal columns, and a target with many regimes."""
    return data.regression(n, D, N_REGIMES, 0)


def trees():
    """An expert whose fit and prediction are cheap enough to have many of."""
    return DecisionTreeRegressor(max_depth=6)


def lines():
    """The expert that all others are asked together with, in one product."""
    return LinearRegression()


def asking(model, top_k):
    """The fitted model as it would predict if rows were sent to so many experts."""
    other = copy.copy(model)
    other.top_k_ = top_k
    return other


@dataclass
class RoutedFit:
    """A fitted model, the seconds it took, and those of its last iterations."""

    model: object
    seconds: float
    rounds: np.ndarray

    @property
    def round_seconds(self):
        """Of the fastest of these."""
        return float(self.rounds.min()) if len(self.rounds) else float("nan")


def fit(X, y, expert, n_experts, top_k=None, **parameters):
    """Fit without held-out rows, and watch the clock at each iteration."""
    model = MixtureOfExpertsRegressor(
        expert, n_experts=n_experts, top_k=top_k, cv=None, random_state=0, **parameters
    )
    clock = Clock()
    clock.attach(model)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    seconds = time.perf_counter() - start
    rounds = np.diff(clock.ends)
    is_routed = model.top_k_ < model.n_experts_
    return RoutedFit(model, seconds, rounds[_N_EARLY - 1 :] if is_routed else rounds)


def fit_for_rounds(X, y, expert, n_experts, top_k=None, n_rounds=3):
    """Fit for no longer than it takes to see so many iterations as they are in the end.

    All experts of a row are asked from the beginning, where ``top_k`` is None.
    """
    early = 1 if top_k is None or top_k == n_experts else _N_EARLY
    # No gain is too small to go on.
    return fit(X, y, expert, n_experts, top_k, max_iter=early + n_rounds, tol=0.0)
