"""The predictive density of each row, a mixture of the experts' densities."""

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import check_random_state

from skmoe._crps import mixture_crps
from skmoe._quantiles import mixture_quantiles
from skmoe.likelihoods import component_of


class ConditionalMixture:
    r"""Density of y for each row: :math:`p(y \mid x) = \sum_k g_k(x) f_k(y \mid x)`.

    Made by :meth:`~skmoe.MixtureOfExpertsRegressor.predict_distribution`
    (:eq:`eq-mixture`). Methods have the names of ``scipy.stats`` and answer for all rows
    at once. Slicing selects rows. Counts have probabilities, ``pmf``, where other targets
    have a density, ``pdf``.

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

    See Also
    --------
    skmoe.metrics : How good a density is.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    >>> density = model.predict_distribution(X)
    >>> density.mean().round(2)
    array([0.06, 1.02, 1.98, 2.94])
    >>> low, high = density.interval(0.9)
    >>> (high - low).round(2)
    array([0.29, 0.29, 0.29, 0.29])
    >>> density[:1].ppf([0.05, 0.5, 0.95]).round(2) + 0.0
    array([[-0.09,  0.06,  0.21]])
    >>> density.rvs(size=1000, random_state=0).mean(axis=1).round(1) + 0.0
    array([0.1, 1. , 2. , 2.9])
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

    def marginal(self, output):
        """Density of one of several outputs, whatever the others are.

        Parameters
        ----------
        output : int
            Its number.

        Returns
        -------
        density : ConditionalMixture
            Of one output, which has a ``cdf`` and quantiles.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 60)[:, None]
        >>> Y = np.column_stack([np.abs(X[:, 0]), np.sin(9 * X[:, 0])])
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, Y)
        >>> density = model.predict_distribution([[0.5]])
        >>> density.marginal(0).interval(0.9)[0].shape
        (1,)
        """
        n_outputs = self.prediction.shape[2] if self.prediction.ndim == 3 else 1
        if output not in range(n_outputs):
            raise ValueError(
                f"output={output!r}: the density has {n_outputs} output"
                f"{'s' * (n_outputs > 1)}, numbered from 0."
            )
        if self.prediction.ndim == 2:
            return self
        dispersion = self.dispersion
        if hasattr(self.likelihood, "covariances"):
            covariances = self.likelihood.covariances(self.prediction, dispersion)
            dispersion = np.diagonal(covariances, axis1=-2, axis2=-1)
        if dispersion is not None:
            dispersion = dispersion[..., output]
        return ConditionalMixture(
            self.weights, self.prediction[..., output], dispersion, self.likelihood,
            self.experts,
        )  # fmt: skip

    def __repr__(self):
        n_samples, n_experts = self.weights.shape
        each = "" if self.experts is None else " each"
        return f"<ConditionalMixture of {n_experts} experts{each} for {n_samples} rows>"

    @property
    def _by_row(self):
        """Whether each row has dispersions of its own."""
        likelihood = self.likelihood
        depends = self.experts is not None or hasattr(likelihood, "dispersion_at")
        depends = depends or getattr(likelihood, "is_by_row", False)
        return depends and self.dispersion is not None

    def _average(self, values):
        return np.einsum("nk,nk...->n...", self.weights, values)

    def mean(self):
        """Mean of each row (:eq:`eq-mean`).

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y.
        """
        return self._average(self.likelihood.mean(self.prediction, self.dispersion))

    def var(self):
        """Variance of each row: within the experts plus between them (:eq:`eq-variance`).

        Returns
        -------
        var : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In squared units of y.
        """
        means = self.likelihood.mean(self.prediction, self.dispersion)
        within = self.likelihood.variance(self.prediction, self.dispersion)
        deviations = means - self._average(means)[:, None]
        spread = within + deviations**2
        if np.isinf(spread).any():  # a component without weight must not matter
            spread[self.weights == 0] = 0.0
        return self._average(spread)

    def std(self):
        """Standard deviation of each row.

        Returns
        -------
        std : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y.
        """
        return np.sqrt(self.var())

    def cov(self):
        """Covariance matrix of each row's outputs: within the experts plus between them.

        Returns
        -------
        cov : ndarray of shape (n_samples, n_outputs, n_outputs)
            In units of one output times those of the other. With one output the variance,
            of shape (n_samples,).
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
            Where to ask, in units of y; a number is for all rows.

        Returns
        -------
        logpdf : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        ValueError
            If the target is a count, which has probabilities: use :meth:`logpmf`.
        """
        if self._is_discrete:
            raise ValueError("logpdf and pdf: counts have no density; use logpmf or pmf.")
        return self._log_density(y)

    def pdf(self, y):
        """Density at y, for whose errors see :meth:`logpdf`.

        Parameters
        ----------
        y : float or array-like of shape (n_samples[, n_outputs])
            Where to ask, in units of y; a number is for all rows.

        Returns
        -------
        pdf : ndarray of shape (n_samples,)
            Per unit of y.
        """
        return np.exp(self.logpdf(y))

    def logpmf(self, y):
        """Log-probability of the count y; -inf for what is no count.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)
            Counts to ask about; a number is for all rows.

        Returns
        -------
        logpmf : ndarray of shape (n_samples,)
            In nats.

        Raises
        ------
        ValueError
            If the likelihood is continuous: use :meth:`logpdf`.
        """
        if not self._is_discrete:
            raise ValueError(
                "logpmf and pmf: only counts have probabilities of their own, and the "
                "likelihood is continuous; use logpdf or pdf."
            )
        return self._log_density(y)

    def pmf(self, y):
        """Probability of the count y, for whose errors see :meth:`logpmf`.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)
            Counts to ask about; a number is for all rows.

        Returns
        -------
        pmf : ndarray of shape (n_samples,)
            Probabilities.
        """
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
        """Distribution function P(Y <= y) of each row (:eq:`eq-cdf`).

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)
            Where to ask, in units of y; a number is for all rows.

        Returns
        -------
        cdf : ndarray of shape (n_samples,)
            Probabilities.

        Raises
        ------
        ValueError
            If there are several outputs.
        """
        self._check_single_output("cdf")
        y = np.broadcast_to(np.asarray(y, dtype=np.float64), (len(self),))
        return self._average(
            self.likelihood.cdf(y[:, None], self.prediction, self.dispersion)
        )

    def cdf_and_pdf(self, y):
        """Evaluate both at once, without checks.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Finite numbers, in units of y.

        Returns
        -------
        cdf : ndarray of shape (n_samples,)
            What :meth:`cdf` gives.
        pdf : ndarray of shape (n_samples,)
            What :meth:`pdf` gives.
        """
        with np.errstate(divide="ignore", over="ignore"):
            log_prob = self.likelihood.log_prob(y, self.prediction, self.dispersion)
            pdf = np.exp(log_prob, out=log_prob)
        cdf = self.likelihood.cdf(y[:, None], self.prediction, self.dispersion)
        return self._average(cdf), self._average(pdf)

    def ppf(self, q):
        """Quantile function of each row; of counts, the smallest with cdf >= q.

        Parameters
        ----------
        q : float or array-like of shape (n_quantiles,)
            Probabilities in [0, 1].

        Returns
        -------
        ppf : ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            In units of y.

        Raises
        ------
        ValueError
            If q is out of its range, or if there are several outputs.
        """
        self._check_single_output("ppf")
        q = np.asarray(q, dtype=np.float64)
        if q.ndim > 1 or not ((q >= 0) & (q <= 1)).all():
            raise ValueError("q must be a number or a list of numbers between 0 and 1.")
        quantiles = mixture_quantiles(self, np.atleast_1d(q))
        return quantiles if q.ndim == 1 else quantiles[:, 0]

    def interval(self, confidence):
        """Equal-tailed interval of each row.

        Parameters
        ----------
        confidence : float
            Probability of the interval, in [0, 1].

        Returns
        -------
        low : ndarray of shape (n_samples,)
            Lower ends, in units of y.
        high : ndarray of shape (n_samples,)
            Upper ends, in units of y.

        Raises
        ------
        ValueError
            If ``confidence`` is out of its range, or if there are several outputs.
        """
        tail = (1.0 - confidence) / 2
        return self.ppf(tail), self.ppf(1.0 - tail)

    def crps(self, y):
        r"""Score of each row: continuous ranked probability score; lower is better.

        .. math:: \int (F(z) - 1[y \le z])^2 dz = E|Y - y| - \tfrac12 E|Y - Y'|

        It is the absolute error where the density is a point. Mixtures of normal
        densities have it in closed form (:eq:`eq-crps`); of others, a distribution
        function is integrated (or summed, for counts) to better than a millionth of its
        width.

        Parameters
        ----------
        y : float or array-like of shape (n_samples,)
            What was observed; a number is for all rows.

        Returns
        -------
        crps : ndarray of shape (n_samples,)
            In units of y.

        Raises
        ------
        ValueError
            If there are several outputs.

        See Also
        --------
        skmoe.metrics.crps : Its mean.
        """
        self._check_single_output("crps")
        y = np.broadcast_to(np.asarray(y, dtype=np.float64), (len(self),))
        return mixture_crps(self, y)

    def rvs(self, size=None, random_state=None):
        """Draw from the density of each row.

        Parameters
        ----------
        size : int, default=None
            Draws per row; None stands for one, without an axis of its own.
        random_state : int, RandomState instance or None, default=None
            An int gives the same draws each time.

        Returns
        -------
        rvs : ndarray of shape (n_samples[, size][, n_outputs])
            In units of y.
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
        chosen = (self.prediction[rows, columns], dispersion, random_state)
        if component_of(self.likelihood) is None:
            draws = self.likelihood.rvs(*chosen)
        else:
            n_columns = self.weights.shape[1]
            draws = self.likelihood.rvs_of_columns(columns, n_columns, *chosen)
        return draws[:, 0] if size is None else draws

    def _check_single_output(self, method):
        if self.prediction.ndim == 3:
            raise ValueError(f"{method} is defined for a target with one output only.")
