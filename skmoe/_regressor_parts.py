"""What a regressor makes of its parameters: experts, target and likelihood."""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils import column_or_1d

from skmoe._block_targets import NumberTarget
from skmoe._fitting import is_linear
from skmoe._gradient_search import check_likelihood_learns
from skmoe._row_sizes import check_sized_target, sizes_of_rows
from skmoe._validation import check_regression_target
from skmoe.experts import (
    PoolBesideConstant,
    SharedPool,
    check_shared_expert,
    make_incremental_regressor_pool,
    make_incremental_shared_pool,
    make_regressor_pool,
    make_sized_pool,
)
from skmoe.likelihoods import check_likelihood, component_of, with_sizes


class RegressorPartsMixin:
    """Experts, target and likelihood of a regressor."""

    def _default_expert(self):
        try:
            return getattr(self._make_likelihood(), "default_expert", LinearRegression)()
        except ValueError:  # to be told when it is fitted, not by a tag
            return LinearRegression()

    def _make_likelihood(self):
        return check_likelihood(self.likelihood)

    def _make_pool(self, experts, data, learned, draw, random_state):
        pool = self._pool_of_experts(experts, data, draw, random_state)
        likelihood = self._make_likelihood()
        if component_of(likelihood) is None:
            return pool
        return PoolBesideConstant(pool, likelihood.component_prediction(data.target))

    def _pool_of_experts(self, experts, data, draw, random_state):
        shared = check_shared_expert(self.shared_expert, random_state)
        target, likelihood = data.target, self._make_likelihood()
        if shared is not None:
            self._check_additive()
        if _is_sized(target, likelihood):
            options = {"draw": draw, "n_jobs": self.n_jobs}
            return make_sized_pool(experts, data.X, target, likelihood, **options)
        if shared is not None:  # what it leaves is of either sign
            target = target - target.mean(axis=0)

        def make(experts):
            return make_regressor_pool(
                experts, data.X, target, draw=draw, n_jobs=self.n_jobs
            )

        return make(experts) if shared is None else SharedPool(shared, experts, make)

    def _check_additive(self):
        likelihood = self._make_likelihood()
        if component_of(likelihood) is not None:
            raise ValueError(
                "shared_expert: its prediction is added to that of each expert, and the "
                f"component of {type(likelihood).__name__} predicts a constant; use "
                "likelihood='gaussian', 'student_t' or 'laplace', or no shared expert."
            )
        if hasattr(likelihood, "is_positive") or hasattr(likelihood, "is_discrete"):
            raise ValueError(
                "shared_expert: predictions of the shared expert and of another are "
                f"added, and {type(likelihood).__name__} asks for positive ones; use "
                "likelihood='gaussian', 'student_t' or 'laplace', or no shared expert."
            )

    def _is_linear(self, experts):
        shared = self.shared_expert
        return super()._is_linear(experts) and (shared is None or is_linear(shared))

    def _strata(self, data):
        """What folds are balanced by: nothing."""

    def _publish(self, found, data, learned):
        own = {
            "dispersion_floor_": data.floor(found.best.parts.likelihood),
            "inlier_mask_": _inliers(found.best, data),
            "shared_expert_": getattr(found.best.parts.pool, "shared_fitted", None),
        }
        super()._publish(found, data, {**learned, **own})

    def _check_y(self, y):
        y = check_regression_target(y)
        if self._takes_one_output and y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return self._check_range(y, self._make_likelihood())

    @property
    def _takes_one_output(self):
        return getattr(self.likelihood, "takes_one_output", False)

    def _check_range(self, y, likelihood):
        if hasattr(likelihood, "check_target"):
            likelihood.check_target(y)
        return y

    def _with_sizes(self, X, y, sizes):
        likelihood = self._make_likelihood()
        given = sizes or {}
        sizes = sizes_of_rows(likelihood, given, X)
        if sizes is None:
            return y
        if given and self.solver == "gradient":
            check_likelihood_learns(likelihood)
            raise ValueError(
                f"{likelihood.size_name}: solver='gradient' takes none; use "
                "solver='em', 'hard-em' or 'stochastic-em'."
            )
        check_sized_target(likelihood, y, sizes)
        return with_sizes(y, sizes)

    def _observed(self, y):
        return y[:, 0] if _is_sized(y, self._make_likelihood()) else y

    def _encode(self, y):
        """Target of the likelihood, columns for a start, and what to remember."""
        if _is_sized(y, self._make_likelihood()):
            return y, y[:, :1] / y[:, 1:], {"_n_outputs": None}
        n_outputs = y.shape[1] if y.ndim == 2 else None
        return y, self._columns_of(y), {"_n_outputs": n_outputs}

    @staticmethod
    def _columns_of(target):
        """The target as columns, of which a start is made."""
        return target.reshape(len(target), -1)

    def _block_target(self, y_shape):
        """The target of rows in blocks."""
        return NumberTarget(self._make_likelihood(), y_shape)

    def _encode_known(self, y):
        return self._encode_like(y, {"_n_outputs": self._n_outputs})

    def _encode_like(self, y, learned):
        """The target, of as many outputs as were learned of."""
        y, known = check_regression_target(y), learned["_n_outputs"]
        n_outputs = y.shape[1] if y.ndim == 2 else None
        if n_outputs != known:
            raise ValueError(
                f"y has shape {y.shape}; the model was fitted with "
                f"{known or 'one column of'} outputs."
            )
        return self._check_range(y, self._make_likelihood())

    def _make_incremental_pool(self, experts, X, y, learned, random_state):
        options = {"random_state": random_state, "n_jobs": self.n_jobs}
        shared = check_shared_expert(self.shared_expert, random_state)
        if shared is None:
            return make_incremental_regressor_pool(experts, X, y, **options)
        self._check_additive()
        return make_incremental_shared_pool(shared, experts, X, y, **options)

    def _input_parts(self):
        parts = super()._input_parts()
        return parts if self.shared_expert is None else [*parts, self.shared_expert]


def _inliers(best, data):
    """Which of the user's rows are more likely an expert's than noise, or None."""
    if component_of(best.parts.likelihood) != "noise":
        return None
    inliers = np.ones(len(data.present), dtype=bool)
    inliers[data.present] = best.responsibilities[:, -1] <= 0.5
    return inliers


def _is_sized(target, likelihood):
    """Whether the second column of a target is the size of each row."""
    return target.ndim == 2 and hasattr(likelihood, "size_name")
