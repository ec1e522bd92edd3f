"""What all pictures do with their axes."""

import numpy as np

from skmoe._sklearn_compat import check_matplotlib_support

# More names of experts, or of categories, than this are not written at an axis.
_MAX_NAMES, _MAX_CATEGORIES = 12, 20
# Names with more letters in all are turned.
_MAX_LETTERS = 40
# Panels side by side; more go into further rows.
_PANELS_IN_A_ROW = 4


def check_plotting(display):
    """Check that matplotlib is there, for a display class."""
    check_matplotlib_support(f"{display.__name__}.plot")


def axes_of(ax, **subplots):
    """The figure and the axes to draw on: new ones where there are none.

    Parameters
    ----------
    ax : matplotlib Axes or None
    **subplots : dict
        For ``matplotlib.pyplot.subplots``.
    """
    if ax is not None:
        return ax.figure, without_frame(ax)
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(layout="constrained", **subplots)
    return figure, without_frame(ax)


def without_frame(ax):
    """Take away the lines of the frame that carry no scale."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def label_experts(ax, places, names):
    """Write the names of the experts at the x axis, or count them where they are many."""
    if len(names) > _MAX_NAMES:
        ax.set_xlabel("expert")
        return
    is_tight = sum(len(name) for name in names) > _MAX_LETTERS
    ax.set_xticks(places, names, rotation=30 if is_tight else 0)
    if is_tight:
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")


def divided(ax, n_panels):
    """A figure and so many panels in rows, on a new figure or in the place of ``ax``.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Is no longer drawn itself.
    n_panels : int

    Returns
    -------
    figure : matplotlib Figure
    panels : ndarray of matplotlib Axes, of shape (n_panels,)
    """
    n_rows = -(-n_panels // _PANELS_IN_A_ROW)
    n_columns = -(-n_panels // n_rows)
    figure, place = _place_of(ax, n_rows, n_columns)
    grid = place.subgridspec(n_rows, n_columns)
    panels = np.empty(n_panels, dtype=object)
    for number in range(n_panels):
        row, column = divmod(number, n_columns)
        panels[number] = without_frame(figure.add_subplot(grid[row, column]))
    return figure, panels


def _place_of(ax, n_rows, n_columns):
    """The figure, and where in it panels are put."""
    if ax is None:
        import matplotlib.pyplot as plt

        size = (max(1.7 * n_columns, 4.0) + 0.8, 1.9 * n_rows + 0.9)
        figure = plt.figure(figsize=size, layout="constrained")
        return figure, figure.add_gridspec(1, 1)[0]
    place = ax.get_subplotspec() if hasattr(ax, "get_subplotspec") else None
    if place is None:
        raise ValueError(
            "ax: only axes of a grid can be divided into panels; make them by "
            "matplotlib.pyplot.subplots or Figure.add_subplot."
        )
    ax.set_axis_off()
    return ax.figure, place


def label_categories(axis, categories):
    """Write categories at an axis, at 0, 1, ...; some of them where they are many.

    Parameters
    ----------
    axis : matplotlib Axis
    categories : ndarray of shape (n_categories,)
    """
    step = -(-len(categories) // _MAX_CATEGORIES)
    names = [str(category) for category in categories[::step]]
    axis.set_ticks(range(0, len(categories), step), names)
    axis.set_tick_params(length=0)
    if axis.axis_name == "x" and sum(map(len, names)) > _MAX_LETTERS:
        for label in axis.get_ticklabels():
            label.set(rotation=30, horizontalalignment="right")
