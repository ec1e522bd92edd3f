"""What each expert says of rows, of one output or one class."""

from typing import NamedTuple

import numpy as np

from skmoe.inspection._one_output import check_output, of_output


class ExpertAnswers(NamedTuple):
    """Curves of the experts along a grid, and how much the gate asks them.

    ``gate`` and ``curves`` have the shape (n_points, n_experts), as ``low`` and ``high``,
    the ends of the experts' bands, have where there are any. ``mean``, of shape
    (n_points,), is the mixture's. Where an expert is not asked at all, all but its gate
    probability is NaN.
    """

    gate: np.ndarray
    curves: np.ndarray
    mean: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def ask_regressors(mixture, along, target, interval):
    """Means of the experts, and intervals of their own densities.

    Parameters
    ----------
    mixture : FittedMixture
        Of a regressor.
    along : Along
    target : int or None
        Number of an output.
    interval : float or None
        Probability of the intervals.

    Returns
    -------
    answers : ExpertAnswers
    """
    target = check_output(mixture.model, target)

    def answer(table):
        density = mixture.model.predict_distribution(mixture.rows(table))
        density = of_output(density, target)
        parts = density.prediction, density.dispersion
        values = [density.likelihood.mean(*parts)]
        if interval is not None:
            tail = (1 - interval) / 2
            values += [density.likelihood.ppf(q, *parts) for q in (tail, 1 - tail)]
        return _table(density, len(mixture.names), values)

    return _averages(along.ask(answer))


def ask_classifiers(mixture, along, target):
    """Probabilities of a class.

    Parameters
    ----------
    mixture : FittedMixture
        Of a classifier.
    along : Along
    target : object
        The class; None is the second of two.

    Returns
    -------
    answers : ExpertAnswers
    """
    model = mixture.model
    number = class_number(model, target)

    def answer(table):
        rows = mixture.rows(table)
        gate = model.predict_gate_proba(rows)
        curves = model.predict_experts(rows)[..., number]
        mean = model.predict_proba(rows)[:, number]
        return _stack(mean, gate, gate > 0, [curves])

    return _averages(along.ask(answer))


def class_number(model, target):
    """Number of a class among ``classes_``; None is the second of two.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    classes = model.classes_.tolist()
    if target is None and len(classes) == 2:
        return 1
    if target not in classes:
        raise ValueError(f"target is {target!r}; pass one of the classes, {classes}.")
    return classes.index(target)


def _table(density, n_experts, values):
    """What is known of the columns of a density, of all experts."""
    if density.experts is None or density.weights.shape[1] == n_experts:
        asked = np.ones(density.weights.shape)
        return _stack(density.mean(), density.weights, asked, values)
    rows = np.arange(len(density))[:, None]

    def spread(columns):
        full = np.zeros((len(density), n_experts))
        full[rows, density.experts] = columns
        return full

    asked = spread(density.weights > 0)
    return _stack(density.mean(), spread(density.weights), asked, map(spread, values))


def _stack(mean, gate, asked, values):
    """An array (n_rows, n_experts, ...) whose averages are those that are wanted."""
    means = np.broadcast_to(mean[:, None], gate.shape)
    return np.stack([means, gate, asked, *(v * asked for v in values)], axis=-1)


def _averages(table):
    mean, gate, asked, *values = np.moveaxis(table, -1, 0)
    with np.errstate(invalid="ignore"):
        return ExpertAnswers(gate, values[0] / asked, mean[:, 0], *(
            value / asked for value in values[1:]
        ))  # fmt: skip
