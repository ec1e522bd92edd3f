"""Where the rows of each expert lie, as a Gaussian gate has it."""

import numpy as np

# A correlation below this is not told.
_WORTH_TELLING = 0.3


def covariances_of(gate):
    """The covariance matrix of each expert's rows, in units of the columns.

    Parameters
    ----------
    gate : GaussianGate
        Fitted.

    Returns
    -------
    covariances : ndarray of shape (n_experts, n_features, n_features)
    """
    n_experts, n_features = gate.means_.shape
    covariances = gate.covariances_
    if gate.covariance_type in ("diag", "spherical"):
        covariances = covariances[:, :, None] * np.eye(n_features)
    return np.broadcast_to(covariances, (n_experts, n_features, n_features))


def places(gate, names, style):
    """Pieces of a line for each expert: means, standard deviations, a correlation.

    Columns in which the expert's rows differ most from all rows come first.

    Parameters
    ----------
    gate : GaussianGate
        Fitted.
    names : list of str
    style : Style

    Returns
    -------
    pieces : list of list of str
    """
    covariances = covariances_of(gate)
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    order = _by_difference(gate.weights_, gate.means_, variances)
    return [
        _place(mean, covariance, names, columns, style) + [_prior(prior, style)]
        for mean, covariance, columns, prior in zip(
            gate.means_, covariances, order, gate.weights_, strict=True
        )
    ]


def _prior(prior, style):
    return f"(prior {style.number(prior)})"


def _place(mean, covariance, names, columns, style):
    deviation = np.sqrt(np.diagonal(covariance))
    columns = [j for j in columns if deviation[j] > 0]
    told = columns[: style.max_features]
    pieces = [
        f"{names[j]} {style.number(mean[j])} +/- {style.number(deviation[j])}"
        for j in told
    ]
    if len(told) < len(columns):
        pieces.append(f"... and {len(columns) - len(told)} more")
    return pieces + _strongest_correlation(covariance, deviation, names, told, style)


def _strongest_correlation(covariance, deviation, names, told, style):
    """Of two columns that are told of."""
    scale = deviation[told]
    correlation = np.triu(covariance[np.ix_(told, told)] / np.outer(scale, scale), k=1)
    if np.abs(correlation).max(initial=0.0) < _WORTH_TELLING:
        return []
    i, j = np.unravel_index(np.abs(correlation).argmax(), correlation.shape)
    number = style.number(correlation[i, j], "+")
    return [f"correlation {number} of {names[told[i]]} and {names[told[j]]}"]


def _by_difference(weights, means, variances):
    """Columns by the divergence of each expert's density from that of all rows."""
    overall = weights @ means
    variance = weights @ (variances + (means - overall) ** 2)
    known = variance > 0
    variance = np.where(known, variance, 1.0)
    ratio = np.where(known, variances, 1.0) / variance
    distance = (means - overall) ** 2 / variance
    divergence = ratio - 1 - np.log(np.maximum(ratio, 1e-300)) + distance
    return np.argsort(-divergence, axis=1, kind="stable")


def log_odds_at_mean(gate):
    """Log-odds against the average expert as they change around the mean of all rows.

    Parameters
    ----------
    gate : GaussianGate
        Fitted.

    Returns
    -------
    coef : ndarray of shape (n_experts, n_features)
    intercept : ndarray of shape (n_experts,)
    """
    mean = gate.weights_ @ gate.means_
    coef = np.array(
        [
            np.linalg.pinv(covariance, hermitian=True) @ (own - mean)
            for own, covariance in zip(gate.means_, covariances_of(gate), strict=True)
        ]
    )
    value = gate._joint_log_proba(gate._units.transform(mean[None]))[0]
    coef = coef - coef.mean(axis=0)
    return coef, value - value.mean() - coef @ mean
