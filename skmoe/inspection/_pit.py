"""Whether the predictive density is calibrated: probability integral transforms."""

import numpy as np

from skmoe._validation import check_regression_target
from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK, NEUTRAL
from skmoe.inspection._fitted import FittedMixture

_STYLES = ("histogram", "curve")
# Of bars: within the band, and beyond it.
_WITHIN, _BEYOND = "#A9B4C2", "#4A5568"
# Of a height, which is a sum of shares.
_ROUNDING = 1e-9
# Places at which a curve is drawn.
_N_PLACES = 401


class PITDisplay:
    r"""Probability integral transforms of the rows, next to what chance allows.

    The transform of a row is :math:`F(y \mid x)`: the probability that the predictive
    density gave to values up to the one that was observed. Where the density is right,
    transforms are uniform, :eq:`eq-pit`. Ask about rows that were not fitted.

    How to read the histogram: bars that end within the band are what chance allows, the
    others are dark; of twenty, one may be. High at both ends: the density is too narrow.
    High in the middle: too wide. Falling or rising: predictions are too high, or too low.

    The curve is the share of transforms up to each value, less that value. Above zero on
    the left and below on the right: the density is too narrow; the other way round: too
    wide. Above zero throughout: predictions are too high; below: too low.

    Counts have no uniform transforms. Each is spread evenly between F(y - 1) and F(y),
    without any draws [1]_. Bands are then somewhat too wide.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    upper : ndarray of shape (n_samples,)
        F(y) of each row.
    lower : ndarray of shape (n_samples,), default=None
        F(y - 1) of each row, for counts. None where y is continuous.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer or None
        With ``style="histogram"``.
    line_ : matplotlib Line2D or None
        With ``style="curve"``.
    band_ : matplotlib PolyCollection
        What chance allows.
    legend_ : matplotlib Legend
    uniform_line_ : matplotlib Line2D
        What a calibrated density has on average.

    See Also
    --------
    skmoe.metrics.pit_values : The numbers.
    skmoe.metrics.coverage : How often intervals hold.
    DensityFanDisplay : The density itself.

    References
    ----------
    .. [1] C. Czado, T. Gneiting and L. Held (2009). Predictive model assessment for count
       data. Biometrics 65, 1254-1261.
    .. [2] P. Massart (1990). The tight constant in the Dvoretzky-Kiefer-Wolfowitz
       inequality. Annals of Probability 18, 1269-1283.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.model_selection import train_test_split
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import PITDisplay
    >>> X, y = make_moe_regression(random_state=0)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0).fit(X_train, y_train)
    >>> display = PITDisplay.from_estimator(model, X_test, y_test)
    >>> plt.show()
    """

    def __init__(self, upper, lower=None):
        self.upper = upper
        self.lower = lower

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, bins=20, style="histogram", target=None, exposure=None,
        trials=None, ax=None, **plot_params,
    ):  # fmt: skip
        """Make the display of a fitted mixture, and plot it.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search
            Fitted; for regression.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that were not fitted, best.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets, in units of the fitted ones.
        bins : int, default=20
            Bars of the histogram.
        style : {"histogram", "curve"}, default="histogram"
            As for :meth:`plot`.
        target : int, default=None
            Number of the output, where there are several.
        exposure, trials : array-like of shape (n_samples,), default=None
            Sizes of the rows, as in ``fit``; 1 by default.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : PITDisplay
            With what was drawn as attributes.

        Raises
        ------
        TypeError
            If the mixture is a classifier.
        ValueError
            If y has missing values, or another shape than the predictions.
        """
        check_plotting(cls)
        mixture = FittedMixture.of(estimator)
        if not hasattr(mixture.model, "predict_distribution"):
            raise TypeError(
                f"estimator: {type(mixture.model).__name__} predicts classes, which have "
                "no transforms; see sklearn.calibration.CalibrationDisplay for "
                "probabilities of classes."
            )
        density = mixture.model.predict_distribution(
            mixture.rows(X), exposure=exposure, trials=trials
        )
        density, y = _of_one_output(density, check_regression_target(y), target)
        is_discrete = getattr(density.likelihood, "is_discrete", False)
        display = cls(density.cdf(y), density.cdf(y - 1) if is_discrete else None)
        return display.plot(ax=ax, bins=bins, style=style, **plot_params)

    def plot(self, ax=None, *, bins=20, style="histogram", confidence=0.95, color=INK):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure.
        bins : int, default=20
            Bars of the histogram.
        style : {"histogram", "curve"}, default="histogram"
            The density of the transforms, or the share of transforms up to each value,
            less that value.
        confidence : float, default=0.95
            Of the band. A single bar of a calibrated density is within it with at least
            this probability (the number of rows in a bar is binomial); a whole curve is
            (by the Dvoretzky-Kiefer-Wolfowitz inequality).
        color : colour, default="#333333"
            Of the line of the curve.

        Returns
        -------
        display : PITDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        if style not in _STYLES:
            raise ValueError(f"style={style!r} must be one of {_STYLES}.")
        self.figure_, self.ax_ = axes_of(ax)
        self.bars_ = self.line_ = None
        if style == "histogram":
            self._draw_histogram(bins, confidence)
        else:
            self._draw_curve(confidence, color)
        self.ax_.set(xlim=(0.0, 1.0), xlabel="probability integral transform F(y)")
        return self

    def _draw_histogram(self, bins, confidence):
        from scipy.stats import binom

        n_samples, edges = len(self.upper), np.linspace(0.0, 1.0, bins + 1)
        # What is exactly zero is in the first bar.
        heights = bins * np.diff(self._share_up_to(edges[1:]), prepend=0.0)
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        low, high = binom.ppf(tails, n_samples, 1 / bins) * bins / n_samples
        is_within = (heights >= low - _ROUNDING) & (heights <= high + _ROUNDING)
        self.bars_ = self.ax_.bar(
            edges[:-1], heights, 1 / bins, align="edge", edgecolor="white",
            color=np.where(is_within, _WITHIN, _BEYOND), linewidth=0.8, zorder=2,
        )  # fmt: skip
        self._draw_band(low, high, 1.0, confidence)
        self.ax_.set(ylabel="density of the rows")
        # The legend is above all bars.
        self.ax_.set_ylim(0.0, 1.35 * max(high, heights.max()))
        self._draw_legend()

    def _draw_curve(self, confidence, color):
        places = np.linspace(0.0, 1.0, _N_PLACES)
        excess = self._share_up_to(places) - places
        (self.line_,) = self.ax_.plot(places, excess, color=color, linewidth=1.8)
        reach = np.sqrt(np.log(2 / (1 - confidence)) / (2 * len(self.upper)))
        self._draw_band(-reach, reach, 0.0, confidence)
        self.ax_.set(ylabel="share of rows up to F(y), less F(y)")
        top = 1.6 * max(reach, np.abs(excess).max())
        self.ax_.set_ylim(-top, top)
        self._draw_legend()

    def _draw_legend(self):
        self.legend_ = self.ax_.legend(
            frameon=False, loc="upper left", fontsize="small", borderaxespad=0.2
        )
        # One wider than its axes would leave no room for these in a constrained layout.
        self.legend_.set_in_layout(False)

    def _draw_band(self, low, high, uniform, confidence):
        self.uniform_line_ = self.ax_.axhline(
            uniform, color=INK, linestyle="--", linewidth=1, zorder=3, label="calibrated"
        )
        self.band_ = self.ax_.fill_between(
            [0.0, 1.0], low, high, color=NEUTRAL, alpha=0.25, linewidth=0, zorder=1,
            label=f"{confidence:.0%} of what chance allows",
        )  # fmt: skip

    def _share_up_to(self, places):
        """Share of transforms up to each place; of counts, of the part that is."""
        if self.lower is None:
            ordered = np.sort(self.upper)
            return np.searchsorted(ordered, places, side="right") / len(ordered)
        widths = self.upper - self.lower
        is_jump = widths <= 0  # a count that was certain, or impossible
        widths = np.where(is_jump, 1.0, widths)
        parts = (
            np.where(
                is_jump,
                self.upper <= place,
                np.clip((place - self.lower) / widths, 0.0, 1.0),
            )
            for place in places
        )
        return np.array([part.mean() for part in parts])


def _of_one_output(density, y, target):
    """Density and y of the output that is the target."""
    n_outputs = density.prediction.shape[2] if density.prediction.ndim == 3 else 1
    y = y.reshape(len(y), -1)
    if y.shape != (len(density), n_outputs):
        raise ValueError(
            f"y has {len(y)} rows and {y.shape[1]} columns; the density is one of "
            f"{len(density)} rows and {n_outputs} columns."
        )
    if target is None and n_outputs > 1:
        raise ValueError(
            f"target: y has {n_outputs} outputs; say which, by a number from 0 to "
            f"{n_outputs - 1}."
        )
    output = 0 if target is None else target
    if output not in range(n_outputs):
        raise ValueError(
            f"target={target!r} is no output; use a number from 0 to {n_outputs - 1}."
        )
    return density.marginal(output), y[:, output]
