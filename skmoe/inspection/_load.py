"""Who has how many rows, as bars."""

import numpy as np

from skmoe.inspection._axes import axes_of, check_plotting, label_experts
from skmoe.inspection._colors import INK, expert_colors
from skmoe.inspection._fitted import FittedMixture


class ExpertLoadDisplay:
    """Share of the rows of each expert, next to an even share.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    load : ndarray of shape (n_experts,)
        Shares, which add up to one.
    expert_names : list of str of length n_experts
        As they are written below the bars.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What it is drawn on.
    figure_ : matplotlib Figure
        The figure of these.
    bars_ : matplotlib BarContainer
        One bar for each expert.
    even_line_ : matplotlib Line2D
        The even share.

    See Also
    --------
    RoutingDisplay : Which rows they are.
    expert_report : The same in numbers, and more.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import ExpertLoadDisplay
    >>> X, y = make_moe_regression(random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0).fit(X, y)
    >>> display = ExpertLoadDisplay.from_estimator(model)
    >>> plt.show()
    """

    def __init__(self, load, *, expert_names):
        self.load = load
        self.expert_names = expert_names

    @classmethod
    def from_estimator(
        cls, estimator, X=None, y=None, *, exposure=None, trials=None, ax=None,
        **plot_params,
    ):  # fmt: skip
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features), \
                default=None
            Rows whose load is shown: by gate probabilities or, with y, by
            responsibilities. None shows ``expert_load_``, of the training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets of these rows.
        exposure, trials : array-like of shape (n_samples,), default=None
            Sizes of these rows, as in ``fit`` of a regressor.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : ExpertLoadDisplay
            With its artists as attributes.
        """
        check_plotting(cls)
        mixture = FittedMixture.of(estimator)
        sizes = {"exposure": exposure, "trials": trials}
        display = cls(_load(mixture, X, y, sizes), expert_names=mixture.names)
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
        display : ExpertLoadDisplay
            The same, with its artists as attributes.
        """
        check_plotting(type(self))
        self.figure_, self.ax_ = axes_of(ax)
        n_experts = len(self.load)
        places = np.arange(n_experts)
        self.bars_ = self.ax_.bar(
            places, self.load, color=colors or expert_colors(n_experts)
        )
        self.even_line_ = self.ax_.axhline(
            1 / n_experts, color=INK, linestyle="--", linewidth=1, label="even share"
        )
        self.ax_.set(ylabel="share of the rows")
        label_experts(self.ax_, places, self.expert_names)
        self.ax_.legend(frameon=False)
        return self


def _load(mixture, X, y, sizes):
    if X is None:
        return mixture.model.expert_load_
    rows = mixture.rows(X)
    if y is None:
        return mixture.model.predict_gate_proba(rows).mean(axis=0)
    return mixture.model.responsibilities(rows, y, **sizes).mean(axis=0)
