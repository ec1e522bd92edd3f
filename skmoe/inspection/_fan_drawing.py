"""A predictive density along a feature: bands of quantiles, or a heat map."""

import numpy as np

from skmoe.inspection._axes import label_categories
from skmoe.inspection._colors import INK, NEUTRAL
from skmoe.inspection._strokes import MEAN_DASHES

# From none to the highest density: no expert's colours, and ink can be seen on them.
_HEAT = ("#FFFFFF", "#D4DDE6", "#9FB2C4", "#5F7A93")
# Half the width of a category.
_HALF = 0.35
_PALEST, _DARKEST = 0.25, 0.85


def draw_bands(ax, grid, quantiles, levels, is_discrete):
    """Draw central intervals, the widest first.

    Parameters
    ----------
    ax : matplotlib Axes
    grid : ndarray of shape (n_points,)
        Numbers, or categories of type object.
    quantiles : ndarray of shape (n_points, n_levels, 2)
        The ends of the intervals.
    levels : list of float of length n_levels
        Their probabilities, the largest first.
    is_discrete : bool
        Whether y is a count: a band then reaches half a count further on each side, so
        that one of a single count can be seen.

    Returns
    -------
    bands : list of matplotlib artists
        One for each level.
    """
    half = 0.5 if is_discrete else 0.0
    opacities = np.linspace(_PALEST, _DARKEST, len(levels) + 1)[:-1]
    bands = []
    for (low, high), level, opacity in zip(
        quantiles.transpose(1, 2, 0), levels, opacities, strict=True
    ):
        low, high = low - half, high + half
        # Paler colours instead of opacities, which would add up.
        color = _paler(NEUTRAL, opacity)
        options = {"color": color, "linewidth": 0, "label": f"{100 * level:g} %"}
        if grid.dtype == object:
            places = np.arange(len(grid))
            bands.append(ax.bar(places, high - low, 2 * _HALF, bottom=low, **options))
        else:
            step = "mid" if is_discrete else None
            bands.append(ax.fill_between(grid, low, high, step=step, **options))
    return bands


def draw_heat(ax, grid, heights, density, label, vmax=None):
    """Draw a density as an image, with a scale.

    Parameters
    ----------
    ax : matplotlib Axes
    grid : ndarray of shape (n_points,)
        Numbers, or categories of type object.
    heights : ndarray of shape (n_heights,)
        Evenly spaced values of y.
    density : ndarray of shape (n_heights, n_points)
    label : str or None
        Of the scale; with None it is not drawn.
    vmax : float, default=None
        Density of the darkest colour; by default the highest.

    Returns
    -------
    image : matplotlib AxesImage
    colorbar : matplotlib Colorbar or None
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm
    from matplotlib.ticker import MaxNLocator

    across = np.arange(len(grid)) if grid.dtype == object else grid
    # Square roots, so that wide modes are seen next to narrow ones.
    image = ax.imshow(
        density,
        origin="lower",
        aspect="auto",
        extent=(*_ends(across), *_ends(heights)),
        cmap=LinearSegmentedColormap.from_list("density", _HEAT),
        norm=PowerNorm(0.5, vmin=0.0, vmax=density.max() if vmax is None else vmax),
        interpolation="nearest",
    )
    if label is None:
        return image, None
    colorbar = ax.figure.colorbar(
        image, ax=ax, label=label, shrink=0.6, pad=0.02, ticks=MaxNLocator(4)
    )
    colorbar.outline.set_visible(False)
    return image, colorbar


def draw_mean(ax, grid, mean):
    """Draw the mixture's mean, dashed.

    Parameters
    ----------
    ax : matplotlib Axes
    grid, mean : ndarray of shape (n_points,)

    Returns
    -------
    line : matplotlib Line2D or LineCollection
    """
    options = {"linewidth": 1.2, "label": "mean", "zorder": 3}
    if grid.dtype != object:
        return ax.plot(grid, mean, color=INK, linestyle=MEAN_DASHES, **options)[0]
    places = np.arange(len(grid))
    return ax.hlines(
        mean, places - _HALF, places + _HALF,
        colors=INK, linestyles=MEAN_DASHES, **options,
    )  # fmt: skip


def frame(ax, grid):
    """Set the limits of the x axis, and its categories."""
    if grid.dtype == object:
        label_categories(ax.xaxis, grid)
        ax.set_xlim(-0.5, len(grid) - 0.5)
    else:
        ax.set_xlim(grid[0], grid[-1])


def _paler(color, opacity):
    from matplotlib.colors import to_rgb

    return tuple(1 - opacity * (1 - np.array(to_rgb(color))))


def _ends(places):
    half = (places[1] - places[0]) / 2 if len(places) > 1 else 0.5
    return places[0] - half, places[-1] + half
