"""The predictive density of each row, a mixture of the experts' densities."""

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import check_random_state

from skmoe._crps import mixture_crps
from skmoe._quantiles import mixture_quantiles


class ConditionalMixture:
    r"""Density of y for each row: :math:`p(y \mid x) = \sum_k g_k(x) f_k(y \mid x)`.

    Made by :meth:`~skmoe.MixtureOfExpertsRegressor.predict_distribution`. Methods have
    the names of ``scipy.stats`` and answer for all rows at once. Slicing selects rows.
    Counts have probabilities, ``pmf``, where other targets have a density, ``pdf``.

    Parameters
    ----------
    weights : ndarray of shape (n_samples, n_experts)
        Gate probabilities.
    prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        What each expert predicts.
    dispersion : ndarray of shape (n_experts, ...) or None
        Of each expert, as the likelihood has it; None where it has none. Of shape
        (n_samples, n_experts) where it depends on x: the likelihood then has
        ``dispersion_at``.
    likelihood : likelihood
        How a density is made of the two.
    experts : ndarray of int, of shape (n_samples, n_columns), default=None
        Numbers of the experts that the columns of the other arrays stand for, where each
        row is sent to some of them only. The dispersion then has a leading axis of rows.
        None where the columns are all experts.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.sin(40 * X[:, 0])
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> density = model.predict_distribution([[0.5]])
    >>> low, high = density.interval(0.9)
    >>> bool(low[0] < density.mean()[0] < high[0])
    True
    """

    def __init__(self, weights, prediction, dispersion, likelihood, experts=None):
        self.weights = weights
        self.prediction = prediction
        self.dispersion = dispersion
        self.likelihood = likelihood
        self.experts = experts

    def __len__(self):
        return len(self.weights)

    def __getitem__(self, rows):
        if hasattr(rows, "__array__"):  # a mask may be a column of a dataframe
            rows = np.asarray(rows)
        rows = np.arange(len(self))[rows]
        rows = np.atleast_1d(rows)
        return ConditionalMixture(
            self.weights[rows],
            self.prediction[rows],
            self.dispersion[rows] if self._by_row else self.dispersion,
            self.likelihood,
            None if self.experts is None else self.experts[rows],
        )

    def __repr__(self):
        n_samples, n_experts = self.weights.shape
        each = "" if self.experts is None else " each"
        return f"<ConditionalMixture of {n_experts} experts{each} for {n_samples} rows>"

    @property
    def _by_row(self):
        """Whether each row has dispersions of its own."""
        depends = self.experts is not None or hasattr(self.likelihood, "dispersion_at")
        return depends and self.dispersion is not None

    def _average(self, values):
        return np.einsum("nk,nk...->n...", self.weights, values)

    def mean(self):
        """Mean of each row, of shape (n_samples[, n_outputs])."""
        return self._average(self.likelihood.mean(self.prediction, self.dispersion))

    def var(self):
        """Variance of each row: within the experts plus between them."""
        means = self.likelihood.mean(self.prediction, self.dispersion)
        within = self.likelihood.variance(self.prediction, self.dispersion)
        deviations = means - self._average(means)[:, None]
        spread = within + deviations**2
        if np.isinf(spread).any():  # a component without weight must not matter
            spread[self.weights == 0] = 0.0
        return self._average(spread)

    def std(self):
        """Standard deviation of each row."""
        return np.sqrt(self.var())

    def cov(self):
        """Covariances of each row's outputs: within the experts plus between them.

        Returns
        -------
        cov : ndarray of shape (n_samples, n_outputs, n_outputs)
            With one output the variance, of shape (n_samples,).
        """
        if self.prediction.ndim == 2:
            return self.var()
        means = self.likelihood.mean(self.prediction, self.dispersion)
        deviations = means - self._average(means)[:, None]
        between = np.einsum("nk,nki,nkj->nij", self.weights, deviations, deviations)
        if hasattr(self.likelihood, "covariances"):
            within = self.likelihood.covariances(self.prediction, self.dispersion)
            within = np.broadcast_to(within, (*self.weights.shape, *within.shape[-2:]))
            return self._average(within) + between
        within = self._average(self.likelihood.variance(self.prediction, self.dispersion))
        return within[..., None] * np.eye(within.shape[1]) + between

    def logpdf(self, y):
        """Log-density at y.

        Parameters
        ----------
        y : float or array-like of shape (n_samples[, n_outputs])

        Returns
        -------
        logpdf : ndarray of shape (n_samples,)
        """
        if self._is_discrete:
            raise ValueError("logpdf and pdf: counts have no density; use logpmf or pmf.")
        return self._log_density(y)

    def pdf(self, y):
        """Density at y; see :meth:`logpdf`."""
        return np.exp(self.logpdf(y))

    def logpmf(self, y):
        """Log-probability of the count y; -inf for what is no count.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)

        Returns
        -------
        logpmf : ndarray of shape (n_samples,)
        """
        if not self._is_discrete:
            raise ValueError(
                "logpmf and pmf: only counts have probabilities of their own, and the "
                "likelihood is continuous; use logpdf or pdf."
            )
        return self._log_density(y)

    def pmf(self, y):
        """Probability of the count y; see :meth:`logpmf`."""
        return np.exp(self.logpmf(y))

    @property
    def _is_discrete(self):
        return getattr(self.likelihood, "is_discrete", False)

    def _log_density(self, y):
        shape = (len(self), *self.prediction.shape[2:])
        y = np.broadcast_to(np.asarray(y, dtype=np.float64), shape)
        # Far from all experts, squares overflow and the log-density is -inf.
        with np.errstate(divide="ignore", over="ignore"):
            log_prob = self.likelihood.log_prob(y, self.prediction, self.dispersion)
            return logsumexp(log_prob + np.log(self.weights), axis=1)

    def cdf(self, y):
        """P(Y <= y) of each row.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)

        Returns
        -------
        cdf : ndarray of shape (n_samples,)
        """
        self._check_single_output("cdf")
        y = np.broadcast_to(np.asarray(y, dtype=np.float64), (len(self),))
        return self._average(
            self.likelihood.cdf(y[:, None], self.prediction, self.dispersion)
        )

    def cdf_and_pdf(self, y):
        """Both at once, without checks, for numbers y of shape (n_samples,)."""
        with np.errstate(divide="ignore", over="ignore"):
            log_prob = self.likelihood.log_prob(y, self.prediction, self.dispersion)
            pdf = np.exp(log_prob, out=log_prob)
        cdf = self.likelihood.cdf(y[:, None], self.prediction, self.dispersion)
        return self._average(cdf), self._average(pdf)

    def ppf(self, q):
        """Quantiles of each row; of counts, the smallest with cdf >= q.

        Parameters
        ----------
        q : float or array-like of shape (n_quantiles,)
            Probabilities in [0, 1].

        Returns
        -------
        ppf : ndarray of shape (n_samples,) or (n_samples, n_quantiles)
        """
        self._check_single_output("ppf")
        q = np.asarray(q, dtype=np.float64)
        if q.ndim > 1 or not ((q >= 0) & (q <= 1)).all():
            raise ValueError("q must be a number or a list of numbers between 0 and 1.")
        quantiles = mixture_quantiles(self, np.atleast_1d(q))
        return quantiles if q.ndim == 1 else quantiles[:, 0]

    def interval(self, confidence):
        """Equal-tailed interval of each row: two arrays of shape (n_samples,)."""
        tail = (1.0 - confidence) / 2
        return self.ppf(tail), self.ppf(1.0 - tail)

    def crps(self, y):
        r"""Continuous ranked probability score of each row at y; lower is better.

        .. math:: \int (F(z) - 1[y \le z])^2 dz = E|Y - y| - \tfrac12 E|Y - Y'|

        It is in units of y, and the absolute error where the density is a point. Mixtures
        of normal densities have it in closed form; of others, a distribution function is
        integrated (or summed, for counts) to better than a millionth of its width.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)

        Returns
        -------
        crps : ndarray of shape (n_samples,)
        """
        self._check_single_output("crps")
        y = np.broadcast_to(np.asarray(y, dtype=np.float64), (len(self),))
        return mixture_crps(self, y)

    def rvs(self, size=None, random_state=None):
        """Draws from the density of each row.

        Parameters
        ----------
        size : int, default=None
            Draws per row; None stands for one, without an axis of its own.
        random_state : int, RandomState instance or None, default=None

        Returns
        -------
        rvs : ndarray of shape (n_samples[, size][, n_outputs])
        """
        random_state = check_random_state(random_state)
        n_draws = 1 if size is None else size
        cumulated = np.cumsum(self.weights, axis=1)
        uniforms = random_state.uniform(size=(len(self), n_draws))
        columns = np.zeros((len(self), n_draws), dtype=np.intp)
        for share in cumulated[:, :-1].T:  # no array of all draws by all experts
            columns += uniforms > share[:, None]
        rows = np.arange(len(self))[:, None]
        dispersion = None
        if self.dispersion is not None:
            chosen = (rows, columns) if self._by_row else columns
            dispersion = self.dispersion[chosen]
        draws = self.likelihood.rvs(
            self.prediction[rows, columns], dispersion, random_state
        )
        return draws[:, 0] if size is None else draws

    def _check_single_output(self, method):
        if self.prediction.ndim == 3:
            raise ValueError(f"{method} is defined for a target with one output only.")
