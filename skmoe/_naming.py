"""Errors that name the gate or the expert, and when it failed."""

from contextlib import contextmanager


@contextmanager
def naming(part, iteration=None):
    """Re-raise an error as one of ``part``, with the original chained.

    Parameters
    ----------
    part : str
        Parameter, name and class, such as ``experts: 'tree' (DecisionTreeRegressor)``.
    iteration : int, optional
        Of training.
    """
    try:
        yield
    except Exception as error:
        kind = type(error) if type(error) in (ValueError, TypeError) else RuntimeError
        when = "" if iteration is None else f" in iteration {iteration}"
        raise kind(f"{part} failed{when}: {error}") from error


def naming_expert(name, estimator, iteration=None):
    """:func:`naming` of an expert."""
    return naming(f"experts: {name!r} ({type(estimator).__name__})", iteration)


def naming_gate(gate, iteration=None):
    """:func:`naming` of a gate."""
    return naming(f"gate: {type(gate).__name__}", iteration)
