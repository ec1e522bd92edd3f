"""From experts to a pool that learns from one batch after the other.

An incremental pool has ``partial_fit(X, y, weights, step)``, ``renewed(experts)`` and
``n_first_passes`` besides ``predict``, ``predict_routed``, ``estimators`` and
``penalty``; as with other pools, a copy is a snapshot. ``state`` (arrays) is what the
estimators do not tell, ``resume(X, y, weights, estimators, state)`` takes it up.
"""

import numpy as np
from sklearn.pipeline import Pipeline

from skmoe._incremental import (
    last_step,
    learns_from_batches,
)
from skmoe.experts._glm import GammaPool, PoissonPool
from skmoe.experts._incremental_groups import GroupedPool, PipelineOfOne
from skmoe.experts._least_squares import LeastSquaresPool, RidgePool
from skmoe.experts._logistic import LogisticPool
from skmoe.experts._newton import NewtonPool
from skmoe.experts._partial_fit import PartialFitPool

_LINEAR = (LeastSquaresPool, RidgePool, PoissonPool, GammaPool)
_KINDS = (*_LINEAR, LogisticPool)


def make_incremental_regressor_pool(experts, X, y, *, random_state, n_jobs):
    """Make a pool of regressors that learns from batches.

    Parameters
    ----------
    experts : list of (name, estimator)
        What :func:`check_experts` gave.
    X : array-like of shape (n_samples, n_features)
        The first rows, which tell what they are like.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    random_state : RandomState
        What draws of experts without weights come from.
    n_jobs : int or None
        Experts that learn at the same time.

    Returns
    -------
    pool : incremental expert pool
        With ``partial_fit(X, y, weights, step)``.

    Raises
    ------
    ValueError
        If an expert has no ``partial_fit`` and is no linear one of these rows.

    See Also
    --------
    make_regressor_pool : For all rows at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmoe._running import StepSize
    >>> from skmoe.experts import make_incremental_regressor_pool
    >>> X, y = np.arange(4.0)[:, None], np.array([0.0, 2.0, 4.0, 6.0])
    >>> pool = make_incremental_regressor_pool(
    ...     [("expert0", LinearRegression())], X, y,
    ...     random_state=np.random.RandomState(0), n_jobs=None,
    ... )
    >>> _ = pool.partial_fit(X, y, np.ones((4, 1)), StepSize(weight=4.0))
    >>> pool.predict(X).shape
    (4, 1)
    """

    def linear(experts, X):
        estimators = [estimator for _, estimator in experts]
        for pool in _LINEAR:
            if pool.supports(estimators, X, y):
                return NewtonPool(pool(experts))
        return None

    def general(experts):
        n_outputs = y.shape[1] if y.ndim == 2 else None
        return PartialFitPool(
            experts, n_outputs=n_outputs, random_state=random_state, n_jobs=n_jobs
        )

    return _make_pool(experts, X, linear, general)


def make_incremental_classifier_pool(experts, X, classes, *, random_state, n_jobs):
    """Make a pool of classifiers that learns from batches.

    Parameters
    ----------
    experts : list of (name, estimator)
        What :func:`check_experts` gave.
    X : array-like of shape (n_samples, n_features)
        The first rows, which tell what they are like.
    classes : ndarray of shape (n_classes,)
        All labels that will come.
    random_state : RandomState
        What draws of experts without weights come from.
    n_jobs : int or None
        Experts that learn at the same time.

    Returns
    -------
    pool : incremental expert pool
        With ``partial_fit(X, y, weights, step)``.

    Raises
    ------
    ValueError
        If an expert has no ``partial_fit`` and is no linear one of these rows.

    See Also
    --------
    make_classifier_pool : For all rows at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmoe.experts import make_incremental_classifier_pool
    >>> pool = make_incremental_classifier_pool(
    ...     [("expert0", LogisticRegression())], np.zeros((4, 1)), np.array(["a", "b"]),
    ...     random_state=np.random.RandomState(0), n_jobs=None,
    ... )
    >>> pool.n_experts
    1
    """

    def linear(experts, X):
        estimators = [estimator for _, estimator in experts]
        if len(classes) > 1 and LogisticPool.supports(estimators, X, np.arange(2)):
            return NewtonPool(LogisticPool(experts, classes=classes))
        return None

    def general(experts):
        return PartialFitPool(
            experts, n_outputs=None, random_state=random_state, n_jobs=n_jobs,
            classes=classes,
        )  # fmt: skip

    return _make_pool(experts, X, linear, general)


def _make_pool(experts, X, linear, general):
    """One pool of all experts, or of groups that belong together."""
    pool = linear(experts, X)
    if pool is not None:
        return pool
    groups = {}
    for k, (name, estimator) in enumerate(experts):
        alone = _pool_of_one((name, estimator), X, linear)
        if alone is None:
            _check_learns_these(name, estimator)
        # Experts that learn by themselves are one group.
        groups.setdefault(None if alone is None else k, ([], alone))[0].append(k)
    pools = [
        (numbers, alone or general([experts[k] for k in numbers]))
        for numbers, alone in groups.values()
    ]
    if len(pools) == 1:
        return pools[0][1]
    return GroupedPool(experts, pools)


def _pool_of_one(expert, X, linear):
    """A pool of one linear expert, which may end a pipeline; or None."""
    name, estimator = expert
    if not isinstance(estimator, Pipeline):
        return linear([expert], X)
    if learns_from_batches(estimator):
        return None
    # What the transformers make of X is not known yet; a column stands for it.
    last = _pool_of_one((name, estimator.steps[-1][1]), np.zeros((1, 1)), linear)
    return None if last is None else PipelineOfOne(expert, last)


def check_learns(name, estimator):
    """Raise where an expert cannot learn from batches.

    Parameters
    ----------
    name : str
        Of the expert, for the error.
    estimator : estimator
        The expert.

    Raises
    ------
    ValueError
        If it has no ``partial_fit`` and is no linear model.

    See Also
    --------
    make_incremental_regressor_pool : What learns from batches.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skmoe.experts import check_learns
    >>> check_learns("expert0", DecisionTreeRegressor())
    Traceback (most recent call last):
        ...
    ValueError: experts: 'expert0' (DecisionTreeRegressor) has no partial_fit, so ...
    """
    last = last_step(estimator)
    if hasattr(last, "partial_fit") or any(kind.fits(last) for kind in _KINDS):
        return
    raise ValueError(
        f"experts: {name!r} ({type(estimator).__name__}) has no partial_fit, so it "
        "cannot learn from batches; use LinearRegression, Ridge, LogisticRegression, "
        "PoissonRegressor, GammaRegressor or an estimator with partial_fit, such as "
        "SGDRegressor, SGDClassifier, MLPRegressor or MLPClassifier, or fit with "
        "solver='em'."
    )


def _check_learns_these(name, estimator):
    """Raise where an expert without ``partial_fit`` is no linear one of these rows."""
    check_learns(name, estimator)
    if not learns_from_batches(estimator):
        raise ValueError(
            f"experts: {name!r} ({type(estimator).__name__}) has no partial_fit; it "
            "learns from batches only where X are numbers in at most 500 columns and y "
            "is a target that it takes; use an estimator with partial_fit, such as "
            "SGDRegressor or SGDClassifier, or fit with solver='em'."
        )
