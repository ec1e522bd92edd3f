"""Gate probabilities along one feature or two, as areas, bars and regions."""

import numpy as np

from skmoe.inspection._axes import label_categories
from skmoe.inspection._colors import INK, blended
from skmoe.inspection._labels import MAX_LABELS, innermost, inwards, text_color, write

# Shares, and parts of a picture, that are too small for a name.
_SMALL_SHARE, _SMALL_REGION = 0.14, 0.02
# More cells than this are not named.
_MAX_CELLS = 30
# How much of the experts' colours is left, so that points on them can be seen.
_TINT = 0.8


def draw_areas(ax, grid, gate, names, colors):
    """Stack the probabilities along a feature that is a number.

    Parameters
    ----------
    ax : matplotlib Axes
    grid : ndarray of shape (n_points,)
    gate : ndarray of shape (n_points, n_experts)
    names, colors : list of length n_experts

    Returns
    -------
    areas : list of matplotlib PolyCollection
    """
    areas = ax.stackplot(grid, gate.T, colors=colors, edgecolor="white", linewidth=0.5)
    ax.set(xlim=(grid[0], grid[-1]), ylim=(0, 1))
    _name_shares(ax, grid, gate, names, colors)
    return areas


def draw_bars(ax, categories, gate, names, colors):
    """Stack the probabilities of each category.

    Parameters
    ----------
    ax : matplotlib Axes
    categories : ndarray of shape (n_categories,)
    gate : ndarray of shape (n_categories, n_experts)
    names, colors : list of length n_experts

    Returns
    -------
    bars : list of matplotlib BarContainer
    """
    places = np.arange(len(categories))
    floors = np.cumsum(gate, axis=1) - gate
    bars = [
        ax.bar(places, own, bottom=floor, color=color, edgecolor="white", width=0.85)
        for own, floor, color in zip(gate.T, floors.T, colors, strict=True)
    ]
    ax.set(ylim=(0, 1))
    label_categories(ax.xaxis, categories)
    _name_shares(ax, places, gate, names, colors)
    return bars


def _name_shares(ax, places, gate, names, colors):
    if len(names) > MAX_LABELS:
        return
    tops = np.cumsum(gate, axis=1)
    for k, own in enumerate(gate.T):
        if own.max() < _SMALL_SHARE:
            continue
        (place,) = innermost(own >= 0.9 * own.max())
        write(
            ax, places[place], tops[place, k] - own[place] / 2, names[k],
            text_color(colors[k]), halo=colors[k],
            ha=inwards((place + 0.5) / len(places)),
        )  # fmt: skip


def draw_regions(ax, grids, categorical, gate, names, colors):
    """Colour a plane by the experts that are asked, and draw where the leader changes.

    Parameters
    ----------
    ax : matplotlib Axes
    grids : list of two ndarray
    categorical : list of two bool
    gate : ndarray of shape (n_across, n_up, n_experts)
    names, colors : list of length n_experts

    Returns
    -------
    image : matplotlib AxesImage
    borders : list of matplotlib artists
    """
    across, up = (
        np.arange(len(grid)) if is_categorical else grid
        for grid, is_categorical in zip(grids, categorical, strict=True)
    )
    rgb = 1 - _TINT + _TINT * blended(gate, colors)
    image = ax.imshow(
        rgb.swapaxes(0, 1), origin="lower", aspect="auto",
        extent=(*_ends(across), *_ends(up)),
        interpolation="nearest" if any(categorical) else "bilinear",
    )  # fmt: skip
    for axis, grid, is_categorical in zip(
        (ax.xaxis, ax.yaxis), grids, categorical, strict=True
    ):
        if is_categorical:
            label_categories(axis, grid)
    if any(categorical):
        borders = _borders_of_strips(ax, across, up, categorical, gate)
    else:
        ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
        borders = _borders(ax, across, up, gate)
    if len(names) <= MAX_LABELS:
        places = _of_cells if all(categorical) else _of_regions
        for i, j, text in places(gate, names, categorical):
            write(
                ax, across[i], up[j], text, text_color(rgb[i, j]), halo=rgb[i, j],
                ha=inwards((i + 0.5) / len(across)), weight="bold",
            )  # fmt: skip
    return image, borders


def _ends(places):
    half = (places[1] - places[0]) / 2 if len(places) > 1 else 0.5
    return places[0] - half, places[-1] + half


def _borders(ax, across, up, gate):
    """Lines where an expert is as probable as the best of the others."""
    borders = []
    leader = gate.argmax(axis=-1)
    for k in np.unique(leader):
        if (leader == k).all():
            break
        lead = gate[..., k] - np.delete(gate, k, axis=-1).max(axis=-1)
        borders.append(
            ax.contour(across, up, lead.T, levels=[0.0], colors=INK, linewidths=1)
        )
    return borders


def _borders_of_strips(ax, across, up, categorical, gate):
    """White lines between categories, dark ones where the leader changes within one."""
    lines = []
    for draw, places, is_categorical in zip(
        (ax.axvline, ax.axhline), (across, up), categorical, strict=True
    ):
        if is_categorical:
            lines += [draw(x + 0.5, color="white", linewidth=2) for x in places[:-1]]
    if all(categorical):
        return lines
    leader = gate.argmax(axis=-1)
    strips, draw, along = (
        (leader, ax.hlines, up) if categorical[0] else (leader.T, ax.vlines, across)
    )
    for place, strip in enumerate(strips):
        changes = np.flatnonzero(np.diff(strip))
        if len(changes):
            middles = (along[changes] + along[changes + 1]) / 2
            lines.append(draw(middles, place - 0.5, place + 0.5, colors=INK, linewidth=1))
    return lines


def _of_regions(gate, names, categorical):
    """Where each expert leads, and its name."""
    leader = gate.argmax(axis=-1)
    # Within a strip, the middle counts, however narrow the strip is.
    steps = [max(leader.shape) if is_strip else 1 for is_strip in categorical]
    for k, name in enumerate(names):
        region = leader == k
        if region.mean() >= _SMALL_REGION:
            yield *innermost(region, steps), name


def _of_cells(gate, names, categorical):
    """Every pair of categories, who leads there, and how far."""
    if gate[..., 0].size > _MAX_CELLS:
        return
    for i, j in np.ndindex(gate.shape[:2]):
        k = gate[i, j].argmax()
        yield i, j, f"{names[k]}\n{gate[i, j, k]:.0%}"
