"""Successes of a number of trials."""

import numpy as np
from scipy.special import betainc, gammaln, xlog1py, xlogy
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from skmoe._special import smallest_integers
from skmoe.likelihoods._checks import check_rows
from skmoe.likelihoods._sizes import sizes_of

# An expert that is sure may be wrong once.
_SMALLEST_PROBABILITY = np.finfo(np.float64).eps


class BinomialLikelihood(BaseEstimator):
    r"""Binomial probability of a number of successes.

    .. math:: f_k(y \mid x) = \binom{n}{y} p_k(x)^y (1 - p_k(x))^{n - y}

    The target is one column of successes; ``trials``, a keyword of ``fit`` and
    ``predict``, are the numbers :math:`n` that they are out of, one if there are none.
    Experts are classifiers with ``predict_proba``, fitted to successes and failures as to
    rows of two classes, so often; a prediction is the probability :math:`p_k(x)` of
    success. There is no dispersion.

    See Also
    --------
    skmoe.MixtureOfExpertsClassifier : For one trial a row, and more than two classes.

    Notes
    -----
    The probability is :eq:`eq-binomial`.

    References
    ----------
    .. [1] B. Grün and F. Leisch (2008). FlexMix version 2: finite mixtures with
       concomitant variables and varying and constant parameters. Journal of Statistical
       Software 28(4).

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import BinomialLikelihood
    >>> likelihood = BinomialLikelihood()
    >>> trials, probability = np.full((2, 1), 4.0), np.full((2, 1), 0.5)
    >>> np.exp(likelihood.log_prob(np.array([0.0, 2.0]), probability, trials)).round(4)
    array([[0.0625],
           [0.375 ]])
    """

    #: Whether y has probabilities (``pmf``) instead of a density (``pdf``).
    is_discrete = True
    #: The keyword of ``fit`` and ``predict`` that takes the sizes of rows.
    size_name = "trials"
    #: Whether experts are classifiers, which tell the probability of success.
    experts_classify = True
    #: Whether what stands for the dispersion has a value for each row.
    is_by_row = True

    def default_expert(self):
        """Make what ``experts=None`` stands for.

        Returns
        -------
        expert : LogisticRegression
            Unfitted, without a penalty.
        """
        return LogisticRegression(C=np.inf)

    def check_target(self, y):
        """Check that y is one column of counts.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Successes.

        Raises
        ------
        ValueError
            If there are several columns, or a row holds no integer from 0 on.
        """
        valid = (y >= 0) & (y == np.floor(y))
        check_rows(y, valid, "binomial", "numbers of successes, integers from 0 on")

    def check_sizes(self, sizes):
        """Check that numbers of trials are integers.

        Parameters
        ----------
        sizes : ndarray of shape (n_samples,)
            Trials.

        Raises
        ------
        ValueError
            If one is not; the first such row is named.
        """
        whole = sizes == np.floor(sizes)
        if not whole.all():
            row = int(np.argmin(whole))
            raise ValueError(
                f"trials: row {row} holds {sizes[row]:g}; pass whole numbers of trials."
            )

    def check_sized_target(self, y, sizes):
        """Check that there are at most as many successes as trials.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Successes.
        sizes : ndarray of shape (n_samples,)
            Trials.

        Raises
        ------
        ValueError
            If a row has more; the first one is named.
        """
        wrong = y > sizes
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                "y: likelihood='binomial' needs at most as many successes as trials; "
                f"row {row} holds {y[row]:g} of {sizes[row]:g}. Pass trials= to fit, and "
                "to whatever is asked about y."
            )

    def sized(self, prediction, dispersion, sizes):
        """Predictions, and numbers of trials where others have dispersions.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities.
        dispersion : None
            There is none.
        sizes : ndarray of shape (n_samples,)
            Trials.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_experts)
            The same.
        trials : ndarray of shape (n_samples, n_experts)
            Of each row, and expert.
        """
        return prediction, np.tile(sizes[:, None], (1, prediction.shape[1]))

    def log_prob(self, y, prediction, dispersion=None):
        """Log-probability of y under each expert.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, 2)
            Successes and, while a model is trained, trials.
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts) or None
            Trials, if they are no column of y; one without.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts)
            In nats; minus infinity for what cannot be.
        """
        y, sizes = sizes_of(y)
        trials = _trials(dispersion if sizes is None else sizes)
        y = y[:, None]
        possible = np.isfinite(y) & (y >= 0) & (y <= trials) & (y == np.floor(y))
        y = np.where(possible, y, 0.0)
        p = _probabilities(prediction)
        log_prob = xlogy(y, p) + xlog1py(trials - y, -p)
        log_prob += gammaln(trials + 1) - gammaln(y + 1) - gammaln(trials - y + 1)
        return np.where(possible, log_prob, -np.inf)

    def expert_target(self, y):
        """What experts are fitted to, and what multiplies their weights.

        Parameters
        ----------
        y : ndarray of shape (n_samples, 2)
            Successes and trials.

        Returns
        -------
        share : ndarray of shape (n_samples,)
            Of successes.
        factor : ndarray of shape (n_samples,)
            Trials.
        """
        return y[:, 0] / y[:, 1], y[:, 1]

    def fit_dispersion(self, y, prediction, weights):
        """Fit nothing: there is no dispersion.

        Parameters
        ----------
        y : ndarray of shape (n_samples, 2)
            Not used.
        prediction : ndarray of shape (n_samples, n_experts)
            Not used.
        weights : ndarray of shape (n_samples, n_experts)
            Not used.

        Returns
        -------
        dispersion : None
            There is none.
        """

    def mean(self, prediction, dispersion=None):
        """Mean number of successes.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts), default=None
            Trials; one without.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts)
            Trials times probabilities.
        """
        return _trials(dispersion) * prediction

    def variance(self, prediction, dispersion=None):
        """Variance of the number of successes.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts), default=None
            Trials; one without.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts)
            In squared successes.
        """
        return _trials(dispersion) * prediction * (1.0 - prediction)

    def cdf(self, y, prediction, dispersion=None):
        """Distribution function P(Y <= y) under each expert.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts), default=None
            Trials; one without.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        y, p, trials = np.broadcast_arrays(
            np.floor(y), _probabilities(prediction), _trials(dispersion)
        )
        below = np.clip(y, 0.0, trials - 1.0)
        values = betainc(trials - below, below + 1.0, 1.0 - p)
        return np.where(y < 0, 0.0, np.where(y >= trials, 1.0, values))

    def ppf(self, q, prediction, dispersion=None):
        """Smallest number with cdf >= q under each expert.

        As in scipy.stats, -1 where q is zero.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts), default=None
            Trials; one without.

        Returns
        -------
        ppf : ndarray
            Numbers of the shape that q and ``prediction`` broadcast to.
        """
        q, p, trials = np.broadcast_arrays(q, prediction, _trials(dispersion))
        counts = smallest_integers(
            lambda y: self.cdf(y, p, trials) >= q, np.full(q.shape, -1.0), trials
        )
        return np.where(q <= 0, -1.0, np.where(q >= 1, trials, counts))

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Probabilities of success.
        dispersion : ndarray of shape (n_samples, n_experts), default=None
            Trials; one without.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts)
            Numbers of successes, as floats.
        """
        trials = np.broadcast_to(_trials(dispersion), prediction.shape)
        p = np.clip(prediction, 0.0, 1.0)
        return random_state.binomial(trials.astype(np.int64), p).astype(np.float64)

    def n_parameters(self, dispersion=None):
        """Number of parameters besides the experts' own: none.

        Parameters
        ----------
        dispersion : None, default=None
            There is none.

        Returns
        -------
        n_parameters : int
            Zero.
        """
        return 0


def _trials(given):
    return np.float64(1.0) if given is None else given


def _probabilities(prediction):
    return np.clip(prediction, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY)
