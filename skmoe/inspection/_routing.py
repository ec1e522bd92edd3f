"""Which experts rows are sent to, as a map."""

from numbers import Integral

import numpy as np

from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._bins import bins_of_feature, bins_of_rows
from skmoe.inspection._colors import INK, expert_colors
from skmoe.inspection._columns import Columns
from skmoe.inspection._fitted import FittedMixture

# Where an expert's row of the map begins and how high it is, around its number.
_TOP, _HEIGHT = -0.45, 0.9
_NO_ROWS = "#EEEEEE"
# Names of more experts are not written.
_MAX_NAMES = 30


class RoutingDisplay:
    """Weights with which rows are sent to experts, a line of the map for each expert.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    weights : ndarray of shape (n_experts, n_bins)
        Mean weight of the expert for the rows of a bin. They add up to one over the
        experts; NaN in a bin without rows.
    sent : ndarray of shape (n_experts, n_bins)
        Share of the rows of a bin that are sent to the expert at all, with any weight.
    bins : Bins
        Where the bins are on the axis.
    axis_name : str
        Label of the axis of bins.
    expert_names : list of str of length n_experts
        In the order of the model.
    top_k : int
        Experts that a row is sent to.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    meshes_ : list of matplotlib QuadMesh
        The weights of each expert.
    outlines_ : list of matplotlib collections
        Around the bins whose rows, or most of them, are sent to the expert. None where
        all experts are asked.
    colorbar_ : matplotlib Colorbar

    See Also
    --------
    ExpertLoadDisplay : How many rows each expert has.
    GateDisplay : Gate probabilities along a feature, others being typical.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import RoutingDisplay
    >>> X, y = make_moe_regression(random_state=0)
    >>> model = MixtureOfExpertsRegressor(
    ...     n_experts=4, top_k=2, load_balancing="bias", random_state=0
    ... ).fit(X, y)
    >>> display = RoutingDisplay.from_estimator(model, X, feature=0)
    >>> plt.show()
    """

    def __init__(self, weights, sent, *, bins, axis_name, expert_names, top_k):
        self.weights = weights
        self.sent = sent
        self.bins = bins
        self.axis_name = axis_name
        self.expert_names = expert_names
        self.top_k = top_k

    @classmethod
    def from_estimator(
        cls, estimator, X, *, feature=None, bins=20, ax=None, **plot_params
    ):
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search over these
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that are sent to experts.
        feature : str or int, default=None
            Name or number of the column of X that rows are sorted by. None sorts them by
            their first expert, that of their largest weight, and by their second one.
        bins : int, default=20
            Bins of a feature, of even width. If it has no more values than this, each
            has a bin; of more categories, the most frequent.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : RoutingDisplay
            Plotted.

        Raises
        ------
        ValueError
            If ``feature`` is no column of X, or ``bins`` no number above one.
        """
        check_plotting(cls)
        if not isinstance(bins, Integral) or bins < 2:
            raise ValueError(f"bins is {bins!r}; pass an integer of 2 or more.")
        mixture = FittedMixture.of(estimator)
        weights = mixture.model.predict_gate_proba(mixture.rows(X))
        if feature is None:
            bins, name = bins_of_rows(weights), "rows, in the order of their first expert"
        else:
            X = X if hasattr(X, "shape") else np.asarray(X)
            columns = Columns(X, mixture.feature_names(X))
            j = columns.number_of(feature)
            bins, name = bins_of_feature(columns.values(j), bins), columns.names[j]
        display = cls(
            bins.averages(weights),
            bins.averages(weights > 0),
            bins=bins,
            axis_name=name,
            expert_names=mixture.names,
            top_k=mixture.model.top_k_,
        )
        return display.plot(ax=ax, **plot_params)

    def plot(self, ax=None, *, colors=None):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure, as high as its experts need.
        colors : list of colours of length n_experts, default=None
            By default :func:`~skmoe.inspection.expert_colors`. The darker, the larger is
            the weight.

        Returns
        -------
        display : RoutingDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        n_experts = len(self.weights)
        colors = colors or expert_colors(n_experts)
        height = min(1.6 + 0.4 * max(n_experts, 3), 9)
        self.figure_, self.ax_ = axes_of(ax, figsize=(6.4, height))
        self.meshes_ = [
            self.ax_.pcolormesh(
                self.bins.edges,
                [k + _TOP, k + _TOP + _HEIGHT],
                self.weights[[k]],
                cmap=_shades(colors[k]),
                vmin=0,
                vmax=1,
            )
            for k in range(n_experts)
        ]
        self.outlines_ = self._outlines() if self.top_k < n_experts else None
        self._label()
        return self

    def _outlines(self):
        """What most rows of a bin are sent to, with a line around it."""
        outlines = []
        for k, share in enumerate(self.sent):
            ends = np.flatnonzero(np.diff(np.r_[0, share >= 0.5, 0]))
            starts, ends = self.bins.edges[ends[::2]], self.bins.edges[ends[1::2]]
            spans = list(zip(starts, ends - starts, strict=True))
            outlines.append(
                self.ax_.broken_barh(
                    spans, (k + _TOP, _HEIGHT), facecolors="none", edgecolors=INK
                )
            )
        outlines[0].set_label(
            f"where most rows are sent, each to {self.top_k} of {len(self.sent)} experts"
        )
        return outlines

    def _label(self):
        from matplotlib.cm import ScalarMappable

        ax, n_experts = self.ax_, len(self.weights)
        ax.set_ylim(n_experts - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.spines[["left", "bottom"]].set_visible(False)
        ax.set_xlabel(self.axis_name)
        if n_experts <= _MAX_NAMES:
            ax.set_yticks(range(n_experts), self.expert_names)
        else:
            ax.set_ylabel("expert")
        self._label_bins()
        label = "mean weight" if self.outlines_ else "mean gate probability"
        scale = ScalarMappable(cmap=_shades(INK))
        scale.set_clim(0, 1)
        self.colorbar_ = self.figure_.colorbar(scale, ax=ax, label=label)
        self.colorbar_.outline.set_visible(False)
        if self.outlines_:
            ax.legend(
                frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0
            )

    def _label_bins(self):
        ax, ticks = self.ax_, self.bins.ticks
        if not self.bins.is_numeric:
            is_tight = sum(map(len, ticks.values())) > 50
            ax.set_xticks(list(ticks), list(ticks.values()))
            if is_tight:
                ax.tick_params(axis="x", rotation=90)
        elif ticks:
            first, last = self.bins.edges[0], self.bins.edges[-2]
            places = [t for t in ax.get_xticks() if first <= t <= last]
            names = [f"{place:g}" for place in places]
            ax.axvline(last, color="white", linewidth=4)
            ax.set_xticks([*places, *ticks], [*names, *ticks.values()])
        ax.set_xlim(self.bins.edges[0], self.bins.edges[-1])


def _shades(color):
    """From white to a colour; grey where there is nothing."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("shades", ["white", color])
    return shades.with_extremes(bad=_NO_ROWS)
