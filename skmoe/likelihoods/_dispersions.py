"""Dispersions, for those who need not care what kind they are.

They may depend on x, and each row may be sent to some experts only. What is known of a
row and an expert it is sent to, a *pair*, is held in arrays of shape (n_samples, top_k,
...); see ``skmoe._routes``.
"""

from inspect import Parameter, signature

import numpy as np

from skmoe._sklearn_compat import safe_indexing
from skmoe.likelihoods._variance_model import SMALLEST_SHARE


def fit_dispersion(likelihood, X, y, prediction, weights):
    """Fit dispersions, or models of them; see :mod:`skmoe.likelihoods`.

    Parameters
    ----------
    likelihood : likelihood
        A likelihood object; see :mod:`skmoe.likelihoods`.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows, for dispersions that depend on x.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        What was observed.
    prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
        What each expert predicts.
    weights : ndarray of shape (n_samples, n_experts)
        Responsibilities, times the rows' weights.

    Returns
    -------
    dispersion : object
        An array whose first axis is that of the experts, a list of models, or None.

    See Also
    --------
    dispersion_at : Dispersions of some rows.
    fit_dispersion_of_pairs : The same where each row is sent to some experts only.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import GaussianLikelihood, fit_dispersion
    >>> X, y = np.zeros((2, 1)), np.array([0.0, 2.0])
    >>> prediction = np.array([[1.0, 3.0], [1.0, 3.0]])
    >>> fit_dispersion(GaussianLikelihood(), X, y, prediction, np.ones((2, 2)))
    array([1., 5.])
    """
    if hasattr(likelihood, "fit_dispersion_model"):
        return likelihood.fit_dispersion_model(X, y, prediction, weights)
    return likelihood.fit_dispersion(y, prediction, weights)


def permuted_dispersion(dispersion, order):
    """Put the dispersions of the experts into another order.

    Parameters
    ----------
    dispersion : ndarray of shape (n_experts, ...), list or None
        What :func:`fit_dispersion` gave.
    order : ndarray of int of shape (n_experts,)
        Numbers of the experts, the first one to be the first.

    Returns
    -------
    dispersion : ndarray, list or None
        Of the same kind.
    """
    if dispersion is None:
        return None
    if isinstance(dispersion, list):
        return [dispersion[k] for k in order]
    return dispersion[order]


def dispersion_at(likelihood, dispersion, X):
    """Look up what ``log_prob`` and the others take as ``dispersion`` for the rows of X.

    Parameters
    ----------
    likelihood : likelihood
        A likelihood object; see :mod:`skmoe.likelihoods`.
    dispersion : object
        What :func:`fit_dispersion` gave.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows to ask about.

    Returns
    -------
    dispersion : ndarray or None
        Of shape (n_samples, n_experts) where it depends on x.

    See Also
    --------
    fit_dispersion : Where dispersions come from.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import GaussianLikelihood, dispersion_at
    >>> dispersion_at(GaussianLikelihood(), np.array([1.0, 4.0]), np.zeros((3, 1)))
    array([1., 4.])
    """
    if hasattr(likelihood, "dispersion_at"):
        return likelihood.dispersion_at(dispersion, X)
    return dispersion


def smallest_floor(likelihood, y, weights):
    """Find the floor of the dispersions, where the likelihood tells it.

    Parameters
    ----------
    likelihood : likelihood
        A likelihood object; see :mod:`skmoe.likelihoods`.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target, of all rows.
    weights : ndarray of shape (n_samples,)
        Of the rows.

    Returns
    -------
    floor : float, ndarray or None
        None where the likelihood does not tell.

    See Also
    --------
    fit_dispersion_of_pairs : Which needs it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.likelihoods import GaussianLikelihood, smallest_floor
    >>> y = np.array([-1.0, 1.0, -1.0, 1.0])
    >>> round(float(smallest_floor(GaussianLikelihood(floor=0.1), y, np.ones(4))), 4)
    0.01
    """
    if hasattr(likelihood, "smallest_dispersion"):
        return likelihood.smallest_dispersion(y, weights)
    return None


