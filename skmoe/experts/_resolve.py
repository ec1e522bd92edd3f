"""From the ``experts`` parameter to a pool."""

from functools import partial

from sklearn.base import is_classifier, is_regressor

from skmoe._fitting import clone_seeded, weight_keyword
from skmoe.experts._glm import GammaPool, PoissonPool
from skmoe.experts._least_squares import LeastSquaresPool, RidgePool
from skmoe.experts._logistic import LogisticPool
from skmoe.experts._pipeline import make_pipeline_pool
from skmoe.experts._pool import ClassifierPool, EstimatorPool
from skmoe.experts._sized import OUTCOMES, RatePool, RateTermsPool, SuccessPool


def check_experts(experts, n_experts, default, random_state):
    """Return a list of (name, seeded clone) for the ``experts`` parameter.

    Parameters
    ----------
    experts : estimator, list of (name, estimator), or None
        The parameter.
    n_experts : int
        Number of clones, where ``experts`` is not a list.
    default : estimator
        What None stands for; a classifier where experts have to be classifiers.
    random_state : RandomState
        Fills open ``random_state`` parameters.

    Returns
    -------
    experts : list of (name, estimator)
        Unfitted.

    Raises
    ------
    ValueError
        If the list, a name in it, or the kind of an estimator cannot be used.
    TypeError
        If an expert is a class, or no estimator.

    See Also
    --------
    make_regressor_pool : What fits them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skmoe.experts import check_experts
    >>> experts = check_experts(Ridge(), 2, Ridge(), np.random.RandomState(0))
    >>> [name for name, _ in experts]
    ['expert0', 'expert1']
    """
    if experts is None:
        experts = default
    if not isinstance(experts, list):
        experts = [(f"expert{k}", experts) for k in range(n_experts)]
    _check_list(experts)
    for name, estimator in experts:
        _check_kind(name, estimator, is_classifier(default))
    return [(name, clone_seeded(est, random_state)) for name, est in experts]


def _check_list(experts):
    if not experts or not all(
        isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
        for item in experts
    ):
        raise ValueError(
            "experts: a list must hold (name, estimator) tuples, at least one."
        )
    names = [name for name, _ in experts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"experts: the name {twice[0]!r} is used more than once.")
    dunder = [name for name in names if "__" in name]
    if dunder:
        raise ValueError(f"experts: the name {dunder[0]!r} must not contain '__'.")


def _check_kind(name, estimator, classification):
    if isinstance(estimator, type):
        raise TypeError(
            f"experts: {name!r} is the class {estimator.__name__}; pass an instance, "
            f"{estimator.__name__}()."
        )
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        raise TypeError(f"experts: {name!r} ({estimator!r}) is no estimator.")
    kind = type(estimator).__name__
    if classification and not is_classifier(estimator):
        raise ValueError(
            f"experts: {name!r} ({kind}) is no classifier; pass a classifier, or use it "
            "in a MixtureOfExpertsRegressor (whose likelihood is not 'binomial')."
        )
    if not classification and not is_regressor(estimator):
        raise ValueError(
            f"experts: {name!r} ({kind}) is no regressor; use it in a "
            "MixtureOfExpertsClassifier, or pass a regressor."
        )
    if classification and not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"experts: {name!r} ({kind}) has no predict_proba; choose parameters that "
            "give it one, or wrap it in CalibratedClassifierCV."
        )


