"""What the pools share that fit linear experts together rather than one by one."""

from copy import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils.validation import check_array, validate_data

from skmoe._design import Design
from skmoe._naming import naming_expert
from skmoe.experts._columns import Columns
from skmoe.experts._together import TogetherMixin

# Above this, scikit-learn's own solvers are faster than the normal equations.
_MAX_COLUMNS = 500


class ClosedFormPool(TogetherMixin):
    """Linear experts with one common design matrix.

    Coefficients live in standard units, as an array of shape (n_experts, ...), and are
    turned into the user's scikit-learn estimators once, by :meth:`estimators`.

    Parameters
    ----------
    experts : list of (name, estimator)
        Linear models of one class, that differ at most in their penalty.
    """

    #: The scikit-learn class, and the parameters that change what is fitted, with the
    #: values under which this pool's solution is the estimator's own.
    estimator_class: type
    exact_parameters: dict
    #: The axis of ``coef`` that belongs to the columns of the design.
    column_axis = -1

    def __init__(self, experts):
        self.experts = experts
        self.iteration = None
        self.fit_intercept = experts[0][1].fit_intercept
        self.coef = None
        self._source = None
        self._resumed = None

    @classmethod
    def supports(cls, estimators, X, y):
        """Whether this pool fits just what these estimators would."""
        return (
            all(cls.fits(estimator) for estimator in estimators)
            and len({estimator.fit_intercept for estimator in estimators}) == 1
            and _is_plain_table(X)
        )

    @classmethod
    def fits(cls, estimator):
        """Whether it is one of the estimators whose solution the pool finds."""
        return type(estimator) is cls.estimator_class and all(
            getattr(estimator, name, values[0]) in values
            for name, values in cls.exact_parameters.items()
        )

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts)

    def bind(self, X, weights, design=None):
        """Prepare for many fits to X, whose rows have these ``weights``.

        A ``design`` that others have made of the same rows is taken over.
        """
        if X is not self._source and design is not None:
            checked = self._check(X)
            # A dataframe has been turned into an array once for each of them.
            if design.fit_intercept == self.fit_intercept and design.holds(checked):
                self.design, self._source, self._total = design, X, weights
        self._bind(X, weights[:, None])

    def subset(self, X, rows):
        """A pool bound to some rows, which are X, in the same units."""
        pool = copy(self)
        pool._source, pool._total = X, self._total[rows]
        pool.design = self.design.subset(rows)
        return pool

    def unfitted(self, rows):
        """An unfitted pool of the same experts, for fits to these rows."""
        pool = copy(self)
        pool.coef = pool._source = pool._resumed = None
        return pool

    def reweighted(self, X, weights):
        """A pool for a fit to X by other ``weights``, in the units of those bound to."""
        pool = copy(self)
        if X is pool._source:
            pool._total = weights.sum(axis=1)
        return pool

    def with_rows(self, X, weights):
        """A pool bound to other rows, in the same units."""
        pool = copy(self)
        pool._source, pool._total = X, weights
        pool.design = self.design.with_rows(self._check(X))
        return pool

    def in_units(self, mean, scale):
        """Take on the units that these moments of the columns give."""
        earlier, self.design = self.design, self.design.in_units(mean, scale)
        if self.coef is not None:
            self._convert(earlier, self.design)

    def terms(self, y, weights, likelihood, whole=None):
        """The experts' part of the log-likelihood, or None if they do not maximise it.

        Where y is a part of all rows, ``whole`` (TargetStatistics) is of all.
        """
        return None

    def _bind(self, X, weights):
        """The design of X; kept, as training comes back with the same X and weights."""
        total = weights.sum(axis=1)
        if self._source is not X or not np.allclose(total, self._total, atol=0.0):
            self.design = Design(self._check(X), total, self.fit_intercept)
            self._source, self._total = X, total
        return self.design

    def _begin(self, X, weights):
        """The design to be fitted to, in whose units earlier coefficients are.

        With dense weights these are no more than a start, in whatever units; with sparse
        ones an expert without rows keeps them.
        """
        earlier, self._resumed = vars(self).get("design"), None
        design = self._bind(X, weights)
        if issparse(weights) and self.coef is not None and design is not earlier:
            self._convert(earlier, design)
        return design

    def _convert(self, earlier, design):
        """Coefficients in the units of one design to those of another."""
        coef = np.moveaxis(self.coef, self.column_axis, -1)
        coef = design.from_user(*earlier.to_user(coef))
        self.coef = np.moveaxis(coef, -1, self.column_axis)

    def _groups(self, design, weights):
        """Experts that are fitted together, and the rows that they are fitted to.

        Yields
        ------
        experts : sequence of int
            All, or with sparse weights one that has rows.
        design : Design
            Of these rows, in the same units.
        rows : slice or ndarray of int
        weights : ndarray of shape (n_rows, n_experts)
        """
        if not issparse(weights):
            yield range(self.n_experts), design, slice(None), weights
            return
        columns = Columns(weights)
        for k in range(self.n_experts):
            rows, own = columns[k]
            if rows.size:
                yield [k], design.subset(rows), rows, own[:, None]

    def _check(self, X):
        name, template = self.experts[0]
        with naming_expert(name, template, self.iteration):
            return check_array(
                X,
                dtype=(np.float64, np.float32),
                accept_sparse="csr",
                estimator=template,
            )

    def predict(self, X):
        """Predictions of shape (n_samples, n_experts[, n_outputs or n_classes])."""
        if X is self._source:
            return self._predict(self.design.matrix)
        return self._predict(self.design.transform(self._check(X)))

    def predict_routed(self, X, routes):
        """The same of the routed pairs only: (n_samples, top_k[, ...])."""
        if X is self._source:
            return self._predict_routed(self.design.matrix, routes)
        return self._predict_routed(self.design.transform(self._check(X)), routes)

    def resume(self, X, y, weights, estimators):
        """Take over the state of fitted estimators."""
        for (name, template), earlier in zip(self.experts, estimators, strict=True):
            if not hasattr(earlier, "coef_"):
                raise ValueError(
                    f"warm_start: the earlier expert {name!r} is a "
                    f"{type(earlier).__name__}, this one a {type(template).__name__}; "
                    "set warm_start=False to start afresh."
                )
        design = self._bind(X, weights[:, None])
        self.coef = np.stack([self._coef_of(design, est) for est in estimators])
        self._resumed = list(estimators)

    def estimators(self):
        """The fitted scikit-learn estimators."""
        if self._resumed is not None:
            return self._resumed
        return [self._materialise(k) for k in range(len(self.experts))]

    def _new_estimator(self, k):
        """A clone of expert k that knows its features, as after ``fit``."""
        template = self.experts[k][1]
        if hasattr(template, "n_features_in_"):  # as between batches
            return copy(template)
        estimator = clone(template)
        validate_data(estimator, self._source, skip_check_array=True)
        return estimator


def _is_plain_table(X):
    """Whether all of X is numbers, and not too many columns for normal equations."""
    if X.shape[1] > _MAX_COLUMNS:
        return False
    return issparse(X) or np.asarray(X).dtype.kind in "biuf"
