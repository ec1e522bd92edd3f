"""One timed fit of each mixture package, with the log-likelihood it reached."""

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.mixture import GaussianMixture

from harness.timing import timed
from skmoe import MixtureOfExpertsRegressor


@dataclass
class Fit:
    """Seconds, mean log p(y | x) of the training rows, and what to know about the run.

    ``trace`` holds pairs (seconds, log-likelihood), where the package tells them.
    """

    seconds: float
    log_likelihood: float
    note: str = ""
    trace: list = field(default_factory=list)
    model: object = None


class Clock:
    """A scikit-learn callback that notes when each iteration ended."""

    def __init__(self):
        self.ends = []

    def attach(self, model):
        """Listen to the fits of a model; from scikit-learn 1.9 on."""
        if hasattr(model, "set_callbacks"):
            model.set_callbacks(self)

    def setup(self, estimator, context):
        """Called before the fit."""

    def on_fit_task_begin(self, estimator, context):
        """Called before each task."""

    def on_fit_task_end(self, estimator, context):
        """Called after each task; nothing is to stop."""
        if context.task_name == "iteration":
            self.ends.append(time.perf_counter())
        return False

    def teardown(self, estimator, context):
        """Called after the fit."""


def skmoe(X, y, n_experts, seed=0, **parameters):
    """A mixture of linear experts; the defaults unless parameters are given."""
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, random_state=seed, **parameters
    )
    clock = Clock()
    clock.attach(model)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    seconds = time.perf_counter() - start
    reached = float(model.score_samples(X, y).mean())
    # The objective has a small penalty in it; the trace is to end at the likelihood.
    bounds = model.lower_bounds_ + (reached - model.lower_bound_)
    ends = np.array(clock.ends) - start
    trace = list(zip(ends.tolist(), bounds.tolist(), strict=False))
    if len(ends) != len(bounds):
        trace = []
    trace.append((seconds, reached))
    note = f"{model.n_iter_} iterations" + ("" if model.converged_ else ", not converged")
    return Fit(seconds, reached, note, trace, model)


def gaussian_mixture(X, y, n_experts, seed=0):
    """scikit-learn's mixture of [X, y]; its likelihood is that of y given X."""
    Z = np.column_stack([X, y])
    model = GaussianMixture(n_experts, covariance_type="full", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, _ = timed(lambda: model.fit(Z))
    marginal = GaussianMixture(n_experts, covariance_type="full")
    marginal.weights_ = model.weights_
    marginal.means_ = model.means_[:, :-1]
    marginal.covariances_ = model.covariances_[:, :-1, :-1]
    marginal.precisions_cholesky_ = np.linalg.cholesky(
        np.linalg.inv(marginal.covariances_)
    )
    reached = model.score_samples(Z).mean() - marginal.score_samples(X).mean()
    note = f"{model.n_iter_} iterations" + ("" if model.converged_ else ", not converged")
    return Fit(seconds, float(reached), note, model=model)


def cgmm(X, y, n_experts, seed=0):
    """cgmm's mixture of linear experts, with its defaults."""
    from cgmm import MixtureOfExpertsRegressor as Peer

    model = Peer(n_components=n_experts, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, _ = timed(lambda: model.fit(X, y))
    reached = float(np.mean(model.log_prob(X, y)))
    return Fit(seconds, reached, f"{model.n_iter_} iterations")
