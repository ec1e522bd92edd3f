"""Targets of rows in blocks: numbers, or labels."""

import numpy as np

from skmoe._validation import check_labels, check_regression_target
from skmoe.training import LabelsCensus, NumbersCensus, TargetStatistics


class NumberTarget:
    """Numbers, of one output or several.

    Parameters
    ----------
    likelihood : likelihood
    y_shape : tuple
        Shape of a row of y.
    """

    def __init__(self, likelihood, y_shape):
        self.likelihood, self.y_shape = likelihood, y_shape

    def read(self, y):
        """Y as the likelihood takes it."""
        return np.asarray(y, dtype=np.float64)

    def check(self, y):
        """Raise where y cannot be fitted."""
        if y.shape[1:] != self.y_shape:
            raise ValueError(
                f"y has {y.shape[1:]} outputs, and {self.y_shape} in the first block."
            )
        if not len(y):
            return
        check_regression_target(y)
        if hasattr(self.likelihood, "check_target"):
            self.likelihood.check_target(y)

    def census(self, y, weights):
        """What the target tells before training."""
        return NumbersCensus.of(y, weights)

    def known(self, census):
        """The same when the census of all rows is known."""
        return self

    def columns(self, y):
        """Columns that describe the target."""
        return y[:, None] if y.ndim == 1 else y

    def decoded(self, y):
        """The user's own y."""
        return y

    def stand_in(self, n_samples):
        """A target without content."""
        return np.ones((n_samples, *self.y_shape))

    @property
    def learned(self):
        """What the model is to remember."""
        return {"_n_outputs": self.y_shape[0] if self.y_shape else None}

    def statistics(self, census, blocks):
        """Of the target of all rows."""
        moments, shape = census.target.moments, self.y_shape
        known = (
            moments.mean,
            moments.scale,
            census.target.smallest,
            census.target.largest,
        )
        known = [np.reshape(values, shape)[()] for values in known]
        whole = TargetStatistics(moments.mass, *known)
        if hasattr(self.likelihood, "floor_of_blocks"):
            floor = self.likelihood.floor_of_blocks(whole)
            parts = blocks.merge(_FloorPart(floor), floor.merged)
            whole.floor, whole.spread = floor.result(parts)
        return whole


class _FloorPart:
    """What a block says of the floor."""

    def __init__(self, floor):
        self.floor = floor

    def __call__(self, block):
        return self.floor.part(block.target, block.weights)


class LabelTarget:
    """Labels; once ``classes`` are known, their numbers."""

    def __init__(self, y_shape, classes=None):
        self.y_shape, self.classes = y_shape, classes

    def read(self, y):
        """Labels, or the numbers of the classes."""
        y = check_labels(y) if len(y) else np.asarray(y).reshape(-1)
        return y if self.classes is None else np.searchsorted(self.classes, y)

    def check(self, y):
        """Nothing that ``read`` has not done."""

    def census(self, y, weights):
        """What the target tells before training."""
        return LabelsCensus.of(y, weights)

    def known(self, census):
        """The same when the classes of all rows are known."""
        classes = census.target.classes
        if len(classes) == 1:
            raise ValueError(
                f"y: all rows with weight are of the class {str(classes[0])!r}; a fit to "
                "rows in blocks needs two classes or more."
            )
        return LabelTarget(self.y_shape, classes)

    def columns(self, codes):
        """Indicators of the classes."""
        return np.eye(len(self.classes))[codes]

    def decoded(self, codes):
        """The user's own y."""
        return self.classes[codes]

    def stand_in(self, n_samples):
        """A target without content, of more classes than one if there are."""
        n_classes = 2 if self.classes is None else len(self.classes)
        return np.arange(n_samples) % n_classes

    @property
    def learned(self):
        """What the model is to remember."""
        classes = np.arange(2) if self.classes is None else self.classes
        return {"classes_": classes}

    def statistics(self, census, blocks):
        """None: numbers of classes have no units."""
