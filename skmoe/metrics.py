"""How good a predictive density is, as functions and as scorers.

The functions take what was observed, and the density that was predicted for it, a
:class:`~skmoe.ConditionalMixture`. The scorers take an estimator, so they can be
the ``scoring`` of ``GridSearchCV`` or ``cross_val_score``; of them, greater is better.

Examples
--------
>>> from sklearn.model_selection import cross_val_score
>>> from skmoe import MixtureOfExpertsRegressor
>>> from skmoe.datasets import make_moe_regression
>>> from skmoe.metrics import neg_crps_scorer
>>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
>>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
>>> scores = cross_val_score(model, X, y, scoring=neg_crps_scorer, cv=3)
>>> bool((scores < 0).all())
True
"""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import MetadataRequest

from skmoe._row_sizes import given_sizes
from skmoe._sklearn_compat import check_sample_weight

__all__ = [
    "coverage",
    "crps",
    "neg_crps_scorer",
    "neg_log_likelihood",
    "neg_log_likelihood_scorer",
    "pit_values",
]


def neg_log_likelihood(y_true, density, sample_weight=None):
    r"""Mean negative log-density of what was observed; lower is better.

    .. math:: -\frac{\sum_i w_i \log p(y_i \mid x_i)}{\sum_i w_i}

    In nats; a change of the unit of y shifts it. Of counts, log-probabilities. The
    density is that of :eq:`eq-mixture`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        What was observed, in units of y.
    density : ConditionalMixture
        What was predicted for these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights :math:`w_i` of the rows; one each by default.

    Returns
    -------
    neg_log_likelihood : float
        The mean, in nats per row.

    Raises
    ------
    ValueError
        If ``y_true`` has another shape than the density.

    See Also
    --------
    neg_log_likelihood_scorer : The same for a search.
    crps : In units of y, and milder on outliers.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import neg_log_likelihood
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> density = MixtureOfExpertsRegressor(n_experts=1).fit(X, y).predict_distribution(X)
    >>> round(neg_log_likelihood(y, density), 3)
    -0.995
    """
    y = _observed(y_true, density)
    log_density = density.logpmf if _is_discrete(density) else density.logpdf
    return -_mean(log_density(y), sample_weight)


def crps(y_true, density, sample_weight=None):
    """Mean of the continuous ranked probability score; lower is better.

    A density that is a point costs its absolute error; see
    :meth:`~skmoe.ConditionalMixture.crps` and :eq:`eq-crps`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        What was observed, in units of y.
    density : ConditionalMixture
        What was predicted for these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; one each by default.

    Returns
    -------
    crps : float
        The mean, in units of y.

    Raises
    ------
    ValueError
        If ``y_true`` has another shape than the density, or several outputs.

    See Also
    --------
    neg_crps_scorer : The same for a search.
    neg_log_likelihood : Harder on outliers.

    References
    ----------
    .. [1] T. Gneiting and A. E. Raftery (2007). Strictly proper scoring rules,
       prediction, and estimation. Journal of the American Statistical Association 102,
       359-378.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import crps
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> density = MixtureOfExpertsRegressor(n_experts=1).fit(X, y).predict_distribution(X)
    >>> round(crps(y, density), 3)
    0.052
    """
    return _mean(density.crps(_observed(y_true, density)), sample_weight)


def pit_values(y_true, density, random_state=None):
    """Probability integral transforms, F(y); uniform where the density is right.

    Too many in the middle tell of a density that is too wide, too many at both ends of
    one that is too narrow (:eq:`eq-pit`). Those of counts are drawn between F(y - 1) and
    F(y), which makes them uniform as well [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        What was observed, in units of y.
    density : ConditionalMixture
        What was predicted for these rows.
    random_state : int, RandomState instance or None, default=None
        For counts only. An int gives the same draws each time.

    Returns
    -------
    pit : ndarray of shape (n_samples,)
        Numbers between 0 and 1.

    Raises
    ------
    ValueError
        If ``y_true`` has another shape than the density, or several outputs.

    See Also
    --------
    coverage : How many rows an interval covers.

    References
    ----------
    .. [1] C. Czado, T. Gneiting and L. Held (2009). Predictive model assessment for count
       data. Biometrics 65, 1254-1261.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import pit_values
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> density = MixtureOfExpertsRegressor(n_experts=1).fit(X, y).predict_distribution(X)
    >>> pit_values(y, density).round(2)
    array([0.67, 0.09, 0.91, 0.33])
    """
    y = _observed(y_true, density)
    upper = density.cdf(y)
    if not _is_discrete(density):
        return upper
    lower = density.cdf(y - 1)
    return lower + check_random_state(random_state).uniform(size=len(y)) * (upper - lower)


def coverage(y_true, density, confidence=0.9, sample_weight=None):
    """Share of rows within the equal-tailed interval; about ``confidence`` if calibrated.

    The interval is :meth:`~skmoe.ConditionalMixture.interval`, both ends included.
    Intervals of counts cover more than ``confidence``, as they must.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        What was observed, in units of y.
    density : ConditionalMixture
        What was predicted for these rows.
    confidence : float or array-like of shape (n_levels,), default=0.9
        Of the interval, in [0, 1].
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; one each by default.

    Returns
    -------
    coverage : float or ndarray of shape (n_levels,)
        Shares, in [0, 1].

    Raises
    ------
    ValueError
        If ``confidence`` is out of its range, or if ``y_true`` has another shape than the
        density, or several outputs.

    See Also
    --------
    pit_values : Calibration at all levels.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import coverage
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> density = MixtureOfExpertsRegressor(n_experts=1).fit(X, y).predict_distribution(X)
    >>> coverage(y, density, [0.5, 0.8, 0.95])
    array([0.5, 0.5, 1. ])
    """
    levels = np.asarray(confidence, dtype=np.float64)
    if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError(
            f"confidence={confidence!r} must be a number, or a list of numbers, between "
            "0 and 1."
        )
    y = _observed(y_true, density)
    reached = density.cdf(y)
    below = density.cdf(y - 1) if _is_discrete(density) else None
    shares = [
        _mean((reached >= tail) & _is_up_to(1 - tail, reached, below), sample_weight)
        for tail in np.atleast_1d((1 - levels) / 2)
    ]
    return np.array(shares) if levels.ndim else shares[0]