def fit_dispersion_of_pairs(
    likelihood, X, y, prediction, weights, routes, floor, earlier=None
):
    """Fit each expert's dispersion, or a model of it, to the rows that are sent to it.

    An expert without weight keeps its earlier dispersion; without one, it is as
    uncertain as the likelihood makes it of all rows.

    Parameters
    ----------
    likelihood : likelihood
        A likelihood object; see :mod:`skmoe.likelihoods`.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows, for dispersions that depend on x.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        What was observed.
    prediction : ndarray of shape (n_samples, top_k[, n_outputs])
        What the experts of each row predict.
    weights : ndarray of shape (n_samples, top_k)
        Responsibilities of the experts of each row, times the rows' weights.
    routes : Routes
        Which experts each row is sent to.
    floor : float, ndarray or None
        What :func:`smallest_floor` says of all rows.
    earlier : object, default=None
        What this function gave before.

    Returns
    -------
    dispersion : object
        As :func:`fit_dispersion` gives it: the first axis is that of all experts.

    See Also
    --------
    dispersion_of_pairs : Dispersions of some rows and their experts.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe._routes import Routes
    >>> from skmoe.likelihoods import GaussianLikelihood, fit_dispersion_of_pairs
    >>> X, y = np.zeros((4, 1)), np.array([0.0, 2.0, 0.0, 4.0])
    >>> routes = Routes(np.array([[0], [0], [1], [1]]), n_experts=2)
    >>> means, weights = np.array([[1.0], [1.0], [2.0], [2.0]]), np.ones((4, 1))
    >>> fit_dispersion_of_pairs(GaussianLikelihood(), X, y, means, weights, routes, 1e-6)
    array([1., 4.])
    """
    fit, shares = _fit_of_rows(likelihood, X, y, floor), weights
    if _has_models(likelihood):
        # Who is given one expert's rows alone does not see which shares are small.
        least = SMALLEST_SHARE * weights.sum(axis=1, keepdims=True)
        shares = np.where(weights > least, weights, 0.0)
    answers = prediction.reshape(routes.experts.size, 1, *prediction.shape[2:])
    shares = shares.reshape(-1, 1)
    if getattr(likelihood, "is_tied", False):
        every = np.repeat(np.arange(len(routes)), routes.top_k)
        return np.repeat(fit(every, answers, shares), routes.n_experts, axis=0)
    found = dict(enumerate([] if earlier is None else earlier))
    mass = np.bincount(routes.experts.ravel(), shares.ravel(), routes.n_experts)
    has_weight = mass > np.finfo(np.float64).tiny
    for k, part in routes.groups():
        if not has_weight[k]:
            continue
        pairs = routes.pairs[part]
        own = fit(routes.rows[part], answers[pairs], shares[pairs])
        if own is None:
            return None
        found[k] = own[0]
    if len(found) < routes.n_experts:
        of_target = _of_an_expert_without_rows(fit, prediction, weights)
        found = {k: found.get(k, of_target) for k in range(routes.n_experts)}
    dispersion = [found[k] for k in range(routes.n_experts)]
    return dispersion if _has_models(likelihood) else np.stack(dispersion)


def dispersion_of_pairs(likelihood, dispersion, X, routes):
    """Look up what ``log_prob`` and the others take as ``dispersion`` for pairs.

    Parameters
    ----------
    likelihood : likelihood
        A likelihood object; see :mod:`skmoe.likelihoods`.
    dispersion : object
        Of all experts, as :func:`fit_dispersion_of_pairs` gave it.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows to ask about.
    routes : Routes
        Which experts each row is sent to.

    Returns
    -------
    dispersion : ndarray of shape (n_samples, top_k, ...) or None
        Of each row's own experts; None where there is none.

    See Also
    --------
    dispersion_at : The same where all experts are asked about each row.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe._routes import Routes
    >>> from skmoe.likelihoods import GaussianLikelihood, dispersion_of_pairs
    >>> routes = Routes(np.array([[1, 0], [0, 2]]), n_experts=3)
    >>> variances = np.array([1.0, 4.0, 9.0])
    >>> dispersion_of_pairs(GaussianLikelihood(), variances, np.zeros((2, 1)), routes)
    array([[4., 1.],
           [1., 9.]])
    """
    if dispersion is None:
        return None
    if not hasattr(likelihood, "dispersion_at"):
        return dispersion[routes.experts]
    in_order = np.concatenate(
        [
            likelihood.dispersion_at(
                dispersion[k : k + 1], safe_indexing(X, routes.rows[part])
            )[:, 0]
            for k, part in routes.groups()
        ]
    )
    of_pairs = np.empty_like(in_order)
    of_pairs[routes.pairs] = in_order
    return of_pairs.reshape(*routes.experts.shape, *in_order.shape[1:])


def _has_models(likelihood):
    return hasattr(likelihood, "fit_dispersion_model")


def _fit_of_rows(likelihood, X, y, floor):
    """A function of the numbers of some rows, and their predictions and weights."""
    has_models = _has_models(likelihood)
    fit = likelihood.fit_dispersion_model if has_models else likelihood.fit_dispersion
    options = floor_option(fit, floor)

    def fit_of_rows(rows, prediction, weights):
        data = (safe_indexing(X, rows), y[rows]) if has_models else (y[rows],)
        return fit(*data, prediction, weights, **options)

    return fit_of_rows


def floor_option(method, floor):
    """The keyword ``floor``, where there is one and the method takes it."""
    if floor is None:
        return {}
    parameters = signature(method).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    takes_it = "floor" in parameters or Parameter.VAR_KEYWORD in kinds
    return {"floor": floor} if takes_it else {}


def _of_an_expert_without_rows(fit, prediction, weights):
    """The dispersion of an expert of no weight next to one that has all rows."""
    row_weights = weights.sum(axis=1)
    both = np.column_stack([np.zeros(len(row_weights)), row_weights])
    return fit(np.arange(len(row_weights)), prediction[:, [0, 0]], both)[0]
