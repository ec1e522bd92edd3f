"""Which expert is asked where, as areas over one feature or regions over two."""

import numpy as np

from skmoe.inspection._along import Along
from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK, expert_colors
from skmoe.inspection._columns import Columns
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._gate_drawing import draw_areas, draw_bars, draw_regions
from skmoe.inspection._points import places_of, scatter_points, strewn


class GateDisplay:
    """Gate probabilities over one feature, as stacked areas, or two, as regions.

    It is recommended to use :meth:`from_estimator` to make one.

    Over two features, colours are mixed by the probabilities, and lines are drawn where
    the expert with the largest one changes. A categorical feature has a bar, or a strip,
    for each category.

    Parameters
    ----------
    gate : ndarray of shape (n_points, n_experts) or (n_across, n_up, n_experts)
        Gate probabilities on the grid.
    grids : list of ndarray
        The values of each feature: numbers in order, or categories (of type object).
    feature_names : list of str
        One or two.
    expert_names : list of str of length n_experts
        Written where the experts lead.
    rows : ndarray of shape (n_samples, n_features), default=None
        Values of the features of rows to be drawn; of a categorical one, the number in
        its grid.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    areas_ : list of matplotlib PolyCollection
        Of one feature that is a number: an area for each expert.
    bars_ : list of matplotlib BarContainer
        Of one categorical feature: the bars of each expert.
    image_ : matplotlib AxesImage
        Of two features.
    borders_ : list of matplotlib artists
        Of two features: where the leading expert changes, and between categories.
    points_ : matplotlib PathCollection or None
        The rows: points over two features, ticks along one.

    See Also
    --------
    ExpertCurvesDisplay : What the experts say there.
    RoutingDisplay : Which experts rows are sent to, with ``top_k``.
    export_text : The gate's rules as text.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import GateDisplay
    >>> X, y = make_moe_regression(random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0).fit(X, y)
    >>> display = GateDisplay.from_estimator(model, X, features=[0, 1])
    >>> plt.show()
    """

    def __init__(self, gate, grids, *, feature_names, expert_names, rows=None):
        self.gate = gate
        self.grids = grids
        self.feature_names = feature_names
        self.expert_names = expert_names
        self.rows = rows

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        features,
        *,
        kind="typical",
        grid_resolution=100,
        show_rows=False,
        ax=None,
        **plot_params,
    ):
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that tell the range of the features, and the values of the others. With
            a pipeline, as it takes them.
        features : int, str, or list of one or two of these
            Numbers or names of columns of X.
        kind : {"typical", "average"}, default="typical"
            Whether the other features have their typical values (median, most frequent),
            or probabilities are averaged over rows of X (partial dependence).
        grid_resolution : int, default=100
            Values of a feature that is a number.
        show_rows : bool, default=False
            Whether the rows of X are drawn: as points over two features, as ticks along
            one.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : GateDisplay
            With its artists as attributes.

        Raises
        ------
        ValueError
            If a feature is no column of X, or there are not one or two of them.
        """
        check_plotting(cls)
        mixture = FittedMixture.of(estimator)
        columns = Columns(X, mixture.feature_names(X))
        numbers = _numbers(columns, features)
        along = Along(columns, numbers, kind, grid_resolution)
        gate = along.ask(
            lambda table: mixture.model.predict_gate_proba(mixture.rows(table))
        )
        rows = np.column_stack([places_of(columns, j) for j in numbers])
        display = cls(
            gate,
            along.grids,
            feature_names=[columns.names[j] for j in numbers],
            expert_names=mixture.names,
            rows=rows if show_rows else None,
        )
        return display.plot(ax=ax, **plot_params)

    def plot(self, ax=None, *, colors=None):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure.
        colors : list of colours of length n_experts, default=None
            By default :func:`~skmoe.inspection.expert_colors`.

        Returns
        -------
        display : GateDisplay
            Itself, with its artists as attributes.
        """
        check_plotting(type(self))
        self.figure_, self.ax_ = axes_of(ax)
        colors = colors or expert_colors(len(self.expert_names))
        categorical = [grid.dtype == object for grid in self.grids]
        named = (self.expert_names, colors)
        if len(self.grids) == 2:
            self.image_, self.borders_ = draw_regions(
                self.ax_, self.grids, categorical, self.gate, *named
            )
            self.ax_.set_ylabel(self.feature_names[1])
        elif categorical[0]:
            self.bars_ = draw_bars(self.ax_, self.grids[0], self.gate, *named)
            self.ax_.set_ylabel("gate probability")
        else:
            self.areas_ = draw_areas(self.ax_, self.grids[0], self.gate, *named)
            self.ax_.set_ylabel("gate probability")
        self.ax_.set_xlabel(self.feature_names[0])
        self.points_ = self._draw_rows(categorical)
        return self

    def _draw_rows(self, categorical):
        if self.rows is None:
            return None
        places = [
            strewn(own, seed) if is_categorical else own
            for seed, (own, is_categorical) in enumerate(
                zip(self.rows.T, categorical, strict=True)
            )
        ]
        if len(places) == 2:
            edges = {"edgecolors": "white", "linewidths": 0.3, "zorder": 3}
            return scatter_points(self.ax_, *places, INK, **edges)
        floor = np.full(len(places[0]), 0.02)
        ticks = {"marker": "|", "s": 50, "linewidths": 0.6}
        return scatter_points(self.ax_, places[0], floor, INK, **ticks)


def _numbers(columns, features):
    """Numbers of one column or two different ones."""
    if isinstance(features, str) or not hasattr(features, "__len__"):
        features = [features]
    numbers = [columns.number_of(feature) for feature in features]
    if len(numbers) not in (1, 2) or len(set(numbers)) < len(numbers):
        raise ValueError(
            f"features: {features!r}; pass one column of X, or a list of two different "
            "ones."
        )
    return numbers
