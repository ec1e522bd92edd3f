"""From a pipeline or a search to the mixture within, which can be asked more."""

from skmoe.inspection._fitted import FittedMixture


def unwrap(estimator, X):
    """The mixture within a pipeline or a search, and rows as it takes them.

    A pipeline offers what every estimator does, such as ``predict``. What only a mixture
    has, such as ``predict_distribution`` or ``responsibilities``, is asked of the mixture
    itself, about rows that went through the steps before it.

    Parameters
    ----------
    estimator : mixture, Pipeline that ends in one, or search over these
        Fitted.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows as they are passed to ``estimator``.

    Returns
    -------
    mixture : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        The fitted one within, not a copy.
    rows : {ndarray, sparse matrix, dataframe} of shape (n_samples, n_features_in)
        The rows, transformed.

    Raises
    ------
    TypeError
        If there is no mixture of experts within.
    ValueError
        If the steps before the mixture do not take X.

    See Also
    --------
    expert_report : What each expert does; takes the whole.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import unwrap
    >>> X, y = make_moe_regression(random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    >>> mixture, rows = unwrap(pipeline, X)
    >>> low, high = mixture.predict_distribution(rows).interval(0.9)
    >>> print(((low < y) & (y < high)).mean().round(1))
    0.9
    """
    within = FittedMixture.of(estimator)
    return within.model, within.rows(X)
