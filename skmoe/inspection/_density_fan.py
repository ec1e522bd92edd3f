"""The predictive density along a feature, as a fan of quantiles or as a heat map."""

import numpy as np
from sklearn.base import is_classifier

from skmoe._validation import check_regression_target
from skmoe.inspection._along import Along
from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK
from skmoe.inspection._columns import Columns
from skmoe.inspection._fan_drawing import draw_bands, draw_heat, draw_mean, frame
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._labels import emptiest_corner
from skmoe.inspection._one_output import (
    averaged,
    check_output,
    of_output,
    output_name,
)
from skmoe.inspection._points import places_of, scatter_points, strewn

_STYLES = ("fan", "heat")
# Probability on each side of what a heat map shows, and how many heights it has.
_TAIL, _N_HEIGHTS = 0.005, 200


class DensityFanDisplay:
    """The density of y along a feature, as bands of quantiles or as a heat map.

    It is recommended to use :meth:`from_estimator` to make one.

    The bands of a fan are equal-tailed: what lies between two modes is within them. A
    heat map shows each mode. The mixture's mean is dashed. Counts have probabilities in
    the density's place, and the bands of a fan reach half a count further on each side.

    Parameters
    ----------
    grid : ndarray of shape (n_points,)
        Values of the feature: numbers in order, or categories (of type object).
    mean : ndarray of shape (n_points,)
        Of the density.
    levels : list of float of length n_levels
        Probabilities of the bands, the largest first.
    quantiles : ndarray of shape (n_points, n_levels, 2)
        The ends of the bands.
    heights : ndarray of shape (n_heights,)
        Evenly spaced values of y.
    density : ndarray of shape (n_heights, n_points)
        Densities, or probabilities of counts, there.
    feature_name : str
        Label of the x axis.
    target_name : str, default="y"
        Label of the y axis.
    is_discrete : bool, default=False
        Whether y is a count.
    rows : tuple of (x, y), default=None
        Of rows to be drawn as points, ndarrays of shape (n_samples,). Of a category, x is
        its number in the grid.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bands_ : list of matplotlib PolyCollection or BarContainer
        Of a fan, the widest first.
    legend_ : matplotlib Legend
        Of a fan.
    image_ : matplotlib AxesImage
        Of a heat map. Colours are spaced by square roots of the density.
    colorbar_ : matplotlib Colorbar or None
        Of a heat map, if it is drawn.
    mean_line_ : matplotlib Line2D or LineCollection
        The mixture's mean.
    points_ : matplotlib PathCollection or None
        The rows.

    See Also
    --------
    ExpertCurvesDisplay : The densities of the experts, each for itself.
    PITDisplay : Whether the density is right.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.inspection import DensityFanDisplay
    >>> X = np.linspace(-1, 1, 101)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.sin(40 * X[:, 0])
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> display = DensityFanDisplay.from_estimator(model, X, y, feature=0)
    >>> plt.show()
    """

    def __init__(
        self,
        grid,
        mean,
        levels,
        quantiles,
        heights,
        density,
        *,
        feature_name,
        target_name="y",
        is_discrete=False,
        rows=None,
    ):
        self.grid = grid
        self.mean = mean
        self.levels = levels
        self.quantiles = quantiles
        self.heights = heights
        self.density = density
        self.feature_name = feature_name
        self.target_name = target_name
        self.is_discrete = is_discrete
        self.rows = rows

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        feature,
        target=None,
        levels=(0.5, 0.8, 0.95),
        style="fan",
        kind="typical",
        grid_resolution=100,
        ax=None,
        **plot_params,
    ):
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : MixtureOfExpertsRegressor, Pipeline that ends in one, or search
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that tell the range of the feature, and the values of the others. With a
            pipeline, as it takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target of these rows, which are then drawn.
        feature : int or str
            Number or name of a column of X.
        target : int, default=None
            Of several outputs, the number of one.
        levels : list of float, default=(0.5, 0.8, 0.95)
            Probabilities of the bands.
        style : {"fan", "heat"}, default="fan"
            Bands of quantiles, or a map of the density.
        kind : {"typical", "average"}, default="typical"
            Whether the other features have their typical values (median, most frequent),
            or the densities of rows of X are averaged. An average of mixtures is a
            mixture, and it is its mean, quantiles and density that are drawn, not
            averages of theirs: those of y where the feature is set to a value in all
            rows.
        grid_resolution : int, default=100
            Values of a feature that is a number.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : DensityFanDisplay
            With its artists as attributes.

        Raises
        ------
        TypeError
            If the mixture is a classifier.
        ValueError
            If the feature is no column of X, or a parameter out of its range.
        """
        check_plotting(cls)
        levels = _check_levels(levels)
        mixture = FittedMixture.of(estimator)
        if is_classifier(mixture.model):
            raise TypeError(
                "DensityFanDisplay: a class has no density; use ExpertCurvesDisplay with "
                "target=<a class> for its probability along a feature."
            )
        target = check_output(mixture.model, target)
        columns = Columns(X, mixture.feature_names(X))
        j = columns.number_of(feature)
        along = Along(columns, [j], kind, grid_resolution)
        densities = [
            averaged(
                of_output(
                    mixture.model.predict_distribution(mixture.rows(table)), target
                ),
                n_points,
            )
            for table, n_points in along.tables()
        ]
        rows = None
        if y is not None:
            known = check_regression_target(y)
            known = known if target is None else known[:, target]
            rows = places_of(columns, j), known
        is_discrete = densities[0]._is_discrete
        heights = _heights(densities, is_discrete, () if rows is None else rows[1])
        display = cls(
            along.grids[0],
            np.concatenate([density.mean() for density in densities]),
            levels,
            np.concatenate([_quantiles(density, levels) for density in densities]),
            heights,
            np.hstack([_at(density, heights, is_discrete) for density in densities]),
            feature_name=columns.names[j],
            target_name=output_name(y, target),
            is_discrete=is_discrete,
            rows=rows,
        )
        return display.plot(ax=ax, style=style, **plot_params)

    def plot(self, ax=None, *, style="fan", vmax=None, colorbar=True):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure.
        style : {"fan", "heat"}, default="fan"
            Bands of quantiles, or a map of the density.
        vmax : float, default=None
            Density that has a heat map's darkest colour; by default the highest. Give
            maps side by side the same.
        colorbar : bool, default=True
            Whether a heat map has a scale.

        Returns
        -------
        display : DensityFanDisplay
            Itself, with its artists as attributes.
        """
        check_plotting(type(self))
        if style not in _STYLES:
            raise ValueError(f"style is {style!r}; use 'fan' or 'heat'.")
        self.figure_, self.ax_ = axes_of(ax)
        ax = self.ax_
        ax.set(xlabel=self.feature_name, ylabel=self.target_name)
        self.points_ = self._draw_rows(is_on_dark=style == "heat")
        self.mean_line_ = draw_mean(ax, self.grid, self.mean)
        if style == "heat":
            label = "probability" if self.is_discrete else "density"
            self.image_, self.colorbar_ = draw_heat(
                ax, self.grid, self.heights, self.density,
                label if colorbar else None, vmax,
            )  # fmt: skip
            frame(ax, self.grid)
        else:
            self.bands_ = draw_bands(
                ax, self.grid, self.quantiles, self.levels, self.is_discrete
            )
            frame(ax, self.grid)
            self._draw_legend()
        return self

    def _draw_rows(self, is_on_dark):
        if self.rows is None:
            return None
        x, y = self.rows
        if self.grid.dtype == object:
            x = strewn(x)
        edges = {"edgecolors": "white", "linewidths": 0.4} if is_on_dark else {}
        return scatter_points(self.ax_, x, y, INK, **edges)

    def _draw_legend(self):
        outer = self.quantiles[:, 0]
        places = np.arange(len(self.grid)) if self.grid.dtype == object else self.grid
        x, y = np.tile(places, 2), outer.T.ravel()
        if self.rows is not None:
            x, y = np.append(x, self.rows[0]), np.append(y, self.rows[1])
        corner = emptiest_corner(self.ax_, x, y)
        self.legend_ = self.ax_.legend(loc=corner, framealpha=0.8, edgecolor="none")


def _check_levels(levels):
    levels = sorted(np.atleast_1d(levels).tolist(), reverse=True)
    if not levels or not all(0 < level < 1 for level in levels):
        raise ValueError(f"levels are {levels}; use numbers between 0 and 1.")
    return levels


def _quantiles(density, levels):
    tails = [(1 - level) / 2 for level in levels]
    q = np.array([q for tail in tails for q in (tail, 1 - tail)])
    return density.ppf(q).reshape(len(density), len(levels), 2)


def _heights(densities, is_discrete, y):
    """Evenly spaced values of y, of all that is not rare, and of rows that are drawn."""
    reach = [density.ppf([_TAIL, 1 - _TAIL]) for density in densities]
    ends = np.concatenate([*(part.ravel() for part in reach), np.asarray(y)])
    low, high = ends.min(), ends.max()
    if is_discrete:
        return np.arange(low, high + 1, max(1, (high - low) // _N_HEIGHTS))
    return np.linspace(low, high, _N_HEIGHTS)


def _at(density, heights, is_discrete):
    probability = density.pmf if is_discrete else density.pdf
    return np.stack([probability(height) for height in heights])
