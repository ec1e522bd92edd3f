"""Errors that name the gate or the expert, and when it failed."""

from contextlib import contextmanager

# What to do about errors that scikit-learn's estimators end in, by what they say.
_REMEDIES = {
    "could not convert string": "Columns of text have to be encoded first, by a "
    "OneHotEncoder",
    "contains NaN": "Missing values have to be filled first, by a SimpleImputer",
}


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
        raise kind(f"{part} failed{when}: {error}{_remedy(error)}") from error


def _remedy(error):
    """What a pipeline can do about it; empty if that is not known."""
    for said, remedy in _REMEDIES.items():
        if said in str(error):
            return (
                f"\n{remedy} in a pipeline: before the mixture, or before this part "
                "alone, where the others take such columns as they are."
            )
    return ""


def naming_expert(name, estimator, iteration=None):
    """:func:`naming` of an expert."""
    return naming(f"experts: {name!r} ({type(estimator).__name__})", iteration)


def naming_gate(gate, iteration=None):
    """:func:`naming` of a gate."""
    return naming(f"gate: {type(gate).__name__}", iteration)
