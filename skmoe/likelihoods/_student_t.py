"""Errors with heavy tails around an expert's prediction."""

import numpy as np
from scipy.special import betaln, digamma, stdtr, stdtrit
from sklearn.base import BaseEstimator

from skmoe.likelihoods._checks import check_one_output
from skmoe.likelihoods._floors import check_floor, smallest_variance
from skmoe.likelihoods._residuals import own_residuals, within_fences

# Estimated degrees of freedom end just above two, so that every density has a variance,
# and where one can no longer tell the density from a normal one.
_SMALLEST_DF, _LARGEST_DF = 2.1, 200.0
# Of the logarithms of degrees of freedom and of squared scales. At the maximum, an error
# of the first lowers the likelihood by its square.
_DF_TOLERANCE, _SCALE_TOLERANCE = 1e-6, 1e-11
_MAX_STEPS = 100


class StudentTLikelihood(BaseEstimator):
    r"""Student's t density: outliers pull an expert less, the farther they lie.

    .. math:: f_k(y \mid x) = \frac{1}{s_k}\,
              t_{\nu_k}\!\left(\frac{y - \mu_k(x)}{s_k}\right)

    The dispersion holds :math:`s_k^2`, the squared scale in squared units of y, and the
    degrees of freedom :math:`\nu_k`. Both together are the most likely ones given the
    predictions. The variance is :math:`s_k^2 \nu_k / (\nu_k - 2)`. The target has one
    output.

    A t density is a normal one whose precision is drawn for each row. Experts are fitted
    with responsibilities times the expected precision,
    :math:`(\nu_k + 1) / (\nu_k + r^2 / s_k^2)` at the residual r before the step (Peel
    and McLachlan 2000, equation 20). With experts that are fitted to weighted squared
    errors the objective never falls.

    Parameters
    ----------
    df : float or None, default=None
        Degrees of freedom :math:`\nu`, of all experts. None estimates them for each
        expert, between 2.1, so that every density has a variance, and 200, which is as
        good as normal. Up to one, a density has no mean, and ``predict`` tells its
        middle.
    floor : "auto" or float, default="auto"
        Smallest scale, in units of y; see :class:`GaussianLikelihood`.

    References
    ----------
    .. [1] D. Peel and G. J. McLachlan (2000). Robust mixture modelling using the t
       distribution. Statistics and Computing 10, 339-348.
    .. [2] W. Yao, Y. Wei and C. Yu (2014). Robust mixture regression using the
       t-distribution. Computational Statistics and Data Analysis 71, 116-127.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import StudentTLikelihood
    >>> y, prediction = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 50.0]), np.zeros((6, 1))
    >>> likelihood = StudentTLikelihood(df=3)
    >>> dispersion = likelihood.fit_dispersion(y, prediction, np.ones((6, 1)))
    >>> dispersion.round(2)
    array([[1.38, 3.  ]])
    >>> likelihood.expert_weights(y, prediction, dispersion)[:, 0].round(1)
    array([1.1, 1.3, 1.3, 1.3, 1.1, 0. ])
    """

    def __init__(self, df=None, floor="auto"):
        self.df = df
        self.floor = floor

    def check_target(self, y):
        """Raise where y has several outputs, or a parameter is none of its choices.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_one_output(y, "student_t")
        check_floor(self.floor)
        is_number = isinstance(self.df, (int, float, np.number))
        if self.df is not None and not (is_number and 0 < self.df < np.inf):
            raise ValueError(
                f"df={self.df!r} of StudentTLikelihood must be a number above 0, or None "
                "to be estimated."
            )

    def log_prob(self, y, prediction, dispersion):
        """Log-density of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        prediction : ndarray of shape (n_samples, n_experts)
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
        """
        squared_scale, df = _split(dispersion)
        ratio = np.square(y[:, None] - prediction)
        ratio /= df * squared_scale
        log_prob = np.log1p(ratio, out=ratio)
        log_prob *= -0.5 * (df + 1)
        log_prob -= 0.5 * np.log(df * squared_scale) + betaln(0.5, 0.5 * df)
        return log_prob

    def expert_weights(self, y, prediction, dispersion):
        """Expected precision of each row under each expert, in units of its scale.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        prediction : ndarray of shape (n_samples, n_experts)
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts)
        """
        squared_scale, df = _split(dispersion)
        return (df + 1) / (df + (y[:, None] - prediction) ** 2 / squared_scale)

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Most likely squared scale and degrees of freedom of each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        prediction : ndarray of shape (n_samples, n_experts)
        weights : ndarray of shape (n_samples, n_experts)
        floor : float, default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts, 2)
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        residuals, shares = own_residuals(y, prediction, weights)
        profile = _Profile(residuals.T**2, shares.T, floor)
        if self.df is not None:
            df = np.full(prediction.shape[1], float(self.df))
        else:
            df = _most_likely_df(profile)
        return np.column_stack([profile.squared_scale(df), df])

    def start_target(self, y, weights):
        """y as a start should see it, with outliers pulled in.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        weights : ndarray of shape (n_samples,)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return within_fences(y, weights)

    def smallest_dispersion(self, y, weights):
        """The floor of the squared scales; outliers do not raise it.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
        weights : ndarray of shape (n_samples,)

        Returns
        -------
        floor : float
        """
        return smallest_variance(within_fences(y, weights), weights, self.floor)

    def mean(self, prediction, dispersion):
        """Middle of each expert's density, of the shape of ``prediction``."""
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density; infinite up to two degrees of freedom."""
        squared_scale, df = _split(dispersion)
        has_variance = df > 2
        variance = squared_scale * df / np.where(has_variance, df - 2, 1.0)
        variance = np.where(has_variance, variance, np.inf)
        return np.broadcast_to(variance, prediction.shape)

    def cdf(self, y, prediction, dispersion):
        """P(Y <= y) under each expert; y broadcasts against ``prediction``."""
        squared_scale, df = _split(dispersion)
        return stdtr(df, (y - prediction) / np.sqrt(squared_scale))

    def ppf(self, q, prediction, dispersion):
        """Quantile of each expert; q broadcasts against ``prediction``."""
        squared_scale, df = _split(dispersion)
        q = np.asarray(q)
        inside = (q > 0) & (q < 1)
        quantile = stdtrit(df, np.where(inside, q, 0.5))
        quantile = np.where(inside, quantile, np.where(q > 0, np.inf, -np.inf))
        return prediction + quantile * np.sqrt(squared_scale)

    def rvs(self, prediction, dispersion, random_state):
        """One draw for each entry of ``prediction``, from a RandomState."""
        squared_scale, df = _split(dispersion)
        noise = random_state.standard_t(df, size=prediction.shape)
        return prediction + noise * np.sqrt(squared_scale)

    def n_parameters(self, dispersion):
        """A scale for each expert and, where estimated, its degrees of freedom."""
        return len(dispersion) * (2 if self.df is None else 1)


def _split(dispersion):
    return dispersion[..., 0], dispersion[..., 1]


class _Profile:
    """Likelihood of each expert's residuals as a function of the degrees of freedom.

    Parameters
    ----------
    squares : ndarray of shape (n_experts, n_samples)
        Squared residuals.
    shares : ndarray of shape (n_experts, n_samples)
        Weights that sum to one for each expert.
    floor : float
        Smallest squared scale.
    """

    def __init__(self, squares, shares, floor):
        self.squares = np.ascontiguousarray(squares)
        self.shares = np.ascontiguousarray(shares)
        self.floor = float(floor)
        self.mean_square = self._average(squares)
        self.log_scale = np.log(np.maximum(self.mean_square, self.floor))

    def _average(self, values):
        return np.einsum("kn,kn->k", self.shares, values)

    def squared_scale(self, df):
        """Most likely squared scale, by Newton's method within a bracket.

        It solves sum_i w_i ((df + 1) r_i^2 / (df s^2 + r_i^2) - 1) = 0, whose left side
        falls with s, for log s^2, from the solution that was found last.
        """
        low = np.full(len(df), np.log(self.floor))
        high = np.log1p(1 / df) + np.log(np.maximum(self.mean_square, self.floor))
        z = np.clip(self.log_scale, low, high)
        untested = np.full(len(df), True)  # whether it is the floor
        for _ in range(_MAX_STEPS):
            part = self.squares / ((df * np.exp(z))[:, None] + self.squares)
            score = (df + 1) * self._average(part) - 1
            slope = (df + 1) * self._average(part * (1 - part))
            low, high = np.where(score > 0, z, low), np.where(score > 0, high, z)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = z + score / slope
            inside = (step >= low) & (step <= high)
            to_floor = untested & (step < low)
            untested &= ~to_floor
            moved = np.where(inside, step, 0.5 * (low + high))
            moved = np.where(to_floor, low, moved)
            change, z = np.abs(moved - z).max(), moved
            if change <= _SCALE_TOLERANCE:
                break
        self.log_scale = z
        return np.exp(z)

    def evaluate(self, df):
        """Mean log-likelihood at the most likely scale, and its slope by log df."""
        squared_scale = self.squared_scale(df)
        ratio = self.squares / (df * squared_scale)[:, None]
        log_tail = self._average(np.log1p(ratio))
        part = self._average(ratio / (1 + ratio))
        value = -0.5 * (df + 1) * log_tail - 0.5 * np.log(df * squared_scale)
        value -= betaln(0.5, 0.5 * df)
        slope = digamma(0.5 * (df + 1)) - digamma(0.5 * df) - 1 / df
        slope += (df + 1) / df * part - log_tail
        return value, 0.5 * df * slope


def _most_likely_df(profile):
    """Maximise the profile between the bounds: its slope's root, or an end.

    The root by regula falsi (Illinois) in log df, all experts at once.
    """
    n_experts = len(profile.mean_square)
    low = np.full(n_experts, np.log(_SMALLEST_DF))
    high = np.full(n_experts, np.log(_LARGEST_DF))
    value_high, slope_high = profile.evaluate(np.exp(high))
    value_low, slope_low = profile.evaluate(np.exp(low))
    ends = np.where(value_low > value_high, low, high)
    value_ends = np.maximum(value_low, value_high)
    bracketed = (slope_low > 0) & (slope_high < 0)
    if not bracketed.any():
        return np.exp(ends)
    last = np.zeros(n_experts)
    middle, done = ends, ~bracketed
    for _ in range(_MAX_STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = high - slope_high * (high - low) / (slope_high - slope_low)
        # What is found stays, however many steps other experts need.
        moves = ~done & (secant > low) & (secant < high)
        middle = np.where(moves, secant, middle)
        value, slope = profile.evaluate(np.exp(middle))
        rising = bracketed & (slope > 0)
        falling = bracketed & ~rising
        # An end that stays twice loses half its slope, so that it moves as well.
        slope_high = np.where(rising & (last > 0), 0.5 * slope_high, slope_high)
        slope_low = np.where(falling & (last < 0), 0.5 * slope_low, slope_low)
        moved = np.where(rising, middle - low, np.where(falling, high - middle, 0.0))
        low, slope_low = np.where(rising, middle, low), np.where(rising, slope, slope_low)
        high = np.where(falling, middle, high)
        slope_high = np.where(falling, slope, slope_high)
        last = np.where(rising, 1.0, -1.0)
        done |= np.minimum(moved, high - low) <= _DF_TOLERANCE
        if done.all():
            break
    return np.exp(np.where(bracketed & (value >= value_ends), middle, ends))
