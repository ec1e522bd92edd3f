"""Poisson and gamma regression, with a log link, for all experts together."""

from copy import copy
from numbers import Real

import numpy as np
from sklearn.linear_model import GammaRegressor, PoissonRegressor

from skmoe._grams import row_slices, weighted_grams
from skmoe._running import averaged, newton_step
from skmoe._sklearn_compat import set_glm_loss
from skmoe._softmax_steps import shortened
from skmoe.experts._closed_form import ClosedFormPool
from skmoe.experts._glm_terms import GammaTerms, PoissonTerms
from skmoe.experts._least_squares import solve_semidefinite
from skmoe.experts._linear_routed import pair_predictors
from skmoe.experts._negative_binomial_terms import NegativeBinomialTerms
from skmoe.likelihoods import (
    GammaLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
)

# Newton's decrement per unit of weight at which to stop.
_TOLERANCE = 1e-10
_MAX_STEPS = 100
_MAX_HALVINGS = 60
_ARMIJO = 1e-4
# Further than this from the mean, on the log scale, no expert may predict any row: a
# step that goes there is halved, long before exp or a square overflows.
_FARTHEST = 300.0
_LARGEST_LOG = 700.0
# Where an expert's counts are all zero, its likeliest rate is zero; it stops at this part
# of the mean of all rows.
_FLOOR = np.exp(-25.0)
# Objectives this close are the same, relative: the last step may change nothing else.
_ROUNDING = 1e-13
# No log rate of a row is moved further by one step on a batch.
_LONGEST_STEP = 1.0
# Numbers held at a time for each pass over the rows.
_CHUNK_CELLS = 1_000_000


class GlmPool(ClosedFormPool):
    r"""Minimise half the mean deviance and a penalty on the slopes, for all k.

    .. math:: \frac{1}{2 W_k} \sum_i w_{ik}\, d(y_i, \mu_{ik})
              + \frac{\alpha_k}{2} \|b_k\|^2,
              \qquad \log \mu_{ik} = b_k^T x_i, \quad W_k = \sum_i w_{ik}

    By Newton's method, all experts at once, each from its last coefficients. The
    objective is convex.
    """

    exact_parameters = {"solver": ["lbfgs", "newton-cholesky"]}

    @classmethod
    def supports(cls, estimators, X, y):
        """Also asks for a target that scikit-learn would take."""
        return y.ndim == 1 and cls._in_range(y) and super().supports(estimators, X, y)

    @classmethod
    def fits(cls, estimator):
        """Also asks for one penalty."""
        alpha = getattr(estimator, "alpha", None)
        return super().fits(estimator) and isinstance(alpha, Real) and alpha >= 0

    def fit(self, X, y, weights):
        """Fit every expert; parameters as in :meth:`EstimatorPool.fit`."""
        design = self._begin(X, weights)
        alphas = np.array([estimator.alpha for _, estimator in self.experts])
        ridge = np.outer(alphas, design.penalized / design.column_scale**2)
        total = weights.sum(axis=1)
        # Where no row has a count, the unit of a count is all there is.
        mean = (total @ y / total.sum()) or 1.0
        coef, n_iter = self.coef, np.zeros(self.n_experts, dtype=int)
        if coef is None:
            coef = np.zeros(ridge.shape)
            coef[:, 0] = np.log(mean) if self.fit_intercept else 0.0
        coef = coef.copy()
        for experts, own_design, rows, own in self._groups(design, weights):
            problem = _Problem(self, own_design, y[rows], own, ridge[experts], mean)
            start = problem.fresh_start()
            if self.coef is not None:
                start = problem.better(self.coef[experts], start)
            coef[experts], n_iter[experts] = problem.minimise(start)
        self.coef, self.n_iter = coef, n_iter
        return self

    def terms(self, y, weights, likelihood, whole=None):
        """The experts' part of the log-likelihood, where they maximise it."""
        terms = self.terms_of.get(type(likelihood))
        if terms is None or any(estimator.alpha for _, estimator in self.experts):
            return None
        return terms.of(self, y, weights, whole)

    def parameters(self, terms, dispersion):
        """This pool's state as ``terms`` takes it."""
        return terms.parameters(self.coef, dispersion)

    def with_parameters(self, terms, vector, n_iter):
        """A pool with the state ``vector`` of ``terms``, and the dispersions."""
        pool = copy(self)
        pool.coef, dispersion = terms.coefficients(vector)
        pool.n_iter, pool._resumed = np.full(len(pool.coef), n_iter), None
        return pool, dispersion

    def stepped(self, rows, y, weights, information, step):
        """One step on a batch; see :class:`NewtonPool`."""
        alphas = np.array([estimator.alpha for _, estimator in self.experts])
        ridge = np.outer(alphas, self.design.penalized / self.design.column_scale**2)
        # As everywhere, a penalty is relative to the expert's own weight.
        ridge *= weights.sum(axis=0)[:, None]
        log_y = np.log(np.where(y > 0, y, 1.0))[:, None]
        logs = np.clip(rows @ self.coef.T, log_y - _FARTHEST, log_y + _FARTHEST)
        slopes, curvatures = self.derivatives(y[:, None], logs - log_y)
        gradient = -(rows.T @ (weights * slopes)).T - ridge * self.coef
        now = weighted_grams(rows, np.ascontiguousarray((weights * curvatures).T))
        information = averaged(information, now, step.rate)
        penalized = information + ridge[:, :, None] * np.eye(ridge.shape[1])
        moved = newton_step(gradient[:, :, None], penalized, step.rate, len(y))
        moved = moved.swapaxes(1, 2)
        moved *= shortened(rows, moved, _LONGEST_STEP)[:, None, None]
        return self.coef + moved[:, 0], information

    def without_details(self):
        """The same, whose estimators have made no more than a step."""
        pool = copy(self)
        pool.n_iter = np.ones(self.n_experts, dtype=int)
        return pool

    def fresh_coef(self, y):
        """Coefficients before the first step: those of a constant."""
        coef = np.zeros((self.n_experts, self.design.n_columns))
        if self.fit_intercept:
            coef[:, 0] = np.log(y.mean() or 1.0)
        return coef

    @staticmethod
    def _coef_of(design, estimator):
        return design.from_user(estimator.coef_, np.asarray(estimator.intercept_))

    def _predict(self, matrix):
        return np.exp(np.minimum(matrix @ self.coef.T, _LARGEST_LOG))

    def _predict_routed(self, matrix, routes):
        logs = pair_predictors(matrix, self.coef[:, None], None, routes)[:, :, 0]
        return np.exp(np.minimum(logs, _LARGEST_LOG))

    @property
    def penalty(self):
        """Zero: scikit-learn's penalty is relative to an expert's own weight.

        So it is part of no common objective. With alpha > 0 an expert does not maximise
        the likelihood, as little as a tree does.
        """
        return 0.0

    def _materialise(self, k):
        estimator = self._new_estimator(k)
        slopes, intercept = self.design.to_user(self.coef[k])
        estimator.coef_ = slopes
        estimator.intercept_ = np.float64(intercept) if self.fit_intercept else 0.0
        estimator.n_iter_ = int(self.n_iter[k])
        set_glm_loss(estimator)
        return estimator


