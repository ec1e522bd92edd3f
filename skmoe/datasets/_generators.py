"""Draws from mixtures of linear experts behind a softmax gate."""

import numpy as np
from scipy.special import log_softmax, logsumexp
from sklearn.utils import Bunch, check_random_state

from skmoe.datasets._parts import (
    check_flags,
    check_gate_features,
    check_noise,
    check_numbers,
    contaminate,
    draw_columns,
    draw_gate,
    draw_inputs,
    gate_log_proba,
    log_normal,
    make_table,
    require_pandas,
    sum_shifts,
)

# Standard deviation of an expert's mean over X: the default noise can be seen, and does
# not hide the experts.
_MEAN_SCALE = 2.0
# Outliers are this many times as wide as y.
_OUTLIER_WIDTH = 10.0


def make_moe_regression(
    n_samples=1000,
    n_features=5,
    n_experts=3,
    *,
    noise=(0.2, 1.0),
    gate_scale=2.0,
    n_gate_features=None,
    n_categorical=0,
    n_categories=4,
    outliers=0.0,
    heteroscedastic=True,
    return_truth=False,
    random_state=None,
):
    r"""Generate a regression problem from a mixture of linear experts.

    .. math:: p(y \mid x) = (1 - \rho) \sum_{k=1}^K g_k(x)\, N(y;\ b_k + w_k^T x,\
              \sigma_k^2) + \rho\, N(y;\ 0,\ \tau^2)

    X is standard normal and the gate :math:`g` a softmax of functions linear in the first
    columns of X. Each expert has its own centre in these columns, so that the regions in
    which the experts answer are of similar size. The slopes of an expert are normal, and
    of a size that gives its mean a standard deviation of about 2 over X.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows.
    n_features : int, default=5
        Number of numeric columns.
    n_experts : int, default=3
        Number of experts :math:`K`.
    noise : float or tuple (low, high), default=(0.2, 1.0)
        Standard deviation :math:`\sigma_k` of the experts' errors, in units of y; a pair
        has it drawn log-uniformly between the two.
    gate_scale : float, default=2.0
        Size of the gate's log-odds: about their standard deviation over X. Large values
        separate the experts, with 0 all are equally likely everywhere.
    n_gate_features : int, default=None
        Number of columns, counted from the first, that the gate depends on. None stands
        for a quarter of ``n_features``, but at least two, if there are as many. With 0
        all experts are equally likely everywhere.
    n_categorical : int, default=0
        Number of categorical columns behind the numeric ones. Each category shifts the
        intercepts of all experts, each by an amount of its own, and leaves the gate
        alone. X is a DataFrame then, and pandas is needed.
    n_categories : int, default=4
        Number of equally frequent categories of each categorical column.
    outliers : float, default=0.0
        Probability :math:`\rho`, in [0, 1), that y is replaced by a draw from a normal
        distribution around 0, ten times as wide as y.
    heteroscedastic : bool, default=True
        Whether each expert has a standard deviation of its own, or all have one.
    return_truth : bool, default=False
        Whether to return the model that the data are drawn from.
    random_state : int, RandomState instance or None, default=None
        An int gives the same data each time. The model does not depend on ``n_samples``,
        but the rows of two calls are no independent draws: split one call's rows to have
        a test set.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples, n_features + n_categorical)
        The columns of a DataFrame are ``x0``, ``x1``, ... of floats and ``c0``, ``c1``,
        ... of dtype ``category``.
    y : ndarray of shape (n_samples,)
        Target.
    truth : :class:`~sklearn.utils.Bunch`
        Only if ``return_truth`` is true.

        gate_coef : ndarray of shape (n_experts, n_features)
            Slopes of the gate, which sum to zero over the experts.
        gate_intercept : ndarray of shape (n_experts,)
            Log-odds of the experts where all columns are zero.
        expert_coef : ndarray of shape (n_experts, n_features)
            Slopes :math:`w_k`, in units of y.
        expert_intercept : ndarray of shape (n_experts,)
            Intercepts :math:`b_k`, in units of y.
        category_shift : ndarray of shape (n_experts, n_categorical, n_categories)
            What a category adds to an expert's intercept.
        dispersion : ndarray of shape (n_experts,)
            Variances :math:`\sigma_k^2`, in squared units of y.
        outlier_scale : float
            Standard deviation :math:`\tau` of outliers, in units of y.
        gate_proba : ndarray of shape (n_samples, n_experts)
            Probabilities :math:`g_k(x)`.
        expert_mean : ndarray of shape (n_samples, n_experts)
            Mean of each expert in each row.
        expert : ndarray of shape (n_samples,)
            The expert drawn for each row, also where y was replaced.
        is_outlier : ndarray of shape (n_samples,), bool
            Rows whose y was replaced.
        logpdf : ndarray of shape (n_samples,)
            Exact :math:`\log p(y \mid x)`, outliers included.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        If an argument is out of its range. It is a ValueError and a TypeError.
    ImportError
        If there are categorical columns and pandas is not installed.

    See Also
    --------
    make_moe_classification : The same for classification.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> X, y, truth = make_moe_regression(
    ...     n_samples=500, n_experts=2, return_truth=True, random_state=0
    ... )
    >>> X.shape, y.shape, truth.gate_proba.shape
    ((500, 5), (500,), (500, 2))
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> bool(model.score_samples(X, y).mean() > truth.logpdf.mean() - 0.1)
    True
    """
    function = "make_moe_regression"
    check_numbers(
        function, n_samples=n_samples, n_features=n_features, n_experts=n_experts,
        gate_scale=gate_scale, n_categorical=n_categorical, n_categories=n_categories,
        outliers=outliers,
    )  # fmt: skip
    check_flags(function, heteroscedastic=heteroscedastic, return_truth=return_truth)
    low, high = check_noise(function, noise)
    n_gate_features = check_gate_features(function, n_gate_features, n_features)
    pandas = require_pandas(function, n_categorical)
    rng = check_random_state(random_state)

    # The model is drawn before the rows, so it is the same for any number of them.
    gate_coef, gate_intercept = draw_gate(
        rng, n_experts, n_features, n_gate_features, gate_scale
    )
    coef = rng.standard_normal((n_experts, n_features))
    coef *= _MEAN_SCALE / np.sqrt(n_features)
    intercept = rng.standard_normal(n_experts)
    shift = rng.standard_normal((n_experts, n_categorical, n_categories))
    sigma = np.exp(rng.uniform(np.log(low), np.log(high), size=n_experts))
    sigma = np.clip(sigma, low, high)
    if not heteroscedastic:
        sigma[:] = sigma[0]
    outlier_scale = _OUTLIER_WIDTH * _root_mean_square(coef, intercept, shift, sigma)

    values, codes = draw_inputs(rng, n_samples, n_features, n_categorical, n_categories)
    log_gate = gate_log_proba(values, gate_coef, gate_intercept)
    gate_proba = np.exp(log_gate)
    mean = values @ coef.T + intercept + sum_shifts(shift, codes)
    expert = draw_columns(rng, gate_proba)
    y = mean[np.arange(n_samples), expert]
    y += sigma[expert] * rng.standard_normal(n_samples)
    # Drawn for all rows, so that another share leaves the other rows as they are.
    is_outlier = rng.uniform(size=n_samples) < outliers
    y = np.where(is_outlier, outlier_scale * rng.standard_normal(n_samples), y)
    X = make_table(pandas, values, codes, n_categories)
    if not return_truth:
        return X, y

    logpdf = logsumexp(log_gate + log_normal(y[:, None] - mean, sigma), axis=1)
    truth = Bunch(
        gate_coef=gate_coef,
        gate_intercept=gate_intercept,
        expert_coef=coef,
        expert_intercept=intercept,
        category_shift=shift,
        dispersion=sigma**2,
        outlier_scale=outlier_scale,
        gate_proba=gate_proba,
        expert_mean=mean,
        expert=expert,
        is_outlier=is_outlier,
        logpdf=contaminate(logpdf, outliers, log_normal(y, outlier_scale)),
    )
    return X, y, truth


