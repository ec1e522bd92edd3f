"""Coefficients of linear experts, side by side."""

import numpy as np

from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK, NEUTRAL, expert_colors
from skmoe.inspection._fitted import FittedMixture
from skmoe.inspection._linear_parts import INTERCEPT, expert_parts, gate_parts

# Inches of a row of dots, and of what is around them.
_ROW, _AROUND = 0.32, 1.3
# More names than this are written beside the axes.
_MAX_INSIDE = 5
# Between the dots of two experts, and of all, in rows.
_BESIDE, _BESIDE_ALL = 0.22, 0.5
_BAND = "#E3E3E3"


class CoefficientsDisplay:
    """Coefficients of all experts, or of the gate, a row of dots for each feature.

    Features whose coefficients differ most among the experts come first. It is
    recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    coefficients : ndarray of shape (n_experts, n_features)
        NaN where an expert does not know the feature.
    feature_names : list of str of length n_features
        From top to bottom.
    expert_names : list of str of length n_experts
        In the order of the model.
    quantity : str
        What the coefficients are, with their unit; the label of the axis.
    shared : ndarray of shape (n_features,), default=None
        Coefficients of the shared expert, which are added to those of all experts.
    n_hidden : int, default=0
        Features that are left out.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    dots_ : list of matplotlib PathCollection
        The dots of each expert, and of the shared one, if there is one.
    ranges_ : matplotlib LineCollection
        From the least to the largest coefficient of each feature.
    zero_line_ : matplotlib Line2D

    See Also
    --------
    ExpertCurvesDisplay : What experts of any kind predict along a feature.
    export_text : The same as text.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.inspection import CoefficientsDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> mixture = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    >>> model = make_pipeline(StandardScaler(), mixture).fit(X, y)
    >>> display = CoefficientsDisplay.from_estimator(model, X)
    >>> plt.show()
    """

    def __init__(
        self, coefficients, *, feature_names, expert_names, quantity, shared=None,
        n_hidden=0,
    ):  # fmt: skip
        self.coefficients = coefficients
        self.feature_names = feature_names
        self.expert_names = expert_names
        self.quantity = quantity
        self.shared = shared
        self.n_hidden = n_hidden

    @classmethod
    def from_estimator(
        cls, estimator, X=None, *, feature_names=None, max_features=10, part="experts",
        target=None, intercept=False, ax=None, **plot_params,
    ):  # fmt: skip
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search over these
            Fitted, with experts that have ``coef_``, also at the end of pipelines.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features), \
                default=None
            Rows that ``estimator`` takes. With them, coefficients are per standard
            deviation of each column, as the linear model is given it, so that they can be
            compared. None leaves them in the units of the columns.
        feature_names : array-like of str of shape (n_features,), default=None
            Of the columns of ``estimator``'s X. By default as it was fitted.
        max_features : int or None, default=10
            How many features are shown; None for all.
        part : {"experts", "gate"}, default="experts"
            Whose coefficients are shown. Those of a softmax gate are changes of an
            expert's log-odds against the average expert; those of a Gaussian gate, whose
            log-odds are curved, are slopes at the mean of all rows. A hierarchical gate
            has coefficients at each node on the path to an expert, of its branch against
            the average one: "node 0.1" is reached by the first branch, then the second.
        target : str, int or class, default=None
            The class that a classifier's coefficients speak for (by default the second
            of two), or the number of an output.
        intercept : bool, default=False
            Whether the intercept is shown, as a feature of its own.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : CoefficientsDisplay
            Plotted.

        Raises
        ------
        ValueError
            If experts, or the gate, have no coefficients, or ``target`` has to be given
            and is not.
        """
        check_plotting(cls)
        if part not in ("experts", "gate"):
            raise ValueError(f"part is {part!r}; use 'experts' or 'gate'.")
        mixture = FittedMixture.of(estimator)
        names = mixture.names_within(mixture.check_names(feature_names))
        rows = None if X is None else mixture.rows(X)
        if part == "gate":
            parts, quantity = gate_parts(mixture.model, names, rows)
        else:
            parts, quantity = expert_parts(mixture.model, names, rows, target)
        names, table = _aligned([own.terms(intercept) for own in parts])
        n_experts = len(mixture.names)
        order = _by_difference(names, table[:n_experts])[:max_features]
        display = cls(
            table[:n_experts, order],
            feature_names=[names[j] for j in order],
            expert_names=mixture.names,
            quantity=f"change of {quantity} per "
            f"{'unit' if X is None else 'standard deviation'}",
            shared=table[-1, order] if len(table) > n_experts else None,
            n_hidden=len(names) - len(order),
        )
        return display.plot(ax=ax, **plot_params)

    def plot(self, ax=None, *, colors=None):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure, as high as its features need.
        colors : list of colours of length n_experts, default=None
            By default :func:`~skmoe.inspection.expert_colors`.

        Returns
        -------
        display : CoefficientsDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        n_experts, n_features = self.coefficients.shape
        self.figure_, self.ax_ = axes_of(
            ax, figsize=(6.4, _AROUND + _ROW * max(n_features + (self.n_hidden > 0), 3))
        )
        ax, places = self.ax_, np.arange(n_features)
        self.zero_line_ = ax.axvline(0, color=INK, linewidth=1, zorder=1)
        least = np.nanmin(self.coefficients, axis=0, initial=np.inf)
        most = np.nanmax(self.coefficients, axis=0, initial=-np.inf)
        self.ranges_ = ax.hlines(places, least, most, color=_BAND, linewidth=8, zorder=0)
        self.ranges_.set_capstyle("round")
        # Dots that are alike lie beside each other, not one on the other.
        beside = min(_BESIDE, _BESIDE_ALL / n_experts)
        shifts = beside * (np.arange(n_experts) - (n_experts - 1) / 2)
        series = zip(
            self.coefficients,
            shifts,
            colors or expert_colors(n_experts),
            self.expert_names,
            strict=True,
        )
        self.dots_ = [
            _dots(ax, own, places + shift, name, color=color)
            for own, shift, color, name in series
        ]
        if self.shared is not None:
            self.dots_.append(
                _dots(ax, self.shared, places, "shared", color=INK, marker="D", s=36)
            )
        self._label(places)
        return self

    def _label(self, places):
        ax, names, n_rows = self.ax_, list(self.feature_names), len(places)
        if self.n_hidden:
            names.append(f"... and {self.n_hidden} more")
            n_rows += 1
        ax.set_yticks(np.arange(n_rows), names)
        if self.n_hidden:
            ax.get_yticklabels()[-1].set_color(NEUTRAL)
        ax.set_ylim(n_rows - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(self.quantity)
        if len(self.dots_) > 1:
            _legend(ax, len(self.dots_))


def _dots(ax, values, places, name, **style):
    style = {"s": 64, "zorder": 3, "edgecolors": "white", "linewidths": 0.8, **style}
    return ax.scatter(values, places, label=name, **style)


def _legend(ax, n_entries):
    if n_entries <= _MAX_INSIDE:
        ax.legend(frameon=False)
        return
    ax.legend(
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1, 1),
        borderaxespad=0,
        ncols=-(-n_entries // 16),
        fontsize="small",
    )


def _aligned(terms):
    """Names of all terms, and their values for each expert; NaN where it has none."""
    names = list(dict.fromkeys(name for own in terms for name in own))
    return names, np.array([[own.get(name, np.nan) for name in names] for own in terms])


def _by_difference(names, table):
    """Features in order of their range over experts; of one expert, of their size.

    The intercept comes first, if it is there: it is not in the same units.
    """
    # An expert that does not know a feature does not change with it.
    known = np.nan_to_num(table)
    spread = np.ptp(known, axis=0) if len(table) > 1 else np.abs(known[0])
    is_intercept = np.array([name.startswith(INTERCEPT) for name in names], dtype=bool)
    return np.argsort(np.where(is_intercept, -np.inf, -spread), kind="stable")
