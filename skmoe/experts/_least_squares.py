"""Ordinary and ridge regression for all experts at once."""

from copy import copy

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge

from skmoe._grams import row_slices, weighted_grams
from skmoe._running import averaged, newton_step
from skmoe.experts._closed_form import ClosedFormPool
from skmoe.experts._least_squares_terms import LeastSquaresTerms, moments_of
from skmoe.experts._linear_routed import pair_predictors
from skmoe.likelihoods import GaussianLikelihood

# Relative size of a pivot above which the normal equations are solved as they are, and
# of an eigenvalue below which a direction counts as one without data.
_SAFE_PIVOT = 1e-9
_SINGULAR = 1e-12
# Cells of the design that are held at a time.
_CHUNK_CELLS = 1_000_000


class LeastSquaresPool(ClosedFormPool):
    r"""Solve :math:`\min_b \sum_i w_{ik} (y_i - b^T x_i)^2 + \alpha_k \|b\|^2` for all k.

    From the normal equations of the columns in standard units.
    """

    estimator_class = LinearRegression
    exact_parameters = {"positive": [False]}
    column_axis = 1

    def fit(self, X, y, weights):
        """Fit every expert; parameters as in :meth:`EstimatorPool.fit`."""
        design = self._begin(X, weights)
        targets = y.reshape(len(y), -1)
        center = self._total @ targets / self._total.sum() if self.fit_intercept else 0.0
        size = design.n_columns + targets.shape[1]
        moments = np.zeros((self.n_experts, size, size))
        length = max(_CHUNK_CELLS // design.n_columns, 256)
        without_rows = np.ones(self.n_experts, dtype=bool)
        for experts, own_design, rows, own in self._groups(design, weights):
            without_rows[experts] = False
            own_targets = targets[rows] - center
            for part in row_slices(len(own), length):
                moments[experts] += moments_of(
                    own_design.rows(part), own_targets[part], own[part].T
                )
        coef, self.gram = self.solve(moments)
        if self.fit_intercept:
            coef[:, 0] += center
        coef = coef if y.ndim == 2 else coef[:, :, 0]
        if self.coef is not None:
            coef[without_rows] = self.coef[without_rows]
        self.coef = coef
        return self

    def solve(self, moments):
        """Coefficients (K, n_columns, n_targets) from moments of X and y.

        Slopes from moments about each expert's own means, then the intercepts: so an
        intercept is free where rows are fewer than columns, as in scikit-learn.

        Returns
        -------
        coef : ndarray of shape (n_experts, n_columns, n_targets)
        gram : ndarray of shape (n_experts, n_slopes, n_slopes)
        """
        n_columns = self.design.n_columns
        if not self.fit_intercept:
            return self._solve_slopes(moments, n_columns)
        mass = np.maximum(moments[:, :1, :1], np.finfo(np.float64).tiny)
        means = moments[:, :1] / mass
        centered = moments - mass * np.swapaxes(means, 1, 2) * means
        slopes, gram = self._solve_slopes(centered[:, 1:, 1:], n_columns - 1)
        intercepts = means[:, :, n_columns:] - means[:, :, 1:n_columns] @ slopes
        return np.concatenate([intercepts, slopes], axis=1), gram

    def _solve_slopes(self, moments, n_slopes):
        gram = moments[:, :n_slopes, :n_slopes]
        return solve_semidefinite(
            gram + self._penalties(), moments[:, :n_slopes, n_slopes:]
        ), gram

    def terms(self, y, weights, likelihood, whole=None):
        """The experts' part of the log-likelihood, where least squares maximises it."""
        if type(likelihood) is not GaussianLikelihood or np.any(self._penalties()):
            return None
        if not likelihood.has_own_variances(y):
            return None
        if whole is None:
            floor, moments = likelihood.smallest_dispersion(y, weights), None
        else:
            floor = whole.floor
            moments = np.reshape(whole.mean, -1), np.reshape(whole.scale, -1)
        return LeastSquaresTerms(self, y, weights, floor, moments)

    def parameters(self, terms, dispersion):
        """This pool's state as ``terms`` takes it."""
        return terms.parameters(self.coef, dispersion)

    def with_parameters(self, terms, vector, n_iter):
        """A pool with the state ``vector`` of ``terms``, and the variances."""
        pool = copy(self)
        coef, dispersion = terms.coefficients(vector)
        pool.coef = coef if terms.multi_output else coef[:, :, 0]
        pool.gram, pool._resumed = terms.gram, None
        return pool, dispersion if terms.multi_output else dispersion[:, 0]

    @staticmethod
    def _coef_of(design, estimator):
        intercept = np.asarray(estimator.intercept_)
        return np.moveaxis(design.from_user(estimator.coef_, intercept), -1, 0)

    def _penalties(self):
        return 0.0

    def stepped(self, rows, y, weights, information, step):
        """One step on a batch; see :class:`NewtonPool`."""
        coef = self.coef.reshape(*self.coef.shape[:2], -1)
        left = y.reshape(len(y), 1, -1) - self._predict(rows).reshape(
            len(y), self.n_experts, -1
        )
        left *= weights[:, :, None]
        sums = rows.T @ left.reshape(len(y), -1)
        gradient = sums.reshape(-1, *left.shape[1:]).swapaxes(0, 1)
        penalties = np.zeros((self.n_experts, coef.shape[1], coef.shape[1]))
        slopes = slice(int(self.fit_intercept), None)
        penalties[:, slopes, slopes] += self._penalties() / step.total
        now = weighted_grams(rows, weights.T)
        information = averaged(information, now, step.rate)
        moved = newton_step(
            gradient - penalties @ coef, information + penalties, step.rate, len(y)
        )
        return (coef + moved).reshape(self.coef.shape), information

    def without_details(self):
        """The same, whose estimators tell nothing that is of all rows of a fit."""
        pool = copy(self)
        pool.gram = None
        return pool

    def fresh_coef(self, y):
        """Coefficients before the first step: those of a constant."""
        targets = y.reshape(len(y), -1)
        coef = np.zeros((self.n_experts, self.design.n_columns, targets.shape[1]))
        if self.fit_intercept:
            coef[:, 0] = targets.mean(axis=0)
        return coef if y.ndim == 2 else coef[:, :, 0]

    def _predict(self, matrix):
        # Columns of all experts (and outputs) side by side, for one product.
        columns = np.moveaxis(self.coef, 1, 0)
        flat = matrix @ columns.reshape(len(columns), -1)
        return flat.reshape(-1, *columns.shape[1:])

    def _predict_routed(self, matrix, routes):
        coef = self.coef.reshape(*self.coef.shape[:2], -1).swapaxes(1, 2)
        prediction = pair_predictors(matrix, coef, None, routes)
        return prediction if self.coef.ndim == 3 else prediction[:, :, 0]

    @property
    def penalty(self):
        """Least squares maximises the Gaussian likelihood itself."""
        return 0.0

    def _materialise(self, k):
        estimator = self._new_estimator(k)
        slopes, intercept = self.design.to_user(self.coef[k].T)
        estimator.coef_ = slopes
        estimator.intercept_ = intercept if self.fit_intercept else 0.0
        if np.ndim(estimator.intercept_) == 0:
            estimator.intercept_ = np.float64(estimator.intercept_)
        self._add_details(estimator, k)
        return estimator

    def _add_details(self, estimator, k):
        """Rank and singular values of the centred, weighted X, where it is known."""
        if self.gram is None:
            for name in ("rank_", "singular_"):  # of an earlier fit
                vars(estimator).pop(name, None)
            return
        values = np.linalg.eigvalsh(self.gram[k])
        estimator.rank_ = int((values > _SINGULAR * values.max(initial=0.0)).sum())
        scaled = self.gram[k] * np.outer(self.design.scale, self.design.scale)
        eigenvalues = np.linalg.eigvalsh(scaled)[::-1]
        estimator.singular_ = np.sqrt(np.maximum(eigenvalues, 0.0))


class RidgePool(LeastSquaresPool):
    """Ridge regression with one penalty per expert."""

    estimator_class = Ridge
    exact_parameters = {
        "positive": [False],
        "solver": ["auto", "cholesky", "svd"],
    }

    @classmethod
    def fits(cls, estimator):
        """Also asks for one penalty."""
        return super().fits(estimator) and np.ndim(estimator.alpha) == 0

    def _penalties(self):
        alphas = np.array([estimator.alpha for _, estimator in self.experts])
        # A penalty on slopes in the user's units.
        return alphas[:, None, None] * np.diag(self.design.scale**-2.0)

    def _add_details(self, estimator, k):
        estimator.n_iter_ = None
        estimator.solver_ = "cholesky"


def solve_semidefinite(systems, right):
    """Solve K positive semi-definite systems; directions without data get no slope."""
    try:
        pivots = np.einsum("kii->ki", np.linalg.cholesky(systems)) ** 2
        if (pivots.min(axis=1) > _SAFE_PIVOT * pivots.max(axis=1)).all():
            return np.linalg.solve(systems, right)
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(systems)
    kept = values > _SINGULAR * values.max(axis=1, keepdims=True).clip(min=0.0)
    inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)[:, :, None]
    rotated = np.matmul(vectors.transpose(0, 2, 1), right)
    return np.matmul(vectors, inverse * rotated)
