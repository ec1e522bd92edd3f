"""Dispersions that may depend on x, for those who need not care whether they do."""


def fit_dispersion(likelihood, X, y, prediction, weights):
    """Dispersions, or models of them; see ``skmoe.likelihoods``.

    Parameters
    ----------
    likelihood : likelihood
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
    weights : ndarray of shape (n_samples, n_experts)

    Returns
    -------
    dispersion : object
    """
    if hasattr(likelihood, "fit_dispersion_model"):
        return likelihood.fit_dispersion_model(X, y, prediction, weights)
    return likelihood.fit_dispersion(y, prediction, weights)


def dispersion_at(likelihood, dispersion, X):
    """What ``log_prob`` and the other methods take as ``dispersion`` for the rows of X.

    Parameters
    ----------
    likelihood : likelihood
    dispersion : object
        What :func:`fit_dispersion` gave.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)

    Returns
    -------
    dispersion : ndarray or None
        Of shape (n_samples, n_experts) where it depends on x.
    """
    if hasattr(likelihood, "dispersion_at"):
        return likelihood.dispersion_at(dispersion, X)
    return dispersion