def make_moe_classification(
    n_samples=1000,
    n_features=5,
    n_experts=3,
    n_classes=2,
    *,
    class_scale=3.0,
    gate_scale=2.0,
    n_gate_features=None,
    n_categorical=0,
    n_categories=4,
    flip_y=0.0,
    return_truth=False,
    random_state=None,
):
    r"""Generate a classification problem from a mixture of logistic experts.

    .. math:: P(c \mid x) = (1 - \rho) \sum_{k=1}^K g_k(x)\, P_k(c \mid x) + \rho / C

    X is standard normal and the gate :math:`g` a softmax of functions linear in the first
    columns of X. Each expert has its own centre in these columns, so that the regions in
    which the experts answer are of similar size. An expert is a softmax over the classes
    of functions linear in x.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rows.
    n_features : int, default=5
        Number of numeric columns.
    n_experts : int, default=3
        Number of experts :math:`K`.
    n_classes : int, default=2
        Number of classes :math:`C`.
    class_scale : float, default=3.0
        Size of the experts' log-odds between classes: about their standard deviation
        over X. Large values separate the classes within an expert, with 0 all are equally
        likely everywhere.
    gate_scale : float, default=2.0
        Size of the gate's log-odds: about their standard deviation over X. Large values
        separate the experts, with 0 all are equally likely everywhere.
    n_gate_features : int, default=None
        Number of columns, counted from the first, that the gate depends on. None stands
        for a quarter of ``n_features``, but at least two, if there are as many. With 0
        all experts are equally likely everywhere.
    n_categorical : int, default=0
        Number of categorical columns behind the numeric ones. Each category shifts the
        intercepts of all experts, each by an amount of its own, and leaves the gate
        alone. X is a DataFrame then, and pandas is needed.
    n_categories : int, default=4
        Number of equally frequent categories of each categorical column.
    flip_y : float, default=0.0
        Probability :math:`\rho`, in [0, 1), that a row's class is drawn anew from all
        classes with equal probabilities; it may come out the same, as in
        :func:`~sklearn.datasets.make_classification`.
    return_truth : bool, default=False
        Whether to return the model that the data are drawn from.
    random_state : int, RandomState instance or None, default=None
        An int gives the same data each time. The model does not depend on ``n_samples``,
        but the rows of two calls are no independent draws: split one call's rows to have
        a test set.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples, n_features + n_categorical)
        The columns of a DataFrame are ``x0``, ``x1``, ... of floats and ``c0``, ``c1``,
        ... of dtype ``category``.
    y : ndarray of shape (n_samples,)
        Classes, integers from 0. In few rows not all need occur.
    truth : :class:`~sklearn.utils.Bunch`
        Only if ``return_truth`` is true.

        gate_coef : ndarray of shape (n_experts, n_features)
            Slopes of the gate, which sum to zero over the experts.
        gate_intercept : ndarray of shape (n_experts,)
            Log-odds of the experts where all columns are zero.
        expert_coef : ndarray of shape (n_experts, n_classes, n_features)
            Slopes of the experts, which sum to zero over the classes.
        expert_intercept : ndarray of shape (n_experts, n_classes)
            Log-odds of the classes where all columns are zero.
        category_shift : ndarray
            What a category adds to an expert's intercepts, of shape (n_experts,
            n_classes, n_categorical, n_categories).
        gate_proba : ndarray of shape (n_samples, n_experts)
            Probabilities :math:`g_k(x)`.
        expert_proba : ndarray of shape (n_samples, n_experts, n_classes)
            Class probabilities of each expert, before labels are drawn anew.
        proba : ndarray of shape (n_samples, n_classes)
            :math:`P(c \mid x)`.
        expert : ndarray of shape (n_samples,)
            The expert drawn for each row, also where the class was drawn anew.
        is_outlier : ndarray of shape (n_samples,), bool
            Rows whose class was drawn anew.
        logpmf : ndarray of shape (n_samples,)
            Exact :math:`\log P(y \mid x)`.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        If an argument is out of its range. It is a ValueError and a TypeError.
    ImportError
        If there are categorical columns and pandas is not installed.

    See Also
    --------
    make_moe_regression : The same for regression.

    Examples
    --------
    >>> from skmoe.datasets import make_moe_classification
    >>> X, y, truth = make_moe_classification(
    ...     n_samples=500, n_classes=4, return_truth=True, random_state=0
    ... )
    >>> X.shape, y.shape, truth.expert_proba.shape
    ((500, 5), (500,), (500, 3, 4))
    >>> best = truth.proba.argmax(axis=1)  # no model does better, on new rows
    >>> bool((best == y).mean() > 0.6)
    True
    """
    function = "make_moe_classification"
    check_numbers(
        function, n_samples=n_samples, n_features=n_features, n_experts=n_experts,
        n_classes=n_classes, class_scale=class_scale, gate_scale=gate_scale,
        n_categorical=n_categorical, n_categories=n_categories, flip_y=flip_y,
    )  # fmt: skip
    check_flags(function, return_truth=return_truth)
    n_gate_features = check_gate_features(function, n_gate_features, n_features)
    pandas = require_pandas(function, n_categorical)
    rng = check_random_state(random_state)

    # The model is drawn before the rows, so it is the same for any number of them.
    gate_coef, gate_intercept = draw_gate(
        rng, n_experts, n_features, n_gate_features, gate_scale
    )
    # Log-odds are differences of two classes' logits, whose variances add up.
    scale = class_scale / np.sqrt(2.0)
    coef = rng.standard_normal((n_experts, n_classes, n_features))
    coef = scale / np.sqrt(n_features) * (coef - coef.mean(axis=1, keepdims=True))
    intercept = rng.standard_normal((n_experts, n_classes))
    intercept = 0.5 * scale * (intercept - intercept.mean(axis=1, keepdims=True))
    shift = rng.standard_normal((n_experts, n_classes, n_categorical, n_categories))
    shift = 0.5 * scale * (shift - shift.mean(axis=1, keepdims=True))

    values, codes = draw_inputs(rng, n_samples, n_features, n_categorical, n_categories)
    log_gate = gate_log_proba(values, gate_coef, gate_intercept)
    gate_proba = np.exp(log_gate)
    logits = np.einsum("nd,kcd->nkc", values, coef) + intercept + sum_shifts(shift, codes)
    log_expert_proba = log_softmax(logits, axis=2)
    expert_proba = np.exp(log_expert_proba)
    expert, rows = draw_columns(rng, gate_proba), np.arange(n_samples)
    y = draw_columns(rng, expert_proba[rows, expert])
    # Drawn for all rows, so that another share leaves the other rows as they are.
    is_outlier = rng.uniform(size=n_samples) < flip_y
    y = np.where(is_outlier, rng.randint(n_classes, size=n_samples), y)
    X = make_table(pandas, values, codes, n_categories)
    if not return_truth:
        return X, y

    log_proba = logsumexp(log_gate[:, :, None] + log_expert_proba, axis=1)
    log_proba = contaminate(log_proba, flip_y, -np.log(n_classes))
    truth = Bunch(
        gate_coef=gate_coef,
        gate_intercept=gate_intercept,
        expert_coef=coef,
        expert_intercept=intercept,
        category_shift=shift,
        gate_proba=gate_proba,
        expert_proba=expert_proba,
        proba=np.exp(log_proba),
        expert=expert,
        is_outlier=is_outlier,
        logpmf=log_proba[rows, y],
    )
    return X, y, truth


def _root_mean_square(coef, intercept, shift, sigma):
    """Of y under experts that are equally likely everywhere.

    A number of the model and not of the sample: an outlier's density must not depend on
    the other rows.
    """
    # X has unit variance, and the shifts of equally frequent categories have a mean.
    center = intercept + shift.mean(axis=2).sum(axis=1)
    spread = np.sum(coef**2, axis=1) + shift.var(axis=2).sum(axis=1) + sigma**2
    return float(np.sqrt(np.mean(center**2 + spread)))
