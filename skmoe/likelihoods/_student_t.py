"""Errors with heavy tails around an expert's prediction."""

import numpy as np
from scipy.special import betaln, stdtr, stdtrit
from sklearn.base import BaseEstimator

from skmoe.likelihoods._checks import check_one_output
from skmoe.likelihoods._floors import check_floor, smallest_variance
from skmoe.likelihoods._residuals import is_within_fences, own_residuals, within_fences
from skmoe.likelihoods._student_t_profile import Profile, most_likely_df


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

    See Also
    --------
    LaplaceLikelihood : With tails of one fixed kind; cheaper.
    GaussianLikelihood : For errors without outliers.

    Notes
    -----
    The density is :eq:`eq-student-t`.

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
        """Check that y has one output, and parameters are of their choices.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs, or ``df`` or ``floor`` is none of its choices.
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
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats.
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
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, before it is fitted again.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts)
            What responsibilities are multiplied by when experts are fitted.
        """
        squared_scale, df = _split(dispersion)
        return (df + 1) / (df + (y[:, None] - prediction) ** 2 / squared_scale)

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Most likely squared scale and degrees of freedom of each expert.

        An expert without rows is as uncertain as the target itself.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        weights : ndarray of shape (n_samples, n_experts)
            Responsibilities, times the rows' weights.
        floor : float, default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts, 2)
            Squared scales in squared units of y, none below the floor, and degrees of
            freedom.
        """
        if floor is None:
            floor = self.smallest_dispersion(y, weights.sum(axis=1))
        residuals, shares = own_residuals(y, prediction, weights)
        profile = Profile(residuals.T**2, shares.T, floor)
        if self.df is not None:
            df = np.full(prediction.shape[1], float(self.df))
        else:
            df = most_likely_df(profile)
        return np.column_stack([profile.squared_scale(df), df])

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

    def start_target(self, y, weights):
        """Pull in outliers, for a start that knows squared errors only.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            No farther from the quartiles than three interquartile ranges.
        """
        return within_fences(y, weights)

    def smallest_dispersion(self, y, weights):
        """Floor of the squared scales; outliers do not raise it.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target, of all rows.
        weights : ndarray of shape (n_samples,)
            Of the rows.

        Returns
        -------
        floor : float
            In squared units of y.
        """
        return smallest_variance(within_fences(y, weights), weights, self.floor)

    def mean(self, prediction, dispersion):
        """Middle of each expert's density, its mean where there is one.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            The predictions themselves.
        """
        return prediction

    def variance(self, prediction, dispersion):
        """Variance of each expert's density.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared units of y; infinite up to two degrees of freedom.
        """
        squared_scale, df = _split(dispersion)
        has_variance = df > 2
        variance = squared_scale * df / np.where(has_variance, df - 2, 1.0)
        variance = np.where(has_variance, variance, np.inf)
        return np.broadcast_to(variance, prediction.shape)

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        squared_scale, df = _split(dispersion)
        return stdtr(df, (y - prediction) / np.sqrt(squared_scale))

    def ppf(self, q, prediction, dispersion):
        """Quantile function of each expert's density.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.

        Returns
        -------
        ppf : ndarray
            In units of y, of the shape that q and ``prediction`` broadcast to.
        """
        squared_scale, df = _split(dispersion)
        q = np.asarray(q)
        inside = (q > 0) & (q < 1)
        quantile = stdtrit(df, np.where(inside, q, 0.5))
        quantile = np.where(inside, quantile, np.where(q > 0, np.inf, -np.inf))
        return prediction + quantile * np.sqrt(squared_scale)

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            What each expert predicts, in units of y.
        dispersion : ndarray of shape ([n_samples, ]n_experts, 2)
            Squared scales and degrees of freedom, as :meth:`fit_dispersion` gives them.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            In units of y.
        """
        squared_scale, df = _split(dispersion)
        noise = random_state.standard_t(df, size=prediction.shape)
        return prediction + noise * np.sqrt(squared_scale)

    def n_parameters(self, dispersion):
        """Number of scales, one per expert, and of degrees of freedom where estimated.

        Parameters
        ----------
        dispersion : ndarray of shape (n_experts, 2)
            What was fitted.

        Returns
        -------
        n_parameters : int
            Of all experts, for information criteria.
        """
        return len(dispersion) * (2 if self.df is None else 1)


def _split(dispersion):
    return dispersion[..., 0], dispersion[..., 1]
