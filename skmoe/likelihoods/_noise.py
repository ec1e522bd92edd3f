"""A component for rows that belong to no expert."""

import numpy as np

from skmoe.likelihoods._checks import check_one_output
from skmoe.likelihoods._extra import ExtraComponentLikelihood
from skmoe.likelihoods._residuals import (
    is_within_fences,
    weighted_quantiles,
    within_fences,
)

# Residuals of a start that are so many times their median are noise: beyond four standard
# deviations of a normal density.
_FAR = 6.0
# Shares of noise in a row to start with.
_SHARE_FAR, _SHARE_NEAR = 0.9, 0.02
# Of the width, and of the middle: rows at the ends are inside, whatever rounding does.
_SLACK, _ROUNDING = 1e-9, 1e-15


class NoiseLikelihood(ExtraComponentLikelihood):
    r"""Experts, and a uniform density for rows that belong to none of them.

    .. math:: p(y \mid x) = \sum_{k=1}^K g_k(x)\, f_k(y \mid x)
              + g_{K+1}(x)\, \frac{1}{b - a}, \quad a \le y \le b

    Outliers pull no expert and need no wider one: they are noise, spread over the range
    :math:`[a, b]` of the training target [1]_ [2]_. How much noise there is, and where,
    is for the gate to learn, as of any expert. With ``gate="constant"`` its share is the
    same everywhere.

    The component is the last column of everything: with ``n_experts=2`` there are three
    gate probabilities and responsibilities, and ``n_experts_`` is 3. The last of
    ``experts_`` is a ``DummyRegressor`` that predicts the middle of the range; its name
    is "noise". ``inlier_mask_`` of the fitted regressor tells which rows are more likely
    an expert's than noise, and ``responsibilities`` how likely each is noise.

    Parameters
    ----------
    likelihood : {"gaussian", "student_t", "laplace"} or likelihood, default="gaussian"
        What the experts are scored by: one of a continuous target, with dispersions that
        do not depend on x.

    See Also
    --------
    StudentTLikelihood : Outliers that belong to an expert, but pull it less.
    ZeroInflatedLikelihood : A component for zeros.

    Notes
    -----
    The density is :eq:`eq-noise`. The last dispersion is the variance of the uniform
    density, :math:`(b - a)^2 / 12`, and infinite degrees of freedom with "student_t". The
    range is no parameter that information criteria count, the share is the gate's.

    The mean of the density, which ``predict`` gives, contains the noise: it lies a little
    towards the middle of the range. ``predict_experts`` tells what experts say, and
    ``to_hard_router`` sends no row to the noise.

    If there are no outliers, the share of noise becomes small. The component is not
    revived then, nor is there a warning.

    References
    ----------
    .. [1] J. D. Banfield and A. E. Raftery (1993). Model-based Gaussian and non-Gaussian
       clustering. Biometrics 49, 803-821.
    .. [2] C. Hennig (2004). Breakdown points for maximum likelihood estimators of
       location-scale mixtures. Annals of Statistics 32, 1313-1340.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.likelihoods import NoiseLikelihood
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> y = 2 * X[:, 0] + 0.1 * np.sin(50 * X[:, 0])
    >>> y[[10, 40, 70]] = [30.0, -20.0, 25.0]
    >>> model = MixtureOfExpertsRegressor(
    ...     n_experts=1, gate="constant", likelihood=NoiseLikelihood()
    ... )
    >>> model.fit(X, y).expert_load_.round(2)
    array([0.97, 0.03])
    >>> np.flatnonzero(~model.inlier_mask_)
    array([10, 40, 70])
    >>> model.experts_[0].coef_.round(1)
    array([2.])
    """

    component = "noise"

    def __init__(self, likelihood="gaussian"):
        super().__init__(likelihood)

    def check_target(self, y):
        """Check that y has one output, and the experts' likelihood is continuous.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs, or if the experts' likelihood is one of counts or
            positive targets, or has dispersions that depend on x.
        """
        check_one_output(y, "NoiseLikelihood")
        super().check_target(y)

    def _check_base(self):
        base = self.base
        kind = type(base).__name__
        if hasattr(base, "fit_dispersion_model"):
            raise ValueError(
                f"likelihood={kind} of NoiseLikelihood has dispersions that depend on x, "
                "and those of noise do not; use dispersion='expert' or 'tied'."
            )
        names = ("is_discrete", "is_positive", "component")
        if any(hasattr(base, name) for name in names):
            raise ValueError(
                f"likelihood={kind} of NoiseLikelihood is none of a continuous target of "
                "any sign; use 'gaussian', 'student_t' or 'laplace'."
            )

    def component_prediction(self, y):
        """Predict the middle of the target's range.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, of all rows.

        Returns
        -------
        prediction : float
            In units of y.
        """
        low, high = y.min(), y.max()
        return float(low + 0.5 * (high - low))

    def start_rows(self, y, weights):
        """Choose the rows that a start is made of: those within Tukey's outer fences.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, or what experts alone leave of it.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        rows : ndarray of bool, of shape (n_samples,)
            Those no farther from the quartiles than three interquartile ranges.
        """
        return is_within_fences(y, weights)

    def starting_share(self, y, weights, residuals):
        """Share of noise in each row to start with: large where residuals are.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target.
        weights : ndarray of shape (n_samples,)
            Of the rows.
        residuals : ndarray of shape (n_samples, n_experts)
            Of linear fits to the rows that a start gives each expert.

        Returns
        -------
        share : ndarray of shape (n_samples,)
            Between zero and one.
        """
        error = np.abs(residuals).min(axis=1)
        (middle,) = weighted_quantiles(error, weights, [0.5])
        return np.where(error > _FAR * middle, _SHARE_FAR, _SHARE_NEAR)

    def smallest_dispersion(self, y, weights):
        """Floor of the experts' dispersions; outliers do not raise it.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, of all rows.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        floor : float or None
            In squared units of y; None where the experts' likelihood tells none.
        """
        if not hasattr(self.base, "smallest_dispersion"):
            return None
        return self.base.smallest_dispersion(within_fences(y, weights), weights)

    def _dispersion(self, y, floor, shape):
        """The uniform density's variance, in the place of a scale."""
        variance = np.ptp(y) ** 2 / 12
        last = np.full(shape, np.inf)
        # A target without any spread has no uniform density.
        last.flat[0] = max(variance, np.finfo(float).tiny if floor is None else floor)
        return last

    def _log_prob(self, y, prediction, dispersion):
        half = _half_width(dispersion)
        reach = half * (1.0 + _SLACK) + _ROUNDING * np.abs(prediction)
        return np.where(np.abs(y - prediction) <= reach, -np.log(2 * half), -np.inf)

    def _cdf(self, y, prediction, dispersion):
        half = _half_width(dispersion)
        return np.clip(0.5 + (y - prediction) / (2 * half), 0.0, 1.0)

    def _ppf(self, q, prediction, dispersion):
        return prediction + (2.0 * q - 1.0) * _half_width(dispersion)

    def _rvs(self, prediction, dispersion, random_state):
        spread = random_state.uniform(-1.0, 1.0, size=prediction.shape)
        return prediction + spread * _half_width(dispersion)

    def _variance(self, prediction, dispersion):
        return _half_width(dispersion) ** 2 / 3


def _half_width(dispersion):
    """Half the width of uniform densities, whose variance leads their dispersion."""
    variance = dispersion if dispersion.ndim == 1 else dispersion[..., 0]
    return np.sqrt(3.0 * variance)