def make_regressor_pool(experts, X, y, *, draw, n_jobs):
    """Make the fastest pool that fits just these regressors.

    Parameters
    ----------
    experts : list of (name, estimator)
        What :func:`check_experts` gave.
    X : array-like of shape (n_samples, n_features)
        Rows, which tell whether a closed form suits.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    draw : callable
        How whole rows are drawn for an estimator that takes no weights.
    n_jobs : int or None
        Experts that are fitted at the same time.

    Returns
    -------
    pool : expert pool
        Not yet fitted; see :mod:`skmoe.experts`.

    See Also
    --------
    make_classifier_pool : The same for classification.
    make_incremental_regressor_pool : For rows that come in batches.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe.experts import make_regressor_pool
    >>> X, y = np.arange(4.0)[:, None], np.array([0.0, 1.0, 1.0, 0.0])
    >>> experts = [("rise", LinearRegression()), ("fall", LinearRegression())]
    >>> pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    >>> weights = np.repeat(np.eye(2), 2, axis=0)  # two rows for each
    >>> pool.fit(X, y, weights).predict(np.array([[2.0]])).round(2)
    array([[2., 1.]])
    """

    def closed_form(experts, X, y):
        estimators = [estimator for _, estimator in experts]
        for pool in (LeastSquaresPool, RidgePool, PoissonPool, GammaPool):
            if pool.supports(estimators, X, y):
                return pool(experts)
        return None

    pool = closed_form(experts, X, y) or make_pipeline_pool(experts, X, y, closed_form)
    if pool is not None:
        return pool
    n_outputs = y.shape[1] if y.ndim == 2 else None
    return EstimatorPool(experts, n_outputs=n_outputs, draw=draw, n_jobs=n_jobs)


def make_classifier_pool(experts, X, y, classes, *, draw, n_jobs):
    """Make the fastest pool that fits just these classifiers.

    Parameters
    ----------
    experts : list of (name, estimator)
        What :func:`check_experts` gave.
    X : array-like of shape (n_samples, n_features)
        Rows, which tell whether a closed form suits.
    y : ndarray of int, of shape (n_samples,)
        Numbers of their classes.
    classes : ndarray of shape (n_classes,)
        Labels, sorted.
    draw : callable
        How whole rows are drawn for an estimator that takes no weights.
    n_jobs : int or None
        Experts that are fitted at the same time.

    Returns
    -------
    pool : expert pool
        Not yet fitted; see :mod:`skmoe.experts`.

    See Also
    --------
    make_regressor_pool : The same for regression.
    make_incremental_classifier_pool : For rows that come in batches.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmoe.experts import make_classifier_pool
    >>> X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    >>> pool = make_classifier_pool(
    ...     [("expert0", LogisticRegression())], X, y, np.array(["a", "b"]),
    ...     draw=None, n_jobs=None,
    ... )
    >>> pool.fit(X, y, np.ones((4, 1))).predict(np.array([[1.5]])).round(2)
    array([[[0.5, 0.5]]])
    """

    def closed_form(experts, X, y):
        estimators = [estimator for _, estimator in experts]
        if LogisticPool.supports(estimators, X, y):
            return LogisticPool(experts, classes=classes)
        return None

    pool = closed_form(experts, X, y)
    pool = pool or make_pipeline_pool(experts, X, y, closed_form, classes)
    if pool is not None:
        return pool
    return ClassifierPool(experts, classes=classes, draw=draw, n_jobs=n_jobs)


def make_sized_pool(experts, X, target, likelihood, *, draw, n_jobs):
    """A pool for rows of different sizes.

    Parameters
    ----------
    experts : list of (name, estimator)
    X : array-like of shape (n_samples, n_features)
    target : ndarray of shape (n_samples, 2)
        What was counted, and the sizes.
    likelihood : likelihood
        That knows sizes.
    draw : callable
        For experts that take no weights.
    n_jobs : int or None
    """
    if getattr(likelihood, "experts_classify", False):
        return SuccessPool(experts, X, partial(_make_weighted_pool, n_jobs=n_jobs))
    rates, _ = likelihood.expert_target(target)
    inner = make_regressor_pool(experts, X, rates, draw=draw, n_jobs=n_jobs)
    pool = RateTermsPool if hasattr(inner, "terms") else RatePool
    return pool(inner, likelihood.expert_target)


def _make_weighted_pool(experts, X, y, *, n_jobs):
    """Classifiers of two outcomes, which come as often as their weights say."""
    for name, estimator in experts:
        if weight_keyword(estimator) is None:
            raise ValueError(
                f"experts: {name!r} ({type(estimator).__name__}) accepts no "
                "sample_weight, which with likelihood='binomial' says how often a row "
                "was a success; use an expert that does."
            )
    return make_classifier_pool(experts, X, y, OUTCOMES, draw=None, n_jobs=n_jobs)