class PoissonPool(GlmPool):
    """Poisson regression with one penalty per expert."""

    estimator_class = PoissonRegressor
    terms_of = {
        PoissonLikelihood: PoissonTerms,
        NegativeBinomialLikelihood: NegativeBinomialTerms,
    }

    @staticmethod
    def _in_range(y):
        return (y >= 0).all()

    @staticmethod
    def half_deviance(y, log_ratio):
        """Half the deviance of y, given log(mu / y), or log(mu) where y is zero."""
        positive = y > 0
        excess = np.expm1(log_ratio)
        return np.where(positive, y * (excess - log_ratio), excess + 1.0)

    @staticmethod
    def derivatives(y, log_ratio):
        """First and second derivative of half the deviance by log(mu)."""
        rate = np.where(y > 0, y, 1.0) * np.exp(log_ratio)
        return rate - y, rate


class GammaPool(GlmPool):
    """Gamma regression with one penalty per expert."""

    estimator_class = GammaRegressor
    terms_of = {GammaLikelihood: GammaTerms}

    @staticmethod
    def _in_range(y):
        return (y > 0).all()

    @staticmethod
    def half_deviance(y, log_ratio):
        """Half the deviance of y, given log(mu / y)."""
        return np.expm1(-log_ratio) + log_ratio

    @staticmethod
    def derivatives(y, log_ratio):
        """First and second derivative of half the deviance by log(mu)."""
        ratio = np.exp(-log_ratio)
        return 1.0 - ratio, ratio


