"""What is counted and compared when models are chosen."""

import numpy as np

from skmoe._fitting import n_parameters
from skmoe._group_table import Groups
from skmoe.gates import gate_n_parameters
from skmoe.likelihoods import experts_of


class CriteriaMixin:
    """Information criteria of a fitted mixture.

    They follow from its ``score_samples`` and ``responsibilities``, and from how many
    parameters its parts have.
    """

    def bic(self, X, y, groups=None, **sizes):
        """Bayesian information criterion of the rows; lower is better.

        :eq:`eq-bic`: the log-likelihood, and for each parameter the logarithm of the
        number of rows. It compares numbers of experts on the rows of ``fit``. With a
        gate that models x, it is of x and y together.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, as a rule those of ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed there.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``. The number of rows, not of groups,
            counts.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        bic : float
            In nats, times two.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`score_samples`, or if the number of parameters is not known of a
            gate or an expert (trees, forests, neighbours): compare held-out likelihoods
            instead.

        References
        ----------
        .. [1] G. Schwarz (1978). Estimating the dimension of a model. Annals of
           Statistics 6, 461-464.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_moe_regression
        >>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
        >>> for k in (1, 2, 3):
        ...     model = MixtureOfExpertsRegressor(n_experts=k, random_state=0).fit(X, y)
        ...     print(k, round(model.bic(X, y)))
        1 908
        2 832
        3 873
        """
        log_likelihood = self._joint_score_samples(X, y, groups, sizes)
        penalty = self._n_parameters("bic") * np.log(len(log_likelihood))
        return float(penalty - 2 * log_likelihood.sum())

    def aic(self, X, y, groups=None, **sizes):
        """Akaike information criterion of the rows; lower is better.

        :eq:`eq-aic`: the log-likelihood, and one for each parameter, both times two. It
        is milder on large models than :meth:`bic`. With a gate that models x, it is of x
        and y together.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, as a rule those of ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed there.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``. The number of rows, not of groups,
            counts.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        aic : float
            In nats, times two.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`bic`.

        References
        ----------
        .. [1] H. Akaike (1974). A new look at the statistical model identification. IEEE
           Transactions on Automatic Control 19, 716-723.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_moe_regression
        >>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
        >>> model.aic(X, y) < model.bic(X, y)
        True
        """
        log_likelihood = self._joint_score_samples(X, y, groups, sizes).sum()
        return float(2 * self._n_parameters("aic") - 2 * log_likelihood)

    def icl(self, X, y, groups=None, **sizes):
        """Integrated completed likelihood of the rows; lower is better.

        :eq:`eq-icl`: the BIC, raised by what is uncertain about each row's expert. So it
        prefers experts that can be told apart.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, as a rule those of ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed there.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``. The number of rows, not of groups,
            counts.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        icl : float
            In nats, times two.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`bic`.

        References
        ----------
        .. [1] C. Biernacki, G. Celeux and G. Govaert (2000). Assessing a mixture model
           for clustering with the integrated completed likelihood. IEEE Transactions on
           Pattern Analysis and Machine Intelligence 22, 719-725.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_moe_regression
        >>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
        >>> model.icl(X, y) > model.bic(X, y)
        True
        """
        largest = self.responsibilities(X, y, groups, **sizes).max(axis=1)
        if groups is not None:
            largest = largest[Groups.of(groups, X).first]
        bic = self.bic(X, y, groups, **sizes)
        return float(bic - 2 * np.log(largest).sum())

    def _joint_score_samples(self, X, y, groups, sizes):
        """Log-likelihood of x and y where the gate models x, else of y given x."""
        of_x = self.score_samples(X, groups=groups)
        return self.score_samples(X, y, groups, **sizes) + of_x

    def _n_parameters(self, criterion):
        return free_parameters(
            criterion, self.gate_, self.experts_, self._expert_names, self.likelihood_,
            self.dispersion_,
        )  # fmt: skip


def free_parameters(criterion, gate, experts, names, likelihood, dispersion):
    """Free parameters of gate, experts and dispersions, for ``criterion``."""
    count = gate_n_parameters(gate)
    if count is None:
        raise ValueError(
            f"{criterion}: gate_ ({type(gate).__name__}) does not tell its number of "
            "parameters; compare models by score_samples on held-out rows."
        )
    pairs = list(zip(names, experts, strict=True))
    for name, expert in experts_of(likelihood, pairs):
        own = n_parameters(expert)
        if own is None:
            raise ValueError(
                f"{criterion}: experts: {name!r} ({type(expert).__name__}) does not tell "
                "its number of parameters; compare models by score_samples on held-out "
                "rows."
            )
        count += own
    own = likelihood.n_parameters(dispersion)
    if own is None:
        raise ValueError(
            f"{criterion}: likelihood_ ({type(likelihood).__name__}) does not tell its "
            "number of parameters; compare models by score_samples on held-out rows."
        )
    return count + own


def gain_is_clear(now, before, weights):
    """Whether log-likelihoods of rows have risen by more than two standard errors.

    One would be too few: the best of several rounds is compared.
    """
    gain, total = now - before, weights.sum()
    mean = weights @ gain / total
    error = np.sqrt(weights @ (gain - mean) ** 2 / total / max(total - 1.0, 1.0))
    return bool(mean > 2.0 * error)
