"""Curves of the experts along a feature, or points over categories."""

import numpy as np

from skmoe.inspection._axes import label_categories
from skmoe.inspection._colors import INK
from skmoe.inspection._labels import MAX_LABELS, emptiest_corner, label_curves
from skmoe.inspection._strokes import MEAN_DASHES, fading_band, fading_line, shades

# Half the width of a category.
_HALF = 0.4
_MEAN_NAME = "mixture"


def draw_curves(display, colors):
    """Draw curves and bands along a feature that is a number.

    Parameters
    ----------
    display : ExpertCurvesDisplay
        With its axes, ``ax_``.
    colors : list of colours of length n_experts

    Returns
    -------
    lines : list of matplotlib LineCollection
    bands : list of matplotlib AxesImage or None
    mean : matplotlib Line2D
    """
    ax, grid, gate, bands = display.ax_, display.grid, display.gate, []
    names = display.expert_names
    if display.low is not None:
        bands = [
            fading_band(ax, grid, low, high, strength, color)
            for low, high, strength, color in zip(
                display.low.T, display.high.T, gate.T, colors, strict=True
            )
        ]
    lines = [
        fading_line(ax, grid, curve, strength, color, linewidth=3, zorder=2)
        for curve, strength, color in zip(display.curves.T, gate.T, colors, strict=True)
    ]
    (mean,) = ax.plot(
        grid, display.mean, color=INK, linestyle=MEAN_DASHES, linewidth=1.2, zorder=3
    )
    ax.set_xlim(grid[0], grid[-1])
    if len(names) <= MAX_LABELS:
        label_curves(
            ax,
            grid,
            display.curves,
            gate,
            display.mean,
            [*names, _MEAN_NAME],
            [*colors, INK],
        )
    return lines, bands, mean


def draw_categories(display, colors):
    """Draw points with error bars, side by side, for each category.

    Parameters
    ----------
    display : ExpertCurvesDisplay
        With its axes, ``ax_``.
    colors : list of colours of length n_experts

    Returns
    -------
    dots : list of matplotlib PathCollection
    bars : list of matplotlib LineCollection
    mean : matplotlib LineCollection
    """
    ax, categories, names = display.ax_, display.grid, display.expert_names
    n_experts, places = len(names), np.arange(len(categories))
    asides = ((np.arange(n_experts) + 0.5) / n_experts - 0.5) * 2 * _HALF
    dots, bars = [], []
    for k, aside in enumerate(asides):
        own = shades(colors[k], display.gate[:, k])
        if display.low is not None:
            span = display.low[:, k], display.high[:, k]
            bars.append(ax.vlines(places + aside, *span, colors=own, linewidth=2))
        dots.append(
            ax.scatter(places + aside, display.curves[:, k], c=own, s=40, zorder=3)
        )
        # The legend shows a colour, whatever the strength of the first category.
        ax.scatter([], [], color=colors[k], s=40, label=names[k])
    mean = ax.hlines(
        display.mean, places - _HALF, places + _HALF,
        colors=INK, linestyles=MEAN_DASHES, linewidth=1.2, label=_MEAN_NAME,
    )  # fmt: skip
    label_categories(ax.xaxis, categories)
    ax.set_xlim(-0.5, len(categories) - 0.5)
    if n_experts <= MAX_LABELS:
        x, y = (places[:, None] + asides).ravel(), display.curves.ravel()
        if display.rows is not None:
            x, y = np.append(x, display.rows[0]), np.append(y, display.rows[1])
        corner = emptiest_corner(ax, x, y)
        ax.legend(loc=corner, framealpha=0.8, edgecolor="none")
    return dots, bars, mean
