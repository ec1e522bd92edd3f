"""Targets of rows of different sizes: how long, or how often, each was observed.

While a model is trained, the target of a likelihood that knows sizes may have a second
column: the exposure of a count, or the number of trials.
"""

import numpy as np


def with_sizes(y, sizes):
    """The target of rows with sizes, of shape (n_samples, 2)."""
    return np.column_stack([y, sizes])


def sizes_of(y):
    """The target by itself, and the sizes of its rows or None.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, 2)

    Returns
    -------
    y : ndarray of shape (n_samples,)
    sizes : ndarray of shape (n_samples, 1) or None
        Beside the predictions of the experts.
    """
    if y.ndim == 1:
        return y, None
    return y[:, 0], y[:, 1:]


def exposed(y, prediction):
    """The target by itself, and the means that rates make of its rows' exposures.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, 2)
    prediction : ndarray of shape (n_samples, n_experts)
        Per unit of exposure.
    """
    y, sizes = sizes_of(y)
    return y, prediction if sizes is None else prediction * sizes


class ExposureMixin:
    """A likelihood whose mean is in proportion to the exposure of a row."""

    #: The keyword of ``fit`` and ``predict`` that takes the sizes.
    size_name = "exposure"

    def sized(self, prediction, dispersion, sizes):
        """Predictions and dispersions of rows of these sizes.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples, n_experts)
            Per unit of exposure.
        dispersion : ndarray or None
            As it is.
        sizes : ndarray of shape (n_samples,)
            Exposures.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_experts)
            Means.
        dispersion : ndarray or None
            The same.
        """
        return prediction * sizes[:, None], dispersion

    def expert_target(self, y):
        """What experts are fitted to, and what multiplies their weights.

        The likelihood of a count, given its exposure, has the gradient of its rate's, as
        many times as the exposure.

        Parameters
        ----------
        y : ndarray of shape (n_samples, 2)
            Targets and exposures.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Per unit of exposure.
        factor : ndarray of shape (n_samples,)
            Exposures.
        """
        return y[:, 0] / y[:, 1], y[:, 1]
