"""How well experts are told apart: a rootogram of each one's responsibilities."""

import numpy as np

from skmoe.inspection._axes import check_plotting, divided
from skmoe.inspection._colors import INK, NEUTRAL, expert_colors
from skmoe.inspection._fitted import FittedMixture


class ResponsibilitiesDisplay:
    """Rootograms: how often each expert has which responsibility.

    One panel for each expert, with the histogram of its responsibilities,
    :eq:`eq-responsibility`, on a square-root scale, which shows small counts next to
    large ones [1]_. Rows for which an expert has next to none (no more than ``eps``) are
    left out: they would be all that is seen.

    How to read it: a peak at one, and nothing else, is an expert that is well separated
    from the others. Rows in the middle are shared with another expert, and ``mark`` shows
    with which. An expert without a peak at one has no rows of its own. The numbers count
    the rows for which the expert has the largest responsibility, of those that are
    shown; the nearer the two are, the better separated it is.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    responsibilities : ndarray of shape (n_samples, n_experts)
        Rows add up to one.
    expert_names : list of str of length n_experts
        What the panels are called.

    Attributes
    ----------
    bounding_ax_ : matplotlib Axes or None
        What was divided into panels; None where a new figure was made.
    ax_ : ndarray of matplotlib Axes, of shape (n_experts,)
        The panels.
    figure_ : matplotlib Figure
    bars_ : list of matplotlib BarContainer
        One for each panel.
    marked_bars_ : list of matplotlib BarContainer, or None
        Those of the rows of the expert that is marked.

    See Also
    --------
    ExpertLoadDisplay : How many rows each expert has.
    InformationCriteriaDisplay : Its ICL asks for experts that are well separated.

    References
    ----------
    .. [1] F. Leisch (2004). FlexMix: a general framework for finite mixture models and
       latent class regression in R. Journal of Statistical Software 11(8), 1-18.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import ResponsibilitiesDisplay
    >>> X, y = make_moe_regression(n_samples=300, random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0).fit(X, y)
    >>> display = ResponsibilitiesDisplay.from_estimator(model, X, y)
    >>> plt.show()
    """

    def __init__(self, responsibilities, *, expert_names):
        self.responsibilities = responsibilities
        self.expert_names = expert_names

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, bins=20, exposure=None, trials=None, ax=None,
        **plot_params,
    ):  # fmt: skip
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows whose responsibilities are shown.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        bins : int, default=20
            Bars of a panel.
        exposure, trials : array-like of shape (n_samples,), default=None
            Sizes of the rows, as in ``fit``; 1 by default.
        ax : matplotlib Axes, default=None
            Is divided into panels. By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : ResponsibilitiesDisplay
            With what was drawn as attributes.
        """
        check_plotting(cls)
        mixture = FittedMixture.of(estimator)
        responsibilities = mixture.model.responsibilities(
            mixture.rows(X), y, exposure=exposure, trials=trials
        )
        display = cls(responsibilities, expert_names=mixture.names)
        return display.plot(ax=ax, bins=bins, **plot_params)

    def plot(self, ax=None, *, bins=20, eps=1e-4, mark=None, colors=None):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Is divided into panels. By default, a new figure.
        bins : int, default=20
            Bars of a panel.
        eps : float, default=1e-4
            Responsibilities up to it are left out.
        mark : int or str, default=None
            Number or name of an expert. The rows for which it has the largest
            responsibility are shown in its colour in all panels: those that lie away from
            zero in another expert's panel are shared with that expert.
        colors : list of colours of length n_experts, default=None
            By default :func:`~skmoe.inspection.expert_colors`.

        Returns
        -------
        display : ResponsibilitiesDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        n_experts = self.responsibilities.shape[1]
        colors = colors or expert_colors(n_experts)
        marked = None if mark is None else self._number(mark)
        self.bounding_ax_ = ax
        self.figure_, self.ax_ = divided(ax, n_experts)
        main = self.responsibilities.argmax(axis=1)
        self.bars_ = []
        self.marked_bars_ = None if marked is None else []
        for k, panel in enumerate(self.ax_):
            shares = self.responsibilities[:, k]
            is_shown = shares > eps
            color = colors[k] if marked is None else NEUTRAL
            self.bars_.append(_histogram(panel, shares[is_shown], bins, color))
            if marked is not None:
                of_marked = shares[is_shown & (main == marked)]
                self.marked_bars_.append(
                    _histogram(panel, of_marked, bins, colors[marked])
                )
            _title(panel, self.expert_names[k], colors[k], main == k, is_shown)
        _share_scales(self.ax_)
        return self

    def _number(self, mark):
        """The number of the expert that is marked."""
        names = list(self.expert_names)
        if mark in names:
            return names.index(mark)
        if mark in range(len(names)):
            return int(mark)
        raise ValueError(
            f"mark={mark!r} is no expert; use one of {names}, or a number from 0 to "
            f"{len(names) - 1}."
        )


def _histogram(panel, shares, bins, color):
    counts, edges = np.histogram(shares, bins=bins, range=(0.0, 1.0))
    return panel.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=color,
        edgecolor="white", linewidth=0.5,
    )  # fmt: skip


def _title(panel, name, color, is_main, is_shown):
    panel.set_title(name, color=color, fontsize="medium", fontweight="bold")
    n_main, n_shown = np.sum(is_main & is_shown), np.sum(is_shown)
    panel.text(
        0.5, 0.98, f"{n_main} of {n_shown}" if n_shown else "no rows", color=INK,
        fontsize="small", ha="center", va="top", transform=panel.transAxes,
    )  # fmt: skip


def _share_scales(panels):
    """The same square-root scale of counts in all panels, labelled at the outer ones."""
    top = 1.2 * max(panel.get_ylim()[1] for panel in panels)
    for panel in panels:
        panel.set_yscale("function", functions=(_root, np.square))
        panel.set(xlim=(0.0, 1.0), ylim=(0.0, top), xticks=[0.0, 0.5, 1.0])
        panel.set_xticklabels(["0", "0.5", "1"])
        if panel.get_subplotspec().is_first_col():
            panel.set_ylabel("rows (root scale)")
        else:
            panel.tick_params(labelleft=False)
        if panel.get_subplotspec().is_last_row():
            panel.set_xlabel("responsibility")


def _root(counts):
    return np.sqrt(np.maximum(counts, 0.0))
