"""How small the variance of an expert's errors may become.

The likelihood of a mixture is unbounded where an expert runs through its rows exactly,
so there is a floor: a part of the target's own variance, and, for a target that was
rounded, what rounding alone leaves.
"""

import numpy as np

# The standard deviation of an expert that runs through its rows exactly ends at a
# thousandth of the target's, or, for a constant target, at rounding.
RELATIVE_FLOOR = 1e-6
_ROUNDING = 1e-14
# Values closer than this, relative to their range, are one value.
_SAME = 1e-9
# Of a step, by which a value may be off its grid: ten times what float32 leaves of a
# thousand steps.
_OFF_GRID = 1e-3
# Rows for each distinct value of a target that is taken to be rounded.
_REPEATS = 20
# Rows among which a continuous target shows neighbours too close for a grid to matter.
_GLANCE = 1000


def smallest_variance(y, weights, floor="auto"):
    """Smallest variance of an expert's errors.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    weights : ndarray of shape (n_samples,)
        A weight of two is a row twice.
    floor : "auto" or float, default="auto"
        A standard deviation, in units of y. "auto" is a thousandth of that of y or, if
        larger, the one of rounding to the grid of y, where y has one.

    Returns
    -------
    floor : ndarray of shape () or (n_outputs,)
        In squared units of y.
    """
    mean, variance = moments(y, weights)
    if not isinstance(floor, str):
        return np.maximum(_of_rounding(mean), float(floor) ** 2)
    relative = relative_variance(mean, variance)
    columns = y.reshape(len(y), -1).T
    steps = [
        grid_step(column, weights, at_least=np.sqrt(12 * least))
        for column, least in zip(columns, np.reshape(relative, -1), strict=True)
    ]
    return _above_grid(relative, variance, steps)


def _of_rounding(mean):
    return (_ROUNDING * (1.0 + np.abs(mean))) ** 2


def relative_variance(mean, variance):
    """The floor of a target that lies on no grid."""
    return RELATIVE_FLOOR * variance + _of_rounding(mean)


def _above_grid(relative, variance, steps):
    # Of two values, one may be so rare that y varies less than rounding would.
    of_grid = np.minimum(np.reshape(steps, np.shape(variance)) ** 2 / 12, variance)
    return np.maximum(relative, of_grid)


class FloorOfBlocks:
    """:func:`smallest_variance` where the rows are in several places.

    Parameters
    ----------
    floor : "auto" or float
    whole : TargetStatistics
        Of all rows.
    """

    def __init__(self, floor, whole):
        self.floor, self.whole = floor, whole
        relative = relative_variance(whole.mean, whole.scale**2)
        self.at_least = np.sqrt(12 * np.reshape(relative, -1))
        self.same = _SAME * np.reshape(whole.largest - whole.smallest, -1)

    def part(self, y, weights):
        """Distinct values of each output in some rows; None for one without a grid."""
        if not isinstance(self.floor, str):
            return [None] * len(self.same)
        return self._distinct([y] if y.ndim == 1 else y.T)

    def merged(self, first, second):
        """The same of two parts together."""
        pairs = zip(first, second, strict=True)
        return self._distinct(
            [None if a is None or b is None else np.append(a, b) for a, b in pairs]
        )

    def _distinct(self, columns):
        limits = zip(columns, self.at_least, self.same, strict=True)
        return [None if c is None else _distinct(c, least, s) for c, least, s in limits]

    def result(self, values):
        """The floor, and the variance of an expert that knows nothing."""
        whole = self.whole
        variance = whole.scale**2
        if not isinstance(self.floor, str):
            return np.maximum(_of_rounding(whole.mean), float(self.floor) ** 2), variance
        steps = [
            0.0 if of_one is None else _step(of_one, whole.total, same)
            for of_one, same in zip(values, self.same, strict=True)
        ]
        relative = relative_variance(whole.mean, variance)
        return _above_grid(relative, variance, steps), variance


def check_floor(floor):
    """Raise where ``floor`` is neither "auto" nor a standard deviation."""
    is_auto = isinstance(floor, str) and floor == "auto"
    is_number = isinstance(floor, (int, float, np.number)) and not isinstance(floor, bool)
    if not (is_auto or (is_number and 0 <= floor < np.inf)):
        raise ValueError(
            f"floor={floor!r} of the likelihood must be 'auto' or a number from 0 on, "
            "the smallest standard deviation of an expert in units of y."
        )


def moments(y, weights):
    """Mean and variance of the target."""
    mean = weights @ y / weights.sum()
    return mean, weights @ (y - mean) ** 2 / weights.sum()


def grid_step(y, weights, at_least=0.0):
    """Step of the grid that ``y`` lies on; zero where it lies on none.

    A target was rounded if all its distinct values lie whole steps apart, the step being
    the smallest distance between two, and there are far fewer of them than rows. So
    neither a continuous target nor one with spikes has a grid, nor do two rows or three.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)
        A weight of two is a row twice.
    at_least : float
        A smaller step need not be found.

    Returns
    -------
    step : float
    """
    y = y[weights > 0]
    same = _SAME * np.ptp(y)
    values = _distinct(y, at_least, same)
    return 0.0 if values is None else _step(values, weights.sum(), same)


def _gaps(values, same):
    gaps = np.diff(values)
    return gaps[gaps > same]


def _distinct(y, at_least, same):
    """The distinct values, or None where two are too close for a grid to matter."""
    # A part of the rows has no neighbours closer than all rows have.
    for rows in (y[:_GLANCE], y):
        values = np.unique(rows)
        if _gaps(values, same).min(initial=np.inf) < at_least:
            return None
    return values


def _step(values, total, same):
    """Step of the grid of all distinct values, of rows of the weight ``total``."""
    gaps = _gaps(values, same)
    if not gaps.size or _REPEATS * (gaps.size + 1) > total:
        return 0.0
    numbers = np.append(0.0, np.cumsum(np.rint(gaps / gaps.min())))
    step = (values[-1] - values[0]) / numbers[-1]
    offsets = (values - values[0]) / step
    off_grid = np.abs(offsets - np.rint(offsets)).max()
    return float(step) if off_grid <= _OFF_GRID else 0.0
