"""Lines and bands that are as strong as the gate asks an expert there."""

import numpy as np

# Of lines, where the gate does not ask: that they go on can still be seen.
_FAINT = 0.1
_BAND = 0.22
# The mean of a mixture, so that what it lies on can be seen.
MEAN_DASHES = (0, (4, 3))
# Places where the gate asks an expert less do not count for the limits of a picture.
_SEEN = 0.02


def shades(color, strength, least=_FAINT, most=1.0):
    """A colour in several strengths.

    Parameters
    ----------
    color : colour
    strength : ndarray of shape (n,)
        From 0 to 1.
    least, most : float
        Opacities that these two stand for.

    Returns
    -------
    rgba : ndarray of shape (n, 4)
    """
    from matplotlib.colors import to_rgb

    opacity = least + (most - least) * np.clip(strength, 0.0, 1.0)
    return np.column_stack([np.tile(to_rgb(color), (len(opacity), 1)), opacity])


def fading_line(ax, x, y, strength, color, *, most=1.0, **options):
    """Draw a line whose opacity changes.

    Parameters
    ----------
    ax : matplotlib Axes
    x, y, strength : ndarray of shape (n_points,)
    color : colour
    most : float
    **options : dict
        For ``LineCollection``.

    Returns
    -------
    line : matplotlib LineCollection
    """
    from matplotlib.collections import LineCollection

    points = np.column_stack([x, y])
    segments = np.stack([points[:-1], points[1:]], axis=1)
    colors = shades(color, _middles(strength), most=most, least=_FAINT * most)
    drawn = np.isfinite(segments).all(axis=(1, 2))
    line = LineCollection(
        segments[drawn], colors=colors[drawn], capstyle="butt", **options
    )
    ax.add_collection(line, autolim=False)
    _make_room(ax, points[strength > _SEEN])
    return line


def fading_band(ax, x, low, high, strength, color):
    """Draw a band whose opacity changes.

    Parameters
    ----------
    ax : matplotlib Axes
    x, low, high, strength : ndarray of shape (n_points,)
    color : colour

    Returns
    -------
    band : matplotlib AxesImage or None
        Of one row, which is clipped to the band: polygons side by side show seams. None
        where the expert is not asked at all.
    """
    seen = (strength > _SEEN) & np.isfinite(low) & np.isfinite(high)
    if not seen.any():
        return None
    half = (x[1] - x[0]) / 2 if len(x) > 1 else 0.5
    band = ax.imshow(
        shades(color, strength, least=0.0, most=_BAND)[None],
        extent=(x[0] - half, x[-1] + half, low[seen].min(), high[seen].max()),
        aspect="auto", interpolation="bilinear", zorder=1,
    )  # fmt: skip
    band.sticky_edges.y.clear()
    band.set_clip_path(_between(x, low, high), transform=ax.transData)
    return band


def _between(x, low, high):
    """The path around a band, in pieces where it is interrupted."""
    from matplotlib.path import Path

    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    pieces = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    outlines = [
        np.column_stack([np.r_[x[p], x[p][::-1]], np.r_[low[p], high[p][::-1]]])
        for p in pieces
    ]
    return Path.make_compound_path(*(Path(o) for o in outlines if len(o)))


def _middles(values):
    return (values[:-1] + values[1:]) / 2


def _make_room(ax, points):
    ax.update_datalim(points[np.isfinite(points).all(axis=1)])
    ax.autoscale_view()
