"""The Gaussian gate of localised mixtures of experts (Xu, Jordan & Hinton 1995)."""

from copy import copy
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skmoe._running import averaged, next_step
from skmoe._sklearn_compat import Interval, StrOptions
from skmoe._softmax_regression import log_softmax
from skmoe.gates._bound import BoundGate
from skmoe.gates._gaussian_moments import SHAPES, Units, log_densities
from skmoe.gates._protocol import GateMixin, check_n_experts, check_responsibilities

_SMALLEST_SHARE = np.finfo(np.float64).tiny
# With reg_covar=0: what keeps a density of rows in a plane from being infinite.
_SMALLEST_PRIOR = 1e-10
_FEATURES = ("n_features_in_", "feature_names_in_")


class GaussianGate(GateMixin, BaseEstimator):
    r"""Gate that models where each expert's rows lie, by a Gaussian density of x.

    .. math:: g_k(x) = \frac{\pi_k\, N(x \mid m_k, S_k)}
              {\sum_l \pi_l\, N(x \mid m_l, S_l)}

    Regions are ellipsoids, or bounded by quadrics, where those of a softmax gate are
    bounded by planes. With it, training maximises the likelihood of x and y together
    [1]_, so that what experts have in common in x counts, too, and the M-step is a mean
    and a covariance: a round costs less than one of a softmax gate. ``score_samples(X)``
    of the estimator is log p(x), which is low where a row is like none of the training
    rows; ``bic``, ``aic`` and ``icl`` are those of x and y together.

    Each expert's covariance is pulled towards that of all rows, as if it had
    ``reg_covar`` more rows whose covariance is that of all rows. That is its floor, and a
    part of the objective, ``penalty_``. Nothing depends on units of the columns.
    Directions in which the rows do not vary are left out.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        A matrix for each expert, one for all, variances of each column, or one variance
        for all columns, when these are in standard units.
    reg_covar : float, default=1.0
        Strength of the pull, in rows (of weight one). 0 gives maximum likelihood, which
        is infinite where an expert's rows lie in a plane.

    Attributes
    ----------
    weights_ : ndarray of shape (n_experts,)
        :math:`\pi`.
    means_ : ndarray of shape (n_experts, n_features)
    covariances_ : ndarray
        In units of the columns, of shape (n_experts, n_features, n_features) if "full",
        (n_features, n_features) if "tied", else (n_experts, n_features).
    n_parameters_ : int
    penalty_ : float
        What the pull subtracts from the log-likelihood.
    n_samples_seen_ : float
        Weight of the rows that it was fitted to, and learnt from.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    SoftmaxGate : Models experts given x alone.

    References
    ----------
    .. [1] L. Xu, M. I. Jordan and G. E. Hinton (1995). An alternative model for mixtures
       of experts. Advances in Neural Information Processing Systems 7, 633-640.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import GaussianGate
    >>> X = np.array([[-1.0], [1.0], [-9.0], [9.0], [-10.0], [10.0]])
    >>> inside = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    >>> gate = GaussianGate().fit(X, np.column_stack([inside, 1 - inside]))
    >>> gate.predict_proba([[-9.5], [0.0], [9.5]]).argmax(axis=1)
    array([1, 0, 1])
    """

    _parameter_constraints: dict = {
        "covariance_type": [StrOptions(set(SHAPES))],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, covariance_type="full", *, reg_covar=1.0):
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar

    def fit(self, X, responsibilities, sample_weight=None):
        """Fit a Gaussian to each expert's share of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : GaussianGate
            The fitted gate.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        self.bind(X, weights).update(self, targets)
        return self

    def bind(self, X, weights):
        """Bring X to standard units once, for many fits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        bound : BoundGate
            What fits gates to these rows.
        """
        return _BoundGaussian(self, X, weights)

    def partial_fit(self, X, responsibilities, sample_weight=None, *, step=None):
        """Move the moments of each expert's rows towards those of a batch.

        The first batch decides on units; after ``fit``, its moments are gone on from.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        responsibilities : array-like of shape (n_samples, n_experts)
            Each expert's share of a row; rows sum to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the rows; one each by default.
        step : StepSize, default=None
            How far to go. None counts the rows so far: the last ones weigh most.

        Returns
        -------
        self : GaussianGate
            The gate, a step further.
        """
        self._validate_params()
        targets, weights = check_responsibilities(X, responsibilities, sample_weight)
        is_first = not hasattr(self, "means_")
        X = _check_numbers(self, X, reset=is_first)
        known = None if is_first else len(self.weights_)
        check_n_experts(targets.shape[1], known)
        step = step or next_step(self, weights)
        units = Units.of(X, weights, self._shape.rotates) if is_first else self._units
        shares = targets.T * (weights / step.weight)
        now = _moments(self._shape, units.transform(X), shares)
        earlier = (None,) * 3 if is_first else self._earlier_moments()
        moments = [averaged(*pair, step.rate) for pair in zip(earlier, now, strict=True)]
        self._set(units, moments, step.total)
        return self

    def with_least_share(self, experts, X, share):
        """Copy the gate, and give experts at least a share of all rows.

        Parameters
        ----------
        experts : sequence of int
            Their numbers.
        X : array-like of shape (n_samples, n_features)
            Not used.
        share : float
            Of each, before those of all experts are scaled to sum to one.

        Returns
        -------
        gate : GaussianGate
            The copy, with other shares.
        """
        gate = copy(self)
        gate.weights_ = self.weights_.copy()
        gate.weights_[list(experts)] = np.maximum(self.weights_[list(experts)], share)
        gate.weights_ /= gate.weights_.sum()
        return gate

    def permuted(self, order):
        """Copy the gate, with its experts in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_experts,)
            Numbers of the experts, the first one to be the first.

        Returns
        -------
        gate : GaussianGate
            The copy.
        """
        gate = copy(self)
        gate.weights_, gate.means_ = self.weights_[order], self.means_[order]
        if self.covariance_type != "tied":
            gate.covariances_ = self.covariances_[order]
        own = {name: self._state[name][order] for name in ("means", "covariances")}
        gate._state = {**self._state, **own}
        return gate

    def predict_log_proba(self, X):
        """Log gate probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_experts)
            For each expert, given the row.
        """
        return log_softmax(self.predict_joint_log_proba(X).T).T

    def predict_joint_log_proba(self, X):
        """Log-density of each expert and the row together.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        joint_log_proba : ndarray of shape (n_samples, n_experts)
            The sum of its exponentials is the density p(x).
        """
        check_is_fitted(self)
        X = _check_numbers(self, X, reset=False)
        return self._joint_log_proba(self._units.transform(X))

    def _joint_log_proba(self, rows):
        """That of rows in standard units."""
        state = self._state
        log_joint = log_densities(rows, state["means"], state["covariances"], self._shape)
        log_joint += np.log(np.maximum(self.weights_, _SMALLEST_SHARE))
        log_joint += state["log_volume"]
        return log_joint

    @property
    def _shape(self):
        return SHAPES[self.covariance_type]

    @property
    def _units(self):
        return Units(*(self._state[k] for k in ("center", "projection", "log_volume")))

    def _earlier_moments(self):
        """The moments that are known, per unit of weight."""
        means, covariances = self._state["means"], self._state["covariances"]
        shape, weights = self._shape, self.weights_
        second = covariances + shape.squares(means)
        return weights, weights[:, None] * means, _beside(weights, second) * second

    def _set(self, units, moments, total):
        """Take on what follows from moments per unit of weight, of rows of a weight."""
        shape = self._shape
        mass, first, second = moments
        present = np.maximum(mass, _SMALLEST_SHARE)
        means = first / present[:, None]
        spread = shape.spread(second / _beside(present, second), means)
        covariances = shape.estimate(
            mass, spread, max(self.reg_covar / total, _SMALLEST_PRIOR)
        )
        n_experts, n_directions = means.shape
        n_spreads = shape.n_parameters(n_experts, n_directions)
        self.weights_ = mass / mass.sum()
        self.means_ = units.to_user(means)
        self.covariances_ = shape.published(covariances, units)
        self.penalty_ = float(shape.penalty(covariances, self.reg_covar))
        self.n_parameters_ = n_experts - 1 + n_experts * n_directions + n_spreads
        self._state = {**vars(units), "means": means, "covariances": covariances}


class _BoundGaussian(BoundGate):
    """Gaussian gates and the rows that they are fitted to; see ``BoundGate``."""

    def __init__(self, gate, X, weights):
        checker = copy(gate)
        self.X = X = _check_numbers(checker, X, reset=True)
        self.features = {k: v for k, v in vars(checker).items() if k in _FEATURES}
        self.units = Units.of(X, weights, gate._shape.rotates)
        self.rows = self.units.transform(X)
        self.weights = weights

    def subset(self, X, rows):
        """The same for some rows, in the same units."""
        part = copy(self)
        part.X, part.rows = self.X[rows], self.rows[rows]
        part.weights = self.weights[rows]
        return part

    def fit(self, gate, responsibilities):
        """A fitted copy of ``gate``."""
        gate = copy(gate)
        self.update(gate, responsibilities)
        return gate

    def update(self, gate, responsibilities):
        """Fit ``gate`` itself, by binding new attributes."""
        total = float(self.weights.sum())
        if issparse(responsibilities):
            responsibilities = responsibilities.toarray()
        shares = responsibilities.T * (self.weights / total)
        vars(gate).pop("feature_names_in_", None)
        vars(gate).update(self.features, n_samples_seen_=total)
        gate._set(self.units, _moments(gate._shape, self.rows, shares), total)

    def joint_log_proba(self, gate):
        """Log-densities of each expert and these rows together."""
        units = gate._units
        # One that was fitted to other rows has units of its own.
        rows = self.rows if units.same_as(self.units) else units.transform(self.X)
        return gate._joint_log_proba(rows)


def _moments(shape, rows, shares):
    """Mass, sums and sums of squares of each expert's rows."""
    return shares.sum(axis=1), shares @ rows, shape.second_moments(rows, shares)


def _beside(values, moments):
    """Values of the experts with axes of one, to go with moments of theirs."""
    return values.reshape(-1, *[1] * (moments.ndim - 1))


def _check_numbers(gate, X, reset):
    if issparse(X):
        raise TypeError(
            "GaussianGate: X is sparse, and densities of its rows are not; use "
            "gate='softmax', or give the gate a few dense columns in a pipeline."
        )
    return validate_data(gate, X, dtype=np.float64, reset=reset)
