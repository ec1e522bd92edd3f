"""Names written where they belong, instead of in a legend."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from skmoe.inspection._colors import INK

# More experts than this are not named in a picture.
MAX_LABELS = 12
# Luminance of colours beyond which dark text can be read better than white.
_LIGHT = 0.27
# Of the width of a picture, that a name takes, about; of its height.
_WIDTH, _HEIGHT = 0.2, 0.08
# Of the height, beyond which a curve counts as free.
_FREE = 0.15
# What a name above a curve keeps away from the picture's sides.
_MARGIN = 0.08
# Rise of a curve, in heights of a picture over its width, from which on names are aside.
_STEEP = 0.3
# Weaker curves hide no name.
_SEEN = 0.05


def innermost(region, steps=None):
    """The place of a region that is farthest from its border.

    Parameters
    ----------
    region : ndarray of bool, of any shape
        With a true value.
    steps : sequence of float, default=None
        Distances between neighbours, along each axis; by default one.

    Returns
    -------
    place : tuple of int
    """
    inner = (slice(1, -1),) * region.ndim
    depth = distance_transform_edt(np.pad(region, 1), sampling=steps)[inner]
    return tuple(int(i) for i in np.unravel_index(depth.argmax(), region.shape))


def text_color(background):
    """Dark or white, to be read on a colour."""
    from matplotlib.colors import to_rgb

    # Relative luminance, as WCAG 2 defines it for contrasts.
    rgb = np.array(to_rgb(background))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return INK if linear @ [0.2126, 0.7152, 0.0722] > _LIGHT else "white"


def write(ax, x, y, text, color, *, halo="white", **options):
    """Write a name with a halo, so that lines do not cross it.

    Parameters
    ----------
    ax : matplotlib Axes
    x, y : float
    text : str
    color : colour
    halo : colour, default="white"
    **options : dict
        For ``Axes.annotate``.

    Returns
    -------
    label : matplotlib Annotation
    """
    from matplotlib.patheffects import withStroke

    return ax.annotate(
        text,
        (x, y),
        color=color,
        path_effects=[withStroke(linewidth=3, foreground=halo)],
        **{"ha": "center", "va": "center", **options},
    )


def inwards(side):
    """Where text is aligned, so that it does not leave a picture.

    Parameters
    ----------
    side : float
        Where in the picture the text is, from 0 to 1.
    """
    return "left" if side < _WIDTH / 2 else "right" if side > 1 - _WIDTH / 2 else "center"


def label_curves(ax, grid, curves, weights, mean, names, colors):
    """Name curves where they are strong and no other is near, and their mean.

    Parameters
    ----------
    ax : matplotlib Axes
        With its final limits.
    grid : ndarray of shape (n_points,)
    curves : ndarray of shape (n_points, n_curves)
    weights : ndarray of shape (n_points, n_curves)
        How strong they are, from 0 to 1.
    mean : ndarray of shape (n_points,)
    names, colors : list of length n_curves + 1
        The last are those of the mean.

    Returns
    -------
    labels : list of matplotlib Annotation
    """
    low, high = ax.get_ylim()
    heights = (np.column_stack([curves, mean]) - low) / (high - low)
    strengths = np.column_stack([weights, np.ones(len(grid))])
    others = np.where(weights > _SEEN, heights[:, :-1], np.inf)
    sides = np.linspace(0, 1, len(grid))
    free = ((sides >= _MARGIN) & (sides <= 1 - _MARGIN)).astype(float)
    labels, taken = [], []
    for k, (own, strength) in enumerate(zip(heights.T, strengths.T, strict=True)):
        rest = np.delete(others, k, axis=1) if k < others.shape[1] else others
        gaps = np.abs(rest - own[:, None]).min(axis=1, initial=_FREE)
        score = strength * np.clip(gaps, 0.01, _FREE) * free
        for side, height in taken:
            is_near = (np.abs(sides - side) < _WIDTH) & (np.abs(own - height) < _HEIGHT)
            score[is_near] *= 0.01
        score[~((own > 0) & (own < 1))] = 0.0
        if not score.any():
            continue
        (i,) = innermost(score >= 0.9 * score.max())
        taken.append((sides[i], own[i]))
        y = low + own[i] * (high - low)
        labels.append(
            write(ax, grid[i], y, names[k], colors[k], **_above(own, i, sides[i]))
        )
    return labels


def _above(heights, i, side):
    """Place text above a curve: aside where it is steep, and there is room."""
    slope = np.nan_to_num(np.gradient(heights)[i] * len(heights))
    aside = 0
    if slope > _STEEP and side > _WIDTH:
        aside = 1
    elif slope < -_STEEP and side < 1 - _WIDTH:
        aside = -1
    return {
        "xytext": (-4 * aside, 4),
        "textcoords": "offset points",
        "va": "bottom",
        "ha": {0: "center", 1: "right", -1: "left"}[aside],
    }


def emptiest_corner(ax, x, y):
    """Where a legend hides least: the name of a corner.

    Parameters
    ----------
    ax : matplotlib Axes
        With its final limits.
    x, y : ndarray of shape (n_points,)
        What is drawn.
    """
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    across, up = (x - left) / (right - left), (y - low) / (high - low)
    near = {"left": across < 0.35, "right": across > 0.65}
    level = {"upper": up > 0.7, "lower": up < 0.3}
    hidden = {
        f"{v} {h}": np.sum(level[v] & near[h])
        for v in ("upper", "lower")
        for h in ("right", "left")
    }
    return min(hidden, key=hidden.get)
