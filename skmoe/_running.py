"""Steps of mini-batches: gradients scaled by a running average of the information.

With derivatives per unit of weight, and H the average of the information over the
batches so far, one batch moves parameters by

    rate * (H + damping)^-1 * gradient

For squared errors this is recursive least squares; in general it is a stochastic natural
gradient, or online EM (Cappe & Moulines 2009).
"""

from dataclasses import dataclass

import numpy as np

#: The last rows count as if they were so many times as many; see ``step_rate``.
LEARNING_RATE = 10.0
# Of the largest curvature: keeps a direction without data from being rounding alone.
_ROUNDING = 1e-10
# A new expert's information is nothing; it is this many rows until it knows better.
_DAMPING_ROWS = 1.0


@dataclass(frozen=True)
class StepSize:
    """How far one batch moves what is learnt.

    Parameters
    ----------
    weight : float
        Of the batch.
    rate : float
        Share of what is known that the batch replaces, above 0 and at most 1.
    total : float
        Weight of all rows, to which penalties are compared.
    """

    weight: float
    rate: float = 1.0
    total: float = np.inf


def step_rate(seen, arriving, learning_rate, forgetting_rate=0.0):
    """The share of what is known that arriving rows replace.

    It is ``learning_rate`` times their share of all rows so far, so that the beginning,
    when responsibilities were rough, is soon forgotten, and at least what
    ``forgetting_rate`` asks for.

    Parameters
    ----------
    seen, arriving : float
        Weight of the rows before, and of these.
    learning_rate : float
    forgetting_rate : float
        For a unit of weight.

    Returns
    -------
    rate : float
    """
    counted = learning_rate * arriving
    rate = counted / (seen + max(counted, arriving))
    return max(rate, -np.expm1(arriving * np.log1p(-forgetting_rate)))


def next_step(part, weights):
    """The step of a part that counts its rows itself, as ``n_samples_seen_``.

    Parameters
    ----------
    part : object
    weights : ndarray of shape (n_samples,)
    """
    seen, arriving = getattr(part, "n_samples_seen_", 0.0), float(weights.sum())
    part.n_samples_seen_ = seen + arriving
    rate = step_rate(seen, arriving, LEARNING_RATE)
    return StepSize(arriving, rate, part.n_samples_seen_)


def averaged(earlier, now, rate):
    """A running average; the first value where there is none yet."""
    return now if earlier is None else (1.0 - rate) * earlier + rate * now


def newton_step(gradient, information, rate, n_rows):
    """``rate`` times the solution of the information with the gradient.

    Parameters
    ----------
    gradient : ndarray of shape (n_blocks, size, n_right)
    information : ndarray of shape (n_blocks, size, size), or (n_blocks, size) if diagonal
        Averages, per unit of weight.
    rate : float
    n_rows : int
        Of the batch; an average of them at this ``rate`` stands on ``n_rows / rate``.

    Returns
    -------
    step : ndarray of shape (n_blocks, size, n_right)
    """
    damping = _DAMPING_ROWS * rate / n_rows
    if information.ndim == 2:
        return rate * gradient / (information + damping)[:, :, None]
    largest = np.einsum("bii->bi", information).max(axis=1, initial=0.0)
    ridge = damping + _ROUNDING * largest[:, None, None]
    system = information + ridge * np.eye(information.shape[1])
    return rate * np.linalg.solve(system, gradient)
