"""What each expert says along a feature, strong where the gate asks it."""

import numpy as np
from sklearn.base import is_classifier

from skmoe.inspection._along import Along
from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import blended, expert_colors
from skmoe.inspection._columns import Columns
from skmoe.inspection._curve_drawing import draw_categories, draw_curves
from skmoe.inspection._expert_answers import (
    ask_classifiers,
    ask_regressors,
    class_number,
)
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._one_output import check_output, output_name
from skmoe.inspection._points import places_of, scatter_points, strewn


class ExpertCurvesDisplay:
    """The curve of each expert along a feature, where the gate asks it, and the mean.

    It is recommended to use :meth:`from_estimator` to make one.

    A curve and its band are the stronger, the larger the gate probability of the expert
    is there. The mixture's mean is dashed. Rows are coloured by their responsibilities:
    by the experts that explain them. A categorical feature has points with error bars.

    Parameters
    ----------
    grid : ndarray of shape (n_points,)
        Values of the feature: numbers in order, or categories (of type object).
    gate : ndarray of shape (n_points, n_experts)
        Gate probabilities there.
    curves : ndarray of shape (n_points, n_experts)
        What the experts say; NaN where one is not asked at all.
    mean : ndarray of shape (n_points,)
        What the mixture says.
    low, high : ndarray of shape (n_points, n_experts), default=None
        The ends of the experts' bands; None where there are none.
    feature_name : str
        Label of the x axis.
    target_name : str
        What the curves are of: the label of the y axis.
    expert_names : list of str of length n_experts
        Written at the curves.
    is_proba : bool, default=False
        Whether curves are probabilities, from 0 to 1.
    rows : tuple of (x, y, responsibilities), default=None
        Of rows to be drawn as points: ndarrays of shape (n_samples,), (n_samples,) and
        (n_samples, n_experts). Of a category, x is its number in the grid. Of
        probabilities, y is whether the row has the class.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib LineCollection or PathCollection
        The curve of each expert; its points, where the feature is categorical.
    bands_ : list of matplotlib AxesImage, LineCollection or None
        The band, or the error bars, of each expert; None for one that is not asked at
        all. Empty where there are no bands.
    mean_line_ : matplotlib Line2D or LineCollection
        The mixture's mean.
    points_ : matplotlib PathCollection or None
        The rows.

    See Also
    --------
    GateDisplay : Who is asked where.
    DensityFanDisplay : The density of the whole mixture.
    CoefficientsDisplay : The coefficients of linear experts.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.inspection import ExpertCurvesDisplay
    >>> X = np.linspace(-1, 1, 101)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.sin(40 * X[:, 0])
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> display = ExpertCurvesDisplay.from_estimator(model, X, y, feature=0)
    >>> plt.show()
    """

    def __init__(
        self,
        grid,
        gate,
        curves,
        mean,
        low=None,
        high=None,
        *,
        feature_name,
        target_name,
        expert_names,
        is_proba=False,
        rows=None,
    ):
        self.grid = grid
        self.gate = gate
        self.curves = curves
        self.mean = mean
        self.low = low
        self.high = high
        self.feature_name = feature_name
        self.target_name = target_name
        self.expert_names = expert_names
        self.is_proba = is_proba
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
        kind="typical",
        interval=0.9,
        grid_resolution=100,
        exposure=None,
        trials=None,
        ax=None,
        **plot_params,
    ):
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that tell the range of the feature, and the values of the others. With a
            pipeline, as it takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target of these rows, which are then drawn. Of a classifier, rows of the class
            are ticks at the top, the others at the bottom.
        feature : int or str
            Number or name of a column of X.
        target : object, default=None
            Of a classifier, the class whose probability is shown; None is the second of
            two. Of several outputs, the number of one.
        kind : {"typical", "average"}, default="typical"
            Whether the other features have their typical values (median, most frequent),
            or curves, bands and gate probabilities are averaged over rows of X (partial
            dependence); with ``top_k``, those of an expert over the rows that it is
            asked about.
        interval : float or None, default=0.9
            Probability of the band, which is equal-tailed, of each expert's own density.
            None draws none, as for classifiers.
        grid_resolution : int, default=100
            Values of a feature that is a number.
        exposure, trials : array-like of shape (n_samples,), default=None
            Sizes of the rows, as in ``fit`` of a regressor. Curves are those of a row of
            size one, and the target is drawn per unit.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : ExpertCurvesDisplay
            With its artists as attributes.

        Raises
        ------
        ValueError
            If the feature is no column of X, or the target no class or output.
        """
        check_plotting(cls)
        if interval is not None and not 0 < interval < 1:
            raise ValueError(f"interval is {interval!r}; use a number between 0 and 1.")
        mixture = FittedMixture.of(estimator)
        columns = Columns(X, mixture.feature_names(X))
        j = columns.number_of(feature)
        along = Along(columns, [j], kind, grid_resolution)
        is_proba = is_classifier(mixture.model)
        sizes = {"exposure": exposure, "trials": trials}
        if is_proba:
            answers = ask_classifiers(mixture, along, target)
        else:
            answers = ask_regressors(mixture, along, target, interval)
        display = cls(
            along.grids[0],
            *answers,
            feature_name=columns.names[j],
            target_name=_target_name(mixture.model, y, target, is_proba),
            expert_names=mixture.names,
            is_proba=is_proba,
            rows=None if y is None else _rows(mixture, columns, j, y, target, sizes),
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
        display : ExpertCurvesDisplay
            Itself, with its artists as attributes.
        """
        check_plotting(type(self))
        self.figure_, self.ax_ = axes_of(ax)
        colors = colors or expert_colors(len(self.expert_names))
        self.ax_.set(xlabel=self.feature_name, ylabel=self.target_name)
        self._draw_rows(colors)
        draw = draw_categories if self.grid.dtype == object else draw_curves
        self.lines_, self.bands_, self.mean_line_ = draw(self, colors)
        return self

    def _draw_rows(self, colors):
        self.points_ = None
        if self.is_proba:
            room = 0.02 if self.rows is None else 0.08
            self.ax_.set_ylim(-room, 1 + room)
        if self.rows is None:
            return
        x, y, responsibilities = self.rows
        options = {}
        if self.grid.dtype == object:
            x = strewn(x)
        if self.is_proba:
            y = np.where(y, 1.04, -0.04)
            options = {"marker": "|", "s": 40, "linewidths": 1}
        self.points_ = scatter_points(
            self.ax_, x, y, blended(responsibilities, colors), **options
        )


def _target_name(model, y, target, is_proba):
    if is_proba:
        return f"probability of {model.classes_[class_number(model, target)]!s}"
    return output_name(
        y, None if model._n_outputs is None else check_output(model, target)
    )


def _rows(mixture, columns, j, y, target, sizes):
    """Places of the rows, their targets per unit of size, and responsibilities."""
    model = mixture.model
    responsibilities = model.responsibilities(mixture.rows(columns.X), y, **sizes)
    y = np.asarray(y)
    for size in sizes.values():
        y = y if size is None else y / np.asarray(size)
    if is_classifier(model):
        y = y == model.classes_[class_number(model, target)]
    elif y.ndim == 2:
        y = y[:, check_output(model, target)]
    return places_of(columns, j), y, responsibilities
