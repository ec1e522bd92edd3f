"""Checks that likelihoods share."""

import numpy as np


def check_one_output(y, likelihood):
    """Raise where y has several columns."""
    if y.ndim == 2:
        raise ValueError(
            f"y has shape {y.shape}; likelihood={likelihood!r} takes a target of shape "
            "(n_samples,): fit one model for each output."
        )


def check_rows(y, valid, likelihood, rule):
    """Raise where y has several columns, or a row that is not ``valid``."""
    check_one_output(y, likelihood)
    if not valid.all():
        row = int(np.argmin(valid))
        raise ValueError(
            f"y: likelihood={likelihood!r} needs {rule}; row {row} holds {y[row]:g}."
        )


def check_positive(prediction, likelihood, remedy):
    """Raise where an expert's prediction is negative; zero may be an underflow."""
    if (prediction < 0).any():
        place = tuple(np.argwhere(prediction < 0)[0])
        raise ValueError(
            f"experts: likelihood={likelihood!r} needs positive predictions, and one is "
            f"{prediction[place]:.3g} (first in row {place[0]}); use {remedy} as experts."
        )
