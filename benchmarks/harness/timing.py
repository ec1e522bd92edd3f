"""Clocks. What is compared runs by turns, so that a slow minute slows all alike."""

import time

import numpy as np


def timed(function):
    """Seconds of one call, and what it returns."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def interleaved(functions, n_repeats, summary=np.median):
    """Seconds of each of several functions, called by turns.

    Parameters
    ----------
    functions : dict of str to callable
    n_repeats : int
    summary : callable
        What is told of the repeats of one.

    Returns
    -------
    seconds : dict of str to float
    """
    for function in functions.values():
        function()
    taken = {name: [] for name in functions}
    for _ in range(n_repeats):
        for name, function in functions.items():
            taken[name].append(timed(function)[0])
    return {name: float(summary(seconds)) for name, seconds in taken.items()}


def first_time(trace, target):
    """When a trace of (seconds, log-likelihood) first reached ``target``; else NaN."""
    return next((at for at, value in trace if value >= target), float("nan"))
