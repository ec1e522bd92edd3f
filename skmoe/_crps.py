"""The continuous ranked probability score of a mixture."""

import numpy as np

from skmoe._grams import row_slices

# Beyond these quantiles of all components, the score gains less than a billionth of
# their distance; between them are the points at which integration starts.
_LEVELS = (1e-9, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-9)
# Of the error in one interval, relative to the width of the middle of the density.
_TOLERANCE = 1e-9
_MAX_HALVINGS = 60
# Rows times experts times points of integration that are held at a time.
_CHUNK_CELLS = 400_000
_COUNTS_AT_A_TIME = 64

# Gauss and Kronrod's rule of 7 and 15 points (Piessens et al. 1983): points from the
# outermost to the middle, their weights, and those of every second one alone.
_HALF_NODES = np.array([
    0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
    0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
    0.586087235467691130294144691693219, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245, 0.0,
])  # fmt: skip
_HALF_KRONROD = np.array([
    0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
    0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
    0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649, 0.209482141084727828012999174891714,
])  # fmt: skip
_HALF_GAUSS = np.array([
    0.0, 0.129484966168869693270611432679082,
    0.0, 0.279705391489276667901467771423780,
    0.0, 0.381830050505118944950369775488975,
    0.0, 0.417959183673469387755102040816327,
])  # fmt: skip
_NODES = np.concatenate([-_HALF_NODES, _HALF_NODES[-2::-1]])
_KRONROD = np.concatenate([_HALF_KRONROD, _HALF_KRONROD[-2::-1]])
_GAUSS = np.concatenate([_HALF_GAUSS, _HALF_GAUSS[-2::-1]])


def mixture_crps(mixture, y):
    r"""CRPS of each row, :math:`\int (F(z) - 1[y \le z])^2 dz`.

    By a sum for counts, in closed form where the likelihood has ``mixture_crps``, and
    otherwise by adaptive quadrature.

    Parameters
    ----------
    mixture : ConditionalMixture
        With one output.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    crps : ndarray of shape (n_samples,)
    """
    likelihood = mixture.likelihood
    if hasattr(likelihood, "mixture_crps"):
        return likelihood.mixture_crps(
            y, mixture.weights, mixture.prediction, mixture.dispersion
        )
    is_discrete = getattr(likelihood, "is_discrete", False)
    of_rows = _by_sum if is_discrete else _by_quadrature
    n_points = _COUNTS_AT_A_TIME if is_discrete else 15 * len(_LEVELS)
    length = max(_CHUNK_CELLS // (mixture.weights.shape[1] * n_points), 1)
    parts = [of_rows(mixture[part], y[part]) for part in row_slices(len(y), length)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _component_quantiles(mixture, levels):
    """Of each row's components, (n_samples, n_experts, n_levels).

    Those without weight repeat the likeliest one's.
    """
    quantiles = np.stack(
        [
            mixture.likelihood.ppf(level, mixture.prediction, mixture.dispersion)
            for level in levels
        ],
        axis=2,
    )
    likeliest = mixture.weights.argmax(axis=1)
    stand_in = quantiles[np.arange(len(mixture)), likeliest][:, None]
    return np.where((mixture.weights > 0)[:, :, None], quantiles, stand_in)


def _by_sum(mixture, y):
    """Over the counts z, between which the distribution function is constant."""
    ends = _component_quantiles(mixture, (_LEVELS[0], _LEVELS[-1]))
    low, high = np.maximum(ends[..., 0].min(axis=1), 0.0), ends[..., 1].max(axis=1) + 1
    inside = np.clip(y, low, high)
    crps = np.abs(y - inside)
    rows, first = np.arange(len(y)), low
    while rows.size:
        counts = first[:, None] + np.arange(_COUNTS_AT_A_TIME)
        cdf = mixture[np.repeat(rows, _COUNTS_AT_A_TIME)].cdf(counts.ravel())
        cdf = cdf.reshape(counts.shape)
        # Of the unit from z to z + 1, the part that lies below y.
        below = np.clip(inside[rows, None] - counts, 0.0, 1.0)
        terms = below * cdf**2 + (1 - below) * (1 - cdf) ** 2
        crps[rows] += np.where(counts < high[rows, None], terms, 0.0).sum(axis=1)
        first = counts[:, -1] + 1
        left = first < high[rows]
        rows, first = rows[left], first[left]
    return crps


def _by_quadrature(mixture, y):
    """F^2 below y, and (1 - F)^2 above it; intervals are halved where it is needed."""
    quantiles = _component_quantiles(mixture, _LEVELS)
    points = quantiles.reshape(len(y), -1)
    low, high = points.min(axis=1), points.max(axis=1)
    inside = np.clip(y, low, high)
    crps = np.abs(y - inside)
    points = np.sort(np.column_stack([points, inside]), axis=1)
    middle = quantiles[..., 3].max(axis=1) - quantiles[..., 1].min(axis=1)
    rows = np.repeat(np.arange(len(y)), points.shape[1] - 1)
    left, right = points[:, :-1].ravel(), points[:, 1:].ravel()
    for _ in range(_MAX_HALVINGS):
        wide = right > left
        rows, left, right = rows[wide], left[wide], right[wide]
        if not rows.size:
            break
        value, error = _kronrod(mixture, rows, left, right, inside)
        good = error <= _TOLERANCE * middle[rows]
        crps += np.bincount(rows[good], value[good], minlength=len(y))
        rows, left, right = rows[~good], left[~good], right[~good]
        center = 0.5 * (left + right)
        rows = np.concatenate([rows, rows])
        left, right = np.concatenate([left, center]), np.concatenate([center, right])
    return crps


def _kronrod(mixture, rows, left, right, y):
    """Integral over each interval, and how far the rule of 7 points is off."""
    half = 0.5 * (right - left)
    z = 0.5 * (left + right)[:, None] + half[:, None] * _NODES
    cdf = mixture[np.repeat(rows, len(_NODES))].cdf(z.ravel()).reshape(z.shape)
    is_above = 0.5 * (left + right) >= y[rows]
    squares = np.where(is_above[:, None], 1 - cdf, cdf) ** 2
    value = half * (squares @ _KRONROD)
    return value, np.abs(value - half * (squares @ _GAUSS))
