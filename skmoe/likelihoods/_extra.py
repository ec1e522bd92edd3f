"""One component besides the experts, whose density nothing is fitted to.

It is the last column of all arrays: of gate probabilities, predictions, responsibilities
and, where the experts have dispersions, their last row. The other columns are the
experts', which another likelihood scores.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.utils.metaestimators import available_if

from skmoe.likelihoods._dispersions import floor_option
from skmoe.likelihoods._resolve import check_likelihood
from skmoe.likelihoods._sizes import sizes_of


def component_of(likelihood):
    """Name of the component that a likelihood has besides the experts, or None."""
    return getattr(likelihood, "component", None)


def likelihood_of_experts(likelihood):
    """The likelihood that experts by themselves are scored by."""
    return likelihood if component_of(likelihood) is None else likelihood.base


def experts_of(likelihood, values):
    """Values of experts, without that of a component besides them."""
    return values if component_of(likelihood) is None else values[:-1]


def _base_has(name):
    return lambda likelihood: hasattr(likelihood.base, name)


class ExtraComponentLikelihood(BaseEstimator):
    """Scores experts by one likelihood, and the last column by a density of its own.

    A subclass says what that is: ``_log_prob``, ``_cdf``, ``_ppf``, ``_rvs`` and
    ``_variance`` are given the last column of ``prediction`` and the last dispersion.
    """

    #: How the component is called, in the place of an expert's name.
    component: str | None = None
    #: Whether y is one column.
    takes_one_output = True

    def __init__(self, likelihood):
        self.likelihood = likelihood

    @property
    def base(self):
        """Likelihood that scores the experts.

        Returns
        -------
        likelihood : likelihood
            An object, also where a name was given.
        """
        return check_likelihood(self.likelihood)

    def default_expert(self):
        """Make what ``experts=None`` stands for: what it does without the component.

        Returns
        -------
        expert : estimator
            Unfitted.
        """
        return getattr(self.base, "default_expert", LinearRegression)()

    def check_target(self, y):
        """Check that y suits the experts' likelihood, and this one suits the component.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Raises
        ------
        ValueError
            If y has several outputs or a row out of range, or if the experts' likelihood
            is not of the kind that the component goes with.
        """
        self._check_base()
        if hasattr(self.base, "check_target"):
            self.base.check_target(y)

    def log_prob(self, y, prediction, dispersion):
        """Log-probability or log-density of y under each expert and the component.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        log_prob : ndarray of shape (n_samples, n_experts + 1)
            In nats.
        """
        experts, component = _split(prediction, dispersion)
        own = self._log_prob(sizes_of(y)[0][:, None], *component)
        return np.concatenate([self.base.log_prob(y, *experts), own], axis=1)

    def fit_dispersion(self, y, prediction, weights, floor=None):
        """Dispersions of the experts as their likelihood fits them, and the component's.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        weights : ndarray of shape (n_samples, n_experts + 1)
            Responsibilities, times the rows' weights.
        floor : float, default=None
            What :meth:`smallest_dispersion` says of all rows, where these are a part of
            them. None: what it says of these.

        Returns
        -------
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            None where the experts have none.
        """
        row_weights, own = weights.sum(axis=1), weights[:, :-1]
        if floor is None and hasattr(self.base, "smallest_dispersion"):
            floor = self.smallest_dispersion(y, row_weights)
        if not own.any():  # the experts are as uncertain as the target then
            own = np.repeat(row_weights[:, None], own.shape[1], axis=1)
        fit = self.base.fit_dispersion
        dispersion = fit(y, prediction[:, :-1], own, **floor_option(fit, floor))
        if dispersion is None:
            return None
        last = np.empty((1, *dispersion.shape[1:]))
        last[0] = self._dispersion(y, floor, dispersion.shape[1:])
        return np.concatenate([dispersion, last])

    @available_if(_base_has("expert_weights"))
    def expert_weights(self, y, prediction, dispersion):
        """What multiplies the responsibilities with which experts are fitted.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            What was observed.
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, before it is fitted again.
        dispersion : ndarray of shape (n_experts + 1, ...)
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_experts + 1)
            Of the experts' likelihood, and ones for the component.
        """
        experts, _ = _split(prediction, dispersion)
        own = np.ones((len(y), 1))
        return np.concatenate([self.base.expert_weights(y, *experts), own], axis=1)

    @available_if(_base_has("smallest_dispersion"))
    def smallest_dispersion(self, y, weights):
        """Floor of the experts' dispersions, as their likelihood has it.

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
        return self.base.smallest_dispersion(y, weights)

    def mean(self, prediction, dispersion):
        """Mean of each expert's density, and of the component's.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_experts + 1)
            In units of y.
        """
        experts, component = _split(prediction, dispersion)
        return np.concatenate([self.base.mean(*experts), component[0]], axis=1)

    def variance(self, prediction, dispersion):
        """Variance of each expert's density, and of the component's.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        variance : ndarray of shape (n_samples, n_experts + 1)
            In squared units of y.
        """
        experts, component = _split(prediction, dispersion)
        own = np.broadcast_to(self._variance(*component), component[0].shape)
        return np.concatenate([self.base.variance(*experts), own], axis=1)

    def cdf(self, y, prediction, dispersion):
        """Distribution function P(Y <= y) under each expert and the component.

        Parameters
        ----------
        y : float or ndarray
            Where to ask; it broadcasts against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        cdf : ndarray
            Probabilities, of the shape that y and ``prediction`` broadcast to.
        """
        return self._of_columns("cdf", y, prediction, dispersion)

    def ppf(self, q, prediction, dispersion):
        """Quantiles of each expert's density, and of the component's.

        Parameters
        ----------
        q : float or ndarray
            Probabilities in [0, 1]; they broadcast against ``prediction``.
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        ppf : ndarray
            In units of y, of the shape that q and ``prediction`` broadcast to.
        """
        return self._of_columns("ppf", q, prediction, dispersion)

    def _of_columns(self, name, values, prediction, dispersion):
        shape = np.broadcast_shapes(np.shape(values), prediction.shape)
        values = np.broadcast_to(values, shape)
        experts, component = _split(prediction, dispersion)
        of_experts = getattr(self.base, name)(values[..., :-1], *experts)
        own = getattr(self, f"_{name}")(values[..., -1:], *component)
        return np.concatenate([of_experts, own], axis=-1)

    def rvs(self, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts + 1)
            What each expert predicts, and the component's constant.
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray of shape (n_samples, n_experts + 1)
            In units of y.
        """
        columns = np.broadcast_to(np.arange(prediction.shape[1]), prediction.shape)
        if dispersion is not None:
            dispersion = dispersion[columns]
        return self.rvs_of_columns(
            columns, prediction.shape[1], prediction, dispersion, random_state
        )

    def rvs_of_columns(self, columns, n_columns, prediction, dispersion, random_state):
        """Draw once for each entry of ``prediction``, entries being of any columns.

        Parameters
        ----------
        columns : ndarray of int
            Numbers of the columns that the entries are of.
        n_columns : int
            Number of all columns, the last of which is the component's.
        prediction : ndarray, of the shape of ``columns``
            What is predicted in these columns.
        dispersion : ndarray or None
            Of these columns: its first axes are those of ``columns``.
        random_state : RandomState
            What the draws come from.

        Returns
        -------
        draws : ndarray, of the shape of ``columns``
            In units of y.
        """
        is_component = columns == n_columns - 1
        draws = np.empty(prediction.shape)
        kinds = ((~is_component, self.base.rvs), (is_component, self._rvs))
        for entries, rvs in kinds:
            own = None if dispersion is None else dispersion[entries]
            draws[entries] = rvs(prediction[entries], own, random_state)
        return draws

    def n_parameters(self, dispersion):
        """Number of parameters of the experts' dispersions; the component has none.

        Parameters
        ----------
        dispersion : ndarray of shape (n_experts + 1, ...) or None
            As :meth:`fit_dispersion` gives them.

        Returns
        -------
        n_parameters : int or None
            Of all experts, for information criteria. The component's share is the
            gate's parameter.
        """
        return self.base.n_parameters(None if dispersion is None else dispersion[:-1])


def _split(prediction, dispersion):
    """Prediction and dispersion of the experts, and those of the component."""
    is_known = dispersion is not None
    experts = (prediction[..., :-1], dispersion[:-1] if is_known else None)
    return experts, (prediction[..., -1:], dispersion[-1:] if is_known else None)
