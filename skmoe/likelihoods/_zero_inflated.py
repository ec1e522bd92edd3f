"""Counts with more zeros than the experts explain."""

import numpy as np

from skmoe.likelihoods._extra import ExtraComponentLikelihood
from skmoe.likelihoods._sizes import sizes_of

# Share of the point mass in a row of zero to start with.
_SHARE = 0.5


class ZeroInflatedLikelihood(ExtraComponentLikelihood):
    r"""Experts of counts, and a point mass at zero.

    .. math:: P(y \mid x) = \sum_{k=1}^K g_k(x)\, f_k(y \mid x)
              + g_{K+1}(x)\, 1[y = 0]

    For counts that are zero more often than their rate explains: some rows could not have
    been anything else [1]_. Which rows, the gate learns. With one Poisson expert and a
    softmax gate this is zero-inflated Poisson regression, with a logit for the zeros.

    The point mass is the last column of everything: with ``n_experts=2`` there are three
    gate probabilities and responsibilities, and ``n_experts_`` is 3. The last of
    ``experts_`` is a ``DummyRegressor`` that predicts zero; its name is "zero".

    Parameters
    ----------
    likelihood : {"poisson", "negative_binomial"} or likelihood, default="poisson"
        What the experts are scored by: one of counts. If it takes an ``exposure``, so
        does this one.

    See Also
    --------
    PoissonLikelihood : Without more zeros.
    NoiseLikelihood : A component for outliers.

    Notes
    -----
    The probability is :eq:`eq-zero-inflated`. The last dispersion, where experts have
    any, is zero. ``predict`` gives the mean of the counts, zeros included;
    ``predict_experts`` tells what there is where zeros are not certain.

    If there are no more zeros than experts explain, the share of the point mass becomes
    small. It is not revived then, nor is there a warning.

    References
    ----------
    .. [1] D. Lambert (1992). Zero-inflated Poisson regression, with an application to
       defects in manufacturing. Technometrics 34, 1-14.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.likelihoods import ZeroInflatedLikelihood
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(size=(500, 1))
    >>> y = rng.poisson(np.exp(1 + X[:, 0])) * (rng.uniform(size=500) > 0.3)
    >>> model = MixtureOfExpertsRegressor(
    ...     n_experts=1, gate="constant", likelihood=ZeroInflatedLikelihood()
    ... )
    >>> model.fit(X, y).predict_gate_proba([[0.5]]).round(1)
    array([[0.7, 0.3]])
    >>> model.predict_distribution([[0.5]]).pmf(0).round(2)
    array([0.32])
    """

    component = "zero"
    #: Whether y has probabilities (``pmf``) instead of a density (``pdf``).
    is_discrete = True

    def __init__(self, likelihood="poisson"):
        super().__init__(likelihood)

    def _check_base(self):
        base = self.base
        if hasattr(base, "component") or not getattr(base, "is_discrete", False):
            raise ValueError(
                f"likelihood={type(base).__name__} of ZeroInflatedLikelihood is none of "
                "counts, such as 'poisson'; other targets have no more zeros than they "
                "have of any number."
            )
        if hasattr(base, "experts_classify"):
            raise ValueError(
                f"likelihood={type(base).__name__} of ZeroInflatedLikelihood has trials "
                "in each row, which are not inflated; use 'poisson' or "
                "'negative_binomial', with the trials as exposure."
            )

    @property
    def size_name(self):
        """The keyword of rows' sizes, where counts have an exposure.

        Returns
        -------
        name : str
            As the experts' likelihood has it.
        """
        return self.base.size_name

    def sized(self, prediction, dispersion, sizes):
        """Predictions and dispersions of rows of these sizes.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts + 1)
            Per unit of exposure; zero remains zero.
        dispersion : ndarray or None
            As it is.
        sizes : ndarray of shape (n_samples,)
            Exposures.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_experts + 1)
            Means.
        dispersion : ndarray or None
            The same.
        """
        return self.base.sized(prediction, dispersion, sizes)

    def expert_target(self, y):
        """What experts are fitted to, and what multiplies their weights.

        Parameters
        ----------
        y : ndarray of shape (n_samples, 2)
            Targets and exposures.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Per unit of exposure.
        factor : ndarray of shape (n_samples,)
            Exposures.
        """
        return self.base.expert_target(y)

    def component_prediction(self, y):
        """Predict zero.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Not used.

        Returns
        -------
        prediction : float
            Zero.
        """
        return 0.0

    def starting_share(self, y, weights, residuals):
        """Share of the point mass in each row to start with: half of a zero.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The target.
        weights : ndarray of shape (n_samples,)
            Not used.
        residuals : ndarray of shape (n_samples, n_experts)
            Not used.

        Returns
        -------
        share : ndarray of shape (n_samples,)
            Between zero and one.
        """
        return np.where(sizes_of(y)[0] == 0, _SHARE, 0.0)

    def _dispersion(self, y, floor, shape):
        return np.zeros(shape)

    def _log_prob(self, y, prediction, dispersion):
        return np.where(y == 0, 0.0, np.full(prediction.shape, -np.inf))

    def _cdf(self, y, prediction, dispersion):
        return np.where(y >= 0, 1.0, 0.0)

    def _ppf(self, q, prediction, dispersion):
        return np.where(q > 0, 0.0, -1.0)

    def _rvs(self, prediction, dispersion, random_state):
        return np.zeros(prediction.shape)

    def _variance(self, prediction, dispersion):
        return np.zeros(prediction.shape)