def _asks_for_sizes(scorer):
    """Let metadata routing pass the sizes of rows on to a scorer."""
    request = MetadataRequest(owner=scorer.__name__)
    for name in ("exposure", "trials"):
        request.score.add_request(param=name, alias=True)
    scorer.get_metadata_routing = lambda: request
    return scorer


@_asks_for_sizes
def neg_log_likelihood_scorer(
    estimator, X, y, sample_weight=None, *, exposure=None, trials=None
):
    """Mean log-likelihood, the negative of the loss; greater is better.

    For ``scoring``. It is :func:`neg_log_likelihood` with the other sign; of classifiers
    the mean log-probability of the class.

    Parameters
    ----------
    estimator : estimator
        A fitted mixture of experts, regressor or classifier, or a pipeline or a search
        that ends in one.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows, as the estimator takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        What was observed there.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; one each by default.
    exposure, trials : array-like of shape (n_samples,), default=None
        Sizes of the rows, as in ``fit``. With metadata routing, a search that is passed
        them passes them on.

    Returns
    -------
    score : float
        The mean, in nats per row.

    Raises
    ------
    TypeError
        If the estimator ends in something that is no mixture of experts.

    See Also
    --------
    neg_crps_scorer : In units of y, for regression.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.metrics import neg_log_likelihood_scorer
    >>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
    >>> search = GridSearchCV(
    ...     MixtureOfExpertsRegressor(random_state=0),
    ...     {"n_experts": [1, 2]},
    ...     scoring=neg_log_likelihood_scorer,
    ... )
    >>> search.fit(X, y).best_params_
    {'n_experts': 2}
    """
    model, X = _mixture_within(estimator, X, "responsibilities")
    sizes = given_sizes({"exposure": exposure, "trials": trials})
    return _mean(model.score_samples(X, y, **sizes), sample_weight)


@_asks_for_sizes
def neg_crps_scorer(estimator, X, y, sample_weight=None, *, exposure=None, trials=None):
    """Negative of the mean continuous ranked probability score; greater is better.

    For ``scoring``. It is :func:`crps` with the other sign.

    Parameters
    ----------
    estimator : estimator
        A fitted mixture of experts for regression, or a pipeline or a search that ends in
        one.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows, as the estimator takes them.
    y : array-like of shape (n_samples,)
        What was observed there.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows; one each by default.
    exposure, trials : array-like of shape (n_samples,), default=None
        Sizes of the rows, as in ``fit``. With metadata routing, a search that is passed
        them passes them on.

    Returns
    -------
    score : float
        The mean, in units of y, with its sign changed.

    Raises
    ------
    TypeError
        If the estimator ends in something that is no mixture of experts for regression.

    See Also
    --------
    neg_log_likelihood_scorer : For regression and classification.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import neg_crps_scorer
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
    >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    >>> round(neg_crps_scorer(model, X, y), 3)
    -0.052
    """
    model, X = _mixture_within(estimator, X, "predict_distribution")
    density = model.predict_distribution(X, exposure=exposure, trials=trials)
    return -crps(y, density, sample_weight)


def _mixture_within(estimator, X, method):
    """The mixture that an estimator ends in, and X as it gets there."""
    model = estimator
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "steps"):
            # A pipeline's own score_samples takes no y.
            X = X if len(model.steps) == 1 else model[:-1].transform(X)
            model = model[-1]
        else:
            break
    if hasattr(model, method) and hasattr(model, "score_samples"):
        return model, X
    kind = "MixtureOfExpertsRegressor"
    if method == "responsibilities":
        kind += " or MixtureOfExpertsClassifier"
    raise TypeError(
        f"estimator ({type(estimator).__name__}) ends in {type(model).__name__}, which "
        f"has no {method}: this scorer is for a {kind}, or a pipeline or search that "
        "ends in one."
    )


def _is_up_to(q, reached, below):
    """Whether y is at most the q-quantile: from F(y) and, of counts, F(y - 1)."""
    if below is None:
        return reached <= q
    # The quantile is the first count with F >= q; so none below y has got there.
    return (below < q) | (q == 1)


def _is_discrete(density):
    return getattr(density.likelihood, "is_discrete", False)


def _observed(y_true, density):
    """y as numbers, with as many rows as the density has."""
    y = np.asarray(y_true, dtype=np.float64)
    shape = (len(density), *density.prediction.shape[2:])
    if y.shape == (*shape, 1):
        y = y[..., 0]  # a column
    if y.shape != shape:
        raise ValueError(
            f"y_true has shape {y.shape}, and the density is one of shape {shape}; pass "
            "the y of the rows that the density was predicted for."
        )
    return y


def _mean(values, sample_weight):
    if sample_weight is None:
        return float(np.mean(values))
    weights = check_sample_weight(sample_weight, values)
    return float(np.average(values, weights=weights))
