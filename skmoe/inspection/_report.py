"""A table of the experts: how much they have, how good they are, and where they rule."""

from numbers import Integral

import numpy as np

from skmoe._sklearn_compat import check_pandas_support
from skmoe._validation import check_weights
from skmoe.inspection._asked import ask
from skmoe.inspection._columns import Columns
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._lines import kind
from skmoe.inspection._profiles import most_frequent, profiles
from skmoe.inspection._ranks import ranked
from skmoe.inspection._rules import find_rule


def expert_report(
    estimator, X, y, *, sample_weight=None, max_features=5, exposure=None, trials=None
):
    """Tell of each expert how much it has, how good it is, and where it rules.

    An expert has a share of each row, its responsibility. It *rules* the rows at which
    its gate probability is the largest of all.

    Parameters
    ----------
    estimator : mixture, Pipeline that ends in one, or search over these
        Fitted.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Rows to report on, as ``estimator`` takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        All shares and means are by weight.
    max_features : int or None, default=5
        How many columns of X are told of; None for all.
    exposure, trials : array-like of shape (n_samples,), default=None
        Sizes of the rows, as in ``fit``; 1 by default.

    Returns
    -------
    report : DataFrame
        A row for each expert, in the model's order, with its name as index. Columns:

        ``kind``
            The class of the expert; of a pipeline, those of its steps.
        ``load``
            Share of the rows that it is responsible for.
        ``rules``
            Share of the rows that it rules.
        ``where``
            Where it rules, in words: conditions on columns of X, from a decision tree of
            depth three. "no short rule" where none tells its rows from the others.
        ``covers``, ``precision``
            Share of the rows it rules for which these words hold, and share of the rows
            for which they hold that it rules.
        ``rmse``, ``rmse ruled``, ``mixture rmse ruled``
            Root mean squared error of its prediction, in units of y: over all rows by
            responsibility, and over the rows that it rules; there also that of the
            mixture's mean. Of a classifier ``error rate``, ``error rate ruled`` and
            ``mixture error rate ruled``: the share of rows whose class is not the most
            probable one.
        ``noise``
            Standard deviation of its errors, in units of y, as the model has it. Not of a
            classifier.
        ``mean y``
            By responsibility. Of a classifier ``most frequent y``, with its share.
        ``mean <column>``, ``most frequent <column>``
            The same of columns of X, of numbers or categories: first those in which the
            experts differ most, in units of the column's standard deviation.

        y has its own name where it is a series or a dataframe. With several outputs,
        columns on y are there for each output. An expert without rows has NaN.

    See Also
    --------
    export_text : Coefficients and the gate's rules, as text.
    ExpertLoadDisplay : Loads as a picture.

    Notes
    -----
    To print it, or put it on a slide, turn it round, so that each expert has a column:
    ``print(report.round(2).T.to_string())``. Rounding comes first, as columns of the
    turned table have numbers and words. ``report.round(2).T.to_markdown()`` and
    ``to_html()`` do as well.

    Errors that are weighted by responsibility are small, as these know y. What a row can
    expect before y is known are the errors over the rows that an expert rules.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.inspection import expert_report
    >>> age = np.arange(60.0)
    >>> X = pd.DataFrame({"age": age, "sex": np.tile(["f", "m", "m"], 20)})
    >>> y = np.where(age < 20, 5 + 2 * age, 80 - age) + np.tile([-1, 1, 1, -1], 15)
    >>> columns = make_column_transformer(
    ...     (OneHotEncoder(drop="first"), ["sex"]), remainder="passthrough"
    ... )
    >>> mixture = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    >>> pipeline = make_pipeline(columns, mixture).fit(X, y)
    >>> report = expert_report(pipeline, X, y)
    >>> print(report.round(2).T)
    expert                       expert0           expert1
    kind                LinearRegression  LinearRegression
    load                            0.67              0.33
    rules                           0.67              0.33
    where                       age > 19         age <= 19
    covers                           1.0               1.0
    precision                        1.0               1.0
    rmse                             1.0              0.99
    rmse ruled                       1.0              0.99
    mixture rmse ruled              1.33              2.07
    noise                            1.0              0.99
    mean y                          40.5             24.01
    mean age                        39.5               9.5
    most frequent sex           m (67 %)          m (65 %)
    """
    check_pandas_support("expert_report")
    import pandas as pd

    if max_features is not None and not (
        isinstance(max_features, Integral) and max_features >= 0
    ):
        raise ValueError(f"max_features is {max_features!r}; pass an integer or None.")
    mixture = FittedMixture.of(estimator)
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    columns = Columns(X, mixture.feature_names(X))
    sizes = {"exposure": exposure, "trials": trials}
    rows = ask(mixture.model, mixture.rows(X), y, sizes)
    weights = check_weights(sample_weight, X)[:, None]
    shares, ruled = weights * rows.responsibilities, weights * rows.is_ruled
    report = [
        ("kind", [kind(expert) for expert in mixture.model.experts_]),
        ("load", shares.sum(axis=0) / weights.sum()),
        ("rules", ruled.sum(axis=0) / weights.sum()),
        *_words(columns, rows.is_ruled, weights[:, 0]),
        *_errors(rows, shares, ruled),
        *_target(rows, shares),
        *profiles(columns, shares, max_features),
    ]
    table = pd.DataFrame(dict(enumerate(values for _, values in report)))
    table.index = pd.Index(mixture.names, name="expert")
    # A column of X may have the name of the target.
    return table.set_axis([name for name, _ in report], axis=1)


def _words(columns, is_ruled, weights):
    table, heads = ranked(columns)
    rules = [find_rule(table, heads, is_own, weights) for is_own in is_ruled.T]
    return [
        ("where", [rule.words for rule in rules]),
        ("covers", [rule.covers for rule in rules]),
        ("precision", [rule.precision for rule in rules]),
    ]


def _errors(rows, shares, ruled):
    """Errors and noise, with a column for each output."""
    is_regression = rows.variance is not None
    name, root = ("rmse", np.sqrt) if is_regression else ("error rate", np.asarray)
    mixture_loss = np.broadcast_to(rows.mixture_loss[:, None], rows.loss.shape)
    told = [
        (name, root(average(rows.loss, shares))),
        (f"{name} ruled", root(average(rows.loss, ruled))),
        (f"mixture {name} ruled", root(average(mixture_loss, ruled))),
    ]
    if is_regression:
        told.append(("noise", np.sqrt(average(rows.variance, shares))))
    several = len(rows.outputs) > 1
    return [
        (f"{name} {rows.outputs[j]}" if several else name, values[:, j])
        for name, values in told
        for j in range(values.shape[1])
    ]


def _target(rows, shares):
    if rows.variance is None:
        told, _ = most_frequent(rows.target, shares)
        return [(f"most frequent {rows.outputs[0]}", told)]
    target = np.broadcast_to(rows.target[:, None], rows.loss.shape)
    means = average(target, shares)
    return [(f"mean {name}", means[:, j]) for j, name in enumerate(rows.outputs)]


def average(values, weights):
    """Means over rows for each expert; NaN where one has no rows.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_experts, n_outputs)
    weights : ndarray of shape (n_samples, n_experts)
    """
    total = weights.sum(axis=0)[:, None]
    # Infinite values of rows that are not an expert's do not count.
    values = np.where(weights[:, :, None] > 0, values, 0.0)
    sums = np.einsum("nk,nko->ko", weights, values)
    return np.divide(sums, total, where=total > 0, out=np.full(sums.shape, np.nan))
