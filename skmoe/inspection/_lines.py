"""Lines of a report: equations of a few terms, and pieces that are wrapped."""

from dataclasses import dataclass

import numpy as np

_WIDTH = 100
# Numbers beyond it are told in powers of ten.
_LARGE = 1e9
# What is smaller than this share of an equation's largest number is rounding.
_ROUNDING = 1e-12


@dataclass
class Style:
    """How much is told, and how precisely.

    Parameters
    ----------
    max_features : int or None
        Terms of an equation; None for all.
    decimals : int
    """

    max_features: int | None
    decimals: int

    def number(self, value, sign="-"):
        """A number with ``decimals`` digits, also where it is tiny or huge."""
        plain = value == 0 or 0.5 * 10.0**-self.decimals <= abs(value) < _LARGE
        kind = "f" if plain else "e"
        return f"{value:{sign}.{self.decimals}{kind}}"

    def equation(self, coef, intercept, names):
        """The pieces of a linear equation, the largest coefficients first.

        Parameters
        ----------
        coef : ndarray of shape (n_features,)
        intercept : float
        names : list of str

        Returns
        -------
        pieces : list of str
        """
        values = np.append(coef, intercept).astype(float)
        values[np.abs(values) <= _ROUNDING * np.abs(values).max()] = 0.0
        coef, intercept = values[:-1], values[-1]
        order = np.argsort(-np.abs(coef), kind="stable")[: np.count_nonzero(coef)]
        told = order[: self.max_features]
        pieces = [f"{self.number(coef[j], '+')} * {names[j]}" for j in told]
        if len(told) < len(order):
            pieces.append(f"... and {len(order) - len(told)} more")
        return [*pieces, f"(intercept {self.number(intercept)})"]


def numbered(n_features):
    """Names of features that have none."""
    return [f"x{j}" for j in range(n_features)]


def names_after(pipeline, names):
    """Names of what the steps before a pipeline's last one make of features.

    Parameters
    ----------
    pipeline : Pipeline
    names : list of str

    Returns
    -------
    names : list of str or None
        None where a step does not tell.
    """
    if len(pipeline.steps) == 1:
        return names
    return names_out(pipeline[:-1], names)


def names_out(transformer, names):
    """Names of what a transformer makes of features; None where it does not tell."""
    # One that knows names of its own refuses others.
    for given in (names, None):
        try:
            return [str(name) for name in transformer.get_feature_names_out(given)]
        except (AttributeError, ValueError):
            continue
    return None


def kind(estimator):
    """The class of an estimator; of a pipeline those of its steps."""
    if hasattr(estimator, "steps"):
        return " > ".join(kind(step) for _, step in estimator.steps)
    # Steps that do nothing are strings.
    return estimator if isinstance(estimator, str) else type(estimator).__name__


def wrapped(pieces, first, taken=0):
    """Pieces after the text ``first``, in lines of at most a hundred characters.

    ``taken`` characters of each line are needed for what is put before it.
    """
    line, lines = first, []
    for piece in pieces:
        gap = " " if line == first else "  "
        if len(line) + len(gap) + len(piece) > _WIDTH - taken and line != first:
            lines.append(line)
            line, gap = " " * (len(first) - len(first.lstrip()) + 4), ""
        line += gap + piece
    return [*lines, line]
