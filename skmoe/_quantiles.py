"""Quantiles of a mixture, those of many rows at once."""

import numpy as np

from skmoe._grams import row_slices
from skmoe._special import smallest_integers

# Of the quantile, relative to its size and the width of the first bracket.
_TOLERANCE = 1e-12
_MAX_STEPS = 200
# Rows times experts that are visited at a time, so that they stay in the cache.
_CHUNK_CELLS = 100_000


def mixture_quantiles(mixture, q):
    """Quantiles of each row.

    A mixture's quantile lies between those of its components; within that bracket it is
    found by Newton's method for the log-odds of the distribution function, which are
    close to straight, with bisection where a step leaves the bracket.

    Parameters
    ----------
    mixture : ConditionalMixture
        With one output.
    q : ndarray of shape (n_quantiles,)
        Probabilities.

    Returns
    -------
    quantiles : ndarray of shape (n_samples, n_quantiles)
    """
    n_samples, n_experts = mixture.weights.shape
    quantiles = np.empty((n_samples, len(q)))
    length = max(_CHUNK_CELLS // (n_experts * max(len(q), 1)), 1)
    for part in row_slices(n_samples, length):
        quantiles[part] = _of_rows(mixture[part], q)
    return quantiles


def _of_rows(mixture, q):
    if not len(q):
        return np.empty((len(mixture), 0))
    likelihood, weights = mixture.likelihood, mixture.weights[:, None]
    components = [
        likelihood.ppf(value, mixture.prediction, mixture.dispersion) for value in q
    ]
    components = np.stack(components, axis=1)
    # A component without weight must not widen the bracket.
    present = weights > 0
    low = np.where(present, components, np.inf).min(axis=2).ravel()
    high = np.where(present, components, -np.inf).max(axis=2).ravel()
    rows, levels = np.repeat(np.arange(len(mixture)), len(q)), np.tile(q, len(mixture))
    # The ends of the mixture are those of the component that goes farthest.
    low, high = np.where(levels == 1, high, low), np.where(levels == 0, low, high)
    with np.errstate(invalid="ignore"):
        start = np.where(present, weights * components, 0.0).sum(axis=2).ravel()
    if getattr(likelihood, "is_discrete", False):
        quantiles = _smallest_counts(mixture[rows], levels, low, high)
    elif getattr(likelihood, "is_positive", False):
        # Only their logarithms tell apart quantiles near zero.
        tiny = np.finfo(np.float64).tiny
        logs = [np.log(np.maximum(y, tiny)) for y in (low, high, start)]
        quantiles = np.exp(_solve(mixture, rows, levels, *logs, log_scale=True))
        quantiles = np.where(low < high, quantiles, low)
    else:
        quantiles = _solve(mixture, rows, levels, low, high, start)
    return quantiles.reshape(len(mixture), len(q))


def _smallest_counts(mixture, levels, low, high):
    # One further on each side: a sum of weights may be one less or more a rounding.
    reached = smallest_integers(
        lambda y: mixture.cdf(y) >= levels, np.maximum(low - 2, -1.0), high + 1
    )
    return np.where((levels == 0) | (levels == 1), low, reached)


def _solve(mixture, rows, levels, low, high, start, log_scale=False):
    """Solve cdf(z) = q, or cdf(exp(z)) = q, for z between ``low`` and ``high``.

    All arrays have the shape (n_pairs,): ``rows`` of the mixture, and ``levels`` q.
    """
    z = low.copy()
    # At q = 0 or 1 the ends may be infinite, and are the answer.
    finite = np.isfinite(low) & np.isfinite(high)
    z[finite] = np.clip(start[finite], low[finite], high[finite])
    pairs = np.flatnonzero(finite & (high > low))
    part, q = mixture[rows[pairs]], levels[pairs]
    low, high, now = low[pairs], high[pairs], z[pairs]
    spread = high - low
    for _ in range(_MAX_STEPS):
        if not pairs.size:
            break
        excess, step = _newton_step(part, now, q, log_scale)
        below = excess < 0
        low, high = np.where(below, now, low), np.where(below, high, now)
        is_newton = (step > low) & (step < high)
        moved = np.where(is_newton, step, 0.5 * (low + high))
        tolerance = _TOLERANCE * (np.abs(moved) + spread)
        done = is_newton & (np.abs(moved - now) <= tolerance)
        done |= high - low <= tolerance
        done |= excess == 0
        now = np.where(excess == 0, now, moved)
        if done.any():
            z[pairs[done]] = now[done]
            kept = ~done
            part = part[kept]
            pairs, q, low, high, now, spread = (
                values[kept] for values in (pairs, q, low, high, now, spread)
            )
    z[pairs] = now
    return z


def _newton_step(part, z, q, log_scale):
    """cdf - q, and where Newton's method leads for the log-odds of the two."""
    y = np.exp(z) if log_scale else z
    cdf, pdf = part.cdf_and_pdf(y)
    excess = cdf - q
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = pdf * y if log_scale else pdf
        log_odds = np.log1p(excess / (q * (1 - cdf)))
        return excess, z - log_odds * cdf * (1 - cdf) / density
