"""Training: how gate and experts learn.

``_start``      responsibilities to start from (``_short_runs``: many at once)
``_em``         the loop of E- and M-steps, soft and hard; ``_anderson`` speeds it up
``_stochastic`` the loop in which rows are drawn
``_revival``    experts that lost their rows
``_parts``      gate, experts and dispersions, and one step of each
``_rows``       orders and draws of rows that depend on their content alone
``_fit``        several starts

Training knows the protocols of gates, experts and likelihoods, not their kinds.
"""

from skmoe.training._em import Result, evaluate
from skmoe.training._fit import E_STEPS, continue_fit, fit_starts
from skmoe.training._parts import Parts, TrainingData, normalise
from skmoe.training._rows import RowDraws, RowSummary

__all__ = [
    "E_STEPS",
    "Parts",
    "Result",
    "RowDraws",
    "RowSummary",
    "TrainingData",
    "continue_fit",
    "evaluate",
    "fit_starts",
    "normalise",
]
