"""A variance that depends on x."""

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, RegressorMixin, is_regressor

from skmoe._fitting import clone_seeded, n_parameters, weight_keyword
from skmoe._naming import naming
from skmoe._sklearn_compat import safe_indexing
from skmoe.likelihoods._floors import moments

# A square below this part of the mean says no more than that it is small.
_SMALLEST_SQUARE = 1e-6
# Of the mean square, beyond which no variance is predicted, however far x lies.
_LARGEST = 1e6
# A share of a row below this is cut: trees spend leaves on rows of no weight.
SMALLEST_SHARE = 1e-3


class VarianceModel(RegressorMixin, BaseEstimator):
    r"""Variance of errors as a function of x.

    .. math:: \log \sigma^2(x) = m(x) + c

    The regressor m is fitted to the logarithms of squared errors. A squared error's
    logarithm is lower than that of the variance, on average by 1.27 for normal errors;
    c corrects this, so that the weighted mean of :math:`e^2 / \sigma^2(x)` is one (Harvey
    1976, section 2). Predictions stay between the floor and a million times the mean
    square.

    Parameters
    ----------
    regressor : regressor
        Fitted to logarithms of squared errors. Its ``fit`` takes ``sample_weight``.
    floor : float, default=0.0
        Smallest variance, in squared units of the errors.

    Attributes
    ----------
    regressor_ : regressor
        Fitted to the logarithms.
    offset_ : float
        The correction c.
    mean_square_ : float
        Weighted mean of the squared errors.
    n_parameters_ : int or None
        None where the regressor does not tell.

    See Also
    --------
    GaussianLikelihood : Uses one for each expert, with ``dispersion=<a regressor>``.

    References
    ----------
    .. [1] A. C. Harvey (1976). Estimating regression models with multiplicative
       heteroscedasticity. Econometrica 44, 461-465.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.likelihoods import VarianceModel
    >>> X = np.linspace(0, 2, 9)[:, None]
    >>> errors = np.exp(X[:, 0]) * np.resize([1.0, -1.0], 9)
    >>> model = VarianceModel(LinearRegression()).fit(X, errors**2)
    >>> np.sqrt(model.predict([[0.0], [1.0]])).round(2)
    array([1.  , 2.72])
    """

    def __init__(self, regressor, floor=0.0):
        self.regressor = regressor
        self.floor = floor

    def fit(self, X, y, sample_weight=None):
        """Fit the variances.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            What variances depend on.
        y : ndarray of shape (n_samples,)
            Squared errors.
        sample_weight : ndarray of shape (n_samples,), default=None
            Of the rows; one each by default.

        Returns
        -------
        self : VarianceModel
            The fitted model.
        """
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        share = weights / weights.sum()
        self.mean_square_ = float(share @ y)
        tiny = np.finfo(np.float64).tiny
        least = max(self.floor, _SMALLEST_SQUARE * self.mean_square_, tiny)
        keyword = weight_keyword(self.regressor)
        # Fits differ by their weights alone, from one step of training to the next.
        regressor = clone_seeded(self.regressor, np.random.RandomState(0))
        self.regressor_ = regressor.fit(
            X, np.log(np.maximum(y, least)), **{keyword: weights}
        )
        ratios = np.log(np.maximum(y, tiny)) - self._logarithm(X)
        self.offset_ = float(logsumexp(ratios, b=share))
        return self

    def predict(self, X):
        """Predict variances.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        variance : ndarray of shape (n_samples,)
            In units of the squared errors.
        """
        tiny = np.finfo(np.float64).tiny
        low = max(self.floor, tiny)
        high = max(_LARGEST * self.mean_square_, low)
        log_variance = self._logarithm(X) + self.offset_
        return np.exp(np.clip(log_variance, np.log(low), np.log(high)))

    def _logarithm(self, X):
        return np.asarray(self.regressor_.predict(X), dtype=np.float64).reshape(-1)

    @property
    def n_parameters_(self):
        """Number of the regressor's parameters, whose intercept takes up the correction.

        Returns
        -------
        n_parameters_ : int or None
            None where the regressor does not tell.
        """
        return n_parameters(self.regressor_)


def check_variance_regressor(regressor, y):
    """Raise where ``regressor`` cannot model the variance of ``y``."""
    kind = type(regressor).__name__
    if isinstance(regressor, type) or not is_regressor(regressor):
        raise ValueError(
            f"dispersion={regressor!r} of GaussianLikelihood is no regressor; use "
            "'expert', 'tied' or a regressor."
        )
    if weight_keyword(regressor) is None:
        raise ValueError(
            f"dispersion of GaussianLikelihood: {kind} takes no sample_weight in fit, "
            "which each expert's share of a row is; use a regressor that does."
        )
    if y.ndim == 2:
        raise ValueError(
            f"y has shape {y.shape}; GaussianLikelihood(dispersion={kind}(...)) takes a "
            "target of shape (n_samples,): fit one model for each output."
        )


def fit_variance_models(regressor, X, y, prediction, weights, floor):
    """One :class:`VarianceModel` for each expert.

    An expert without rows is as uncertain as the target itself.

    Parameters
    ----------
    regressor : regressor
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    prediction : ndarray of shape (n_samples, n_experts)
    weights : ndarray of shape (n_samples, n_experts)
    floor : float

    Returns
    -------
    models : list of VarianceModel
    """
    row_weights = weights.sum(axis=1)
    models = []
    for own, answer in zip(weights.T, prediction.T, strict=True):
        rows = np.flatnonzero(own > SMALLEST_SHARE * row_weights)
        if rows.size == 0:
            rows, own = np.flatnonzero(row_weights > 0), row_weights
            answer = np.full(len(y), moments(y, row_weights)[0])
        X_rows = X if rows.size == len(y) else safe_indexing(X, rows)
        squares = (y[rows] - answer[rows]) ** 2
        with naming(f"likelihood: dispersion ({type(regressor).__name__})"):
            model = VarianceModel(regressor, float(floor))
            models.append(model.fit(X_rows, squares, own[rows]))
    return models
