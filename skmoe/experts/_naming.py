"""Errors that name the expert."""

from contextlib import contextmanager


@contextmanager
def naming(name, estimator, iteration=None):
    """Re-raise an expert's error under its name, with the original chained."""
    try:
        yield
    except Exception as error:
        kind = type(error) if type(error) in (ValueError, TypeError) else RuntimeError
        when = "" if iteration is None else f" in iteration {iteration}"
        raise kind(
            f"experts: {name!r} ({type(estimator).__name__}) failed{when}: {error}"
        ) from error
