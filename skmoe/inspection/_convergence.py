"""How training went: the objective of every start, iteration by iteration."""

import numpy as np

from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK, NEUTRAL
from skmoe.inspection._fitted import FittedMixture

_STYLES = ("objective", "gap")


class ConvergenceDisplay:
    """The objective against the iterations, of every start.

    The start that was kept is strong, the others are faint. A line ends in a full point
    where the start has converged, and in an open one where it has not. Starts that end
    at different heights are in different local optima: where few of them get as high as
    the best, raise ``n_init``.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    lower_bounds : list of ndarray
        The objective of each start after each of its iterations, per unit of weight.
    best : int
        Number of the start that was kept.
    converged : array-like of bool of shape (n_starts,), default=None
        None: all have.
    validation_scores : ndarray of shape (n_iter,), default=None
        Of the best start, on rows that were held out to stop by.
    step : str, default="iteration"
        What there is a value for: an iteration, an epoch or a batch.
    objective : str, default="objective per row"
        What the values are.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each start.
    ends_ : list of matplotlib Line2D
        The end points of the starts.
    validation_line_ : matplotlib Line2D or None

    See Also
    --------
    skmoe.MixtureOfExpertsRegressor : Whose ``init_results_`` it shows.
    InformationCriteriaDisplay : Whether there are too many experts, or too few.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import ConvergenceDisplay
    >>> X, y = make_moe_regression(n_samples=300, random_state=0)
    >>> model = MixtureOfExpertsRegressor(init="random", n_init=5, random_state=0)
    >>> display = ConvergenceDisplay.from_estimator(model.fit(X, y))
    >>> plt.show()
    """

    def __init__(
        self, lower_bounds, *, best, converged=None, validation_scores=None,
        step="iteration", objective="objective per row",
    ):  # fmt: skip
        self.lower_bounds = lower_bounds
        self.best = best
        self.converged = converged
        self.validation_scores = validation_scores
        self.step = step
        self.objective = objective

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **plot_params):
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted, also by ``partial_fit``: the line is then the log-likelihood of each
            batch before it was learnt from.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : ConvergenceDisplay
            With what was drawn as attributes.
        """
        check_plotting(cls)
        model = FittedMixture.of(estimator).model
        results = model.init_results_
        step, objective = _words(model)
        display = cls(
            results["lower_bounds"],
            best=int(results["lower_bound"].argmax()),
            # A stream never has.
            converged=None if step == "batch" else results["converged"],
            validation_scores=model.validation_scores_,
            step=step,
            objective=objective,
        )
        return display.plot(ax=ax, **plot_params)

    def plot(self, ax=None, *, style="objective", color=INK):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure.
        style : {"objective", "gap"}, default="objective"
            The objective itself, of which first iterations far below the rest are cut
            off; or, on a logarithmic scale, what it is short of the best value of all
            starts. The gap shows how fast the last digits come.
        color : colour, default="#333333"
            Of the best start.

        Returns
        -------
        display : ConvergenceDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        if style not in _STYLES:
            raise ValueError(f"style={style!r} must be one of {_STYLES}.")
        self.figure_, self.ax_ = axes_of(ax)
        self._shown = self._gaps if style == "gap" else np.asarray
        n_starts = len(self.lower_bounds)
        self.lines_, self.ends_ = [None] * n_starts, [None] * n_starts
        for start in range(n_starts):
            self._draw_start(start, color)
        self._draw_validation(color)
        self.ax_.set_xlabel(self.step)
        if style == "gap":
            self.ax_.set(ylabel=f"{self.objective}: short of the best", yscale="log")
        else:
            self.ax_.set(ylabel=self.objective)
            self._cut_off_first_iterations()
        _count_in_integers(self.ax_)
        self._explain()
        return self

    def _gaps(self, values):
        """What values are short of the best; what is not has no place on a log scale."""
        gaps = max(bounds.max() for bounds in self.lower_bounds) - np.asarray(values)
        return np.where(gaps > 0, gaps, np.nan)

    def _draw_start(self, start, color):
        values = self._shown(self.lower_bounds[start])
        is_best = start == self.best
        style = {
            "color": color if is_best else NEUTRAL,
            "alpha": 1.0 if is_best else 0.55,
            "zorder": 3 if is_best else 2,
        }
        (self.lines_[start],) = self.ax_.plot(
            np.arange(1, len(values) + 1),
            values,
            linewidth=2 if is_best else 1.2,
            **style,
        )
        seen = np.flatnonzero(np.isfinite(values))
        last = seen[-1:]
        has_converged = self.converged is None or self.converged[start]
        (self.ends_[start],) = self.ax_.plot(
            last + 1, values[last], "o", markersize=6 if is_best else 4.5,
            markerfacecolor=style["color"] if has_converged else "white", **style,
        )  # fmt: skip

    def _draw_validation(self, color):
        self.validation_line_ = None
        if self.validation_scores is None:
            return
        values = self._shown(self.validation_scores)
        (self.validation_line_,) = self.ax_.plot(
            np.arange(1, len(values) + 1), values, ":", color=color, linewidth=1.2,
            marker=".", markersize=4, zorder=2.5,
        )  # fmt: skip

    def _cut_off_first_iterations(self):
        """Leave out what is far below most iterations, but no start's end."""
        held_out = () if self.validation_scores is None else self.validation_scores
        values = np.concatenate([*self.lower_bounds, held_out])
        values = values[np.isfinite(values)]
        top, middle = values.max(), np.quantile(values, 0.25)
        lowest_end = min(bounds[-1] for bounds in self.lower_bounds)
        bottom = max(values.min(), min(lowest_end, middle - 2 * (top - middle)))
        if top > bottom:
            margin = 0.05 * (top - bottom)
            self.ax_.set_ylim(bottom - margin, top + margin)

    def _explain(self):
        """A legend, where there is more than one line."""
        others = [n for n in range(len(self.lines_)) if n != self.best]
        shown = {"best start" if others else "training": self.lines_[self.best]}
        if others:
            name = "other start" if len(others) == 1 else "other starts"
            shown[f"{len(others)} {name}"] = self.lines_[others[0]]
        if self.validation_line_ is not None:
            shown[f"rows held out, each {self.step}"] = self.validation_line_
        if self.converged is not None and not np.all(self.converged):
            shown["did not converge"] = self.ends_[np.argmin(self.converged)]
        if len(shown) > 1:
            self.ax_.legend(list(shown.values()), list(shown), frameon=False)


def _words(model):
    """What a step of the training was, and what was measured after it."""
    if getattr(model, "_stream_state", None) is not None:
        return "batch", "log-likelihood per row of the next batch"
    step = "epoch" if model.solver == "gradient" else "iteration"
    if model.cross_fitted_ or model.validation_scores_ is not None:
        return step, "held-out log-likelihood per row"
    return step, "objective per row"


def _count_in_integers(ax):
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