class _Problem:
    """Objectives of all experts, per unit of each one's weight.

    Parameters
    ----------
    family : GlmPool
        Knows the deviance.
    design : Design
    y : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples, n_experts)
    ridge : ndarray of shape (n_experts, n_columns)
    mean : float
        Of y, over the rows of all experts.
    """

    def __init__(self, family, design, y, weights, ridge, mean):
        self.family = family
        self.design = design
        self.y = y
        self.log_y = np.log(np.where(y > 0, y, 1.0))
        self.weights = weights
        self.ridge = ridge
        mass = weights.sum(axis=0)
        self.mass = np.maximum(mass, np.finfo(np.float64).tiny)
        self.mean = mean
        self.means = np.where(mass > 0, weights.T @ y / self.mass, self.mean)
        length = max(_CHUNK_CELLS // (ridge.shape[1] + ridge.shape[0]), 256)
        self.parts = row_slices(len(y), length)

    def fresh_start(self):
        """Each expert at the mean of its rows."""
        start = np.zeros(self.ridge.shape)
        if self.design.fit_intercept:
            start[:, 0] = np.log(np.maximum(self.means, _FLOOR * self.mean))
        return start

    def better(self, first, second):
        """For each expert, the coefficients with the smaller objective."""
        experts = np.arange(len(first))
        worse = self.value(second, experts) < self.value(first, experts)
        return np.where(worse[:, None], second, first)

    def value(self, coef, experts):
        """Objectives of some experts; infinite where a prediction goes too far."""
        value = 0.5 * (self.ridge[experts] * coef**2).sum(axis=1)
        center = np.log(self.mean)
        for part in self.parts:
            logs = self.design.rows(part) @ coef.T
            value[(np.abs(logs - center) > _FARTHEST).any(axis=0)] = np.inf
            logs = np.clip(logs, center - _FARTHEST, center + _FARTHEST)
            losses = self.family.half_deviance(
                self.y[part, None], logs - self.log_y[part, None]
            )
            value += self._average(losses, part, experts)
        return value

    def _average(self, values, part, experts):
        weights = self.weights[part, experts]
        return np.einsum("nk,nk->k", weights, values) / self.mass[experts]

    def derivatives(self, coef, experts):
        """Gradients, Hessians and mean curvatures of some experts' objectives."""
        gradient = self.ridge[experts] * coef
        hessian = self.ridge[experts][:, :, None] * np.eye(coef.shape[1])
        curvature = np.zeros(len(experts))
        for part in self.parts:
            rows = self.design.rows(part)
            slopes, curvatures = self.family.derivatives(
                self.y[part, None], rows @ coef.T - self.log_y[part, None]
            )
            shares = self.weights[part, experts] / self.mass[experts]
            gradient += (rows.T @ (shares * slopes)).T
            weighted = np.ascontiguousarray((shares * curvatures).T)
            hessian += weighted_grams(rows, weighted)
            curvature += weighted.sum(axis=1)
        return gradient, hessian, curvature

    def minimise(self, coef):
        """Newton's method.

        Returns
        -------
        coef : ndarray of shape (n_experts, n_columns)
        n_iter : ndarray of int, of shape (n_experts,)
        """
        coef = coef.copy()
        n_iter = np.zeros(len(coef), dtype=int)
        floor = _FLOOR * self.mean
        least = np.where(self.means <= floor, floor, 0.0)
        moving = np.arange(len(coef))
        value = self.value(coef, moving)
        for _ in range(_MAX_STEPS):
            gradient, hessian, curvature = self.derivatives(coef[moving], moving)
            step = -solve_semidefinite(hessian, gradient[:, :, None])[:, :, 0]
            decrement = -np.einsum("kp,kp->k", gradient, step)
            alive = (curvature > least[moving]) & (decrement > 0)
            moving, step, decrement = moving[alive], step[alive], decrement[alive]
            if not moving.size:
                break
            n_iter[moving] += 1
            moved = self._line_search(coef, value, moving, step, decrement)
            moving = moving[moved & (decrement > _TOLERANCE)]
            if not moving.size:
                break
        return coef, n_iter

    def _line_search(self, coef, value, experts, step, decrement):
        """Halve each expert's step until its objective falls (Armijo).

        Writes to ``coef`` and ``value``, and tells who moved. The last step, of an expert
        that has arrived, only has to be no step back.
        """
        slack = -_ROUNDING * (1.0 + np.abs(value[experts]))
        asked = np.where(decrement > _TOLERANCE, _ARMIJO * decrement, slack)
        pending = np.arange(len(experts))
        size = 1.0
        for _ in range(_MAX_HALVINGS):
            trial = coef[experts[pending]] + size * step[pending]
            trial_value = self.value(trial, experts[pending])
            falls = trial_value <= value[experts[pending]] - size * asked[pending]
            falls &= np.isfinite(trial_value)
            coef[experts[pending[falls]]] = trial[falls]
            value[experts[pending[falls]]] = trial_value[falls]
            pending = pending[~falls & (asked[pending] > 0)]
            if not pending.size:
                break
            size *= 0.5
        return ~np.isin(np.arange(len(experts)), pending)
