"""Training: how gate and experts learn.

``_start``      responsibilities to start from (``_short_runs``: many at once)
``_em``         the loop of E- and M-steps, soft and hard; ``_anderson`` speeds it up
``_joint``      gate and experts solved together: ``_joint_problem`` is the objective,
                which ``_quasi_newton`` climbs; ``_joint_rows`` adds it up over the rows,
                ``_block_rows`` over blocks of rows elsewhere, of which ``_census`` knows
                the units and ``_block_data`` brings samples
``_stochastic`` the loop in which rows are drawn
``_routed_em``  the loop in which each row knows few of many experts: ``_routing`` sends
                it to them, ``_balance`` evens out their load, ``_routed`` is one
                iteration, ``_routed_fit`` the way there from a start
``_cross_fit``  rounds in which no row is judged by what was fitted to it; ``_folds``
``_gradient``   epochs of steps on batches, each of which is one of ``_learner``;
                ``_begin`` makes one of the first rows, ``_residuals`` are its last ones
``_stream``     a learner of batches that come one after the other
``_groups``     rows that come from one expert together; ``_group_runs`` are their starts
``_prior``      rows whose experts are known in part
``_revival``    experts that lost their rows
``_parts``      gate, experts and dispersions, and one step of each
``_rows``       orders of rows that depend on their content alone; ``_draws``
``_fit``        several starts; ``_arrangement`` numbers their experts, ``_start_rows``
                leaves outliers out, and adds a column that no expert is for

Training knows the protocols of gates, experts and likelihoods, not their kinds.

A bound gate and a pool may offer *terms*, their part of the log-likelihood as a function
of a vector; if both do, they are solved together. A pool has ``bind(X, weights)``,
``subset(X, rows)``, ``terms(y, weights, likelihood)`` (None where it does not maximise
this likelihood), ``parameters(terms, dispersion)`` -> vector, and
``with_parameters(terms, vector, n_iter)`` -> pool, dispersion; a bound gate has
``subset(X, rows)``, ``terms(gate, n_experts)``, ``parameters(gate, terms)`` and
``with_parameters(gate, terms, vector, n_iter)`` -> gate. Terms have

``size``, ``lower``, ``design``
    Number of parameters, their bounds from below, and the rows they look at.
``begin(vector)``, ``log_prob(part)`` -> (K, n_rows)
    Take on parameters; then log g_k, or log f_k, of one slice of rows after the other.
``collect(share)``, ``gradient()``, ``penalty()`` -> value, slope
    Add the gradient of sum_ik share_ik log_prob_ik for the last slice; what was added.
``collect_information(share)``, ``information(total)`` -> ``Blocks``
    The same of the negative Hessian, scaled up to rows of the weight ``total``.
``scores()`` -> (q, n_rows), owners
    Derivatives by each linear predictor, and the experts that they belong to.
``subset(rows)``, ``with_rows(design[, y], weights)``
    The same for some rows, or for others, in the same units.
``collected()``, ``add(collected)``
    Sums that were collected elsewhere, in the same units and with the same parameters.

Terms of experts also say ``n_numbers`` (held for each row), ``has_m_step`` (and then
``maximised(vector)``), and, without one, ``neutral()``: the parameters of experts that
know nothing.
"""

from skmoe.training._block_data import (
    Block,
    BlockData,
    Blocks,
    BlockSummary,
    FewDistinctRowsError,
    joined_blocks,
    without_copies,
)
from skmoe.training._census import (
    Census,
    LabelsCensus,
    NumbersCensus,
    TargetStatistics,
)
from skmoe.training._cross_fit import CrossFitting
from skmoe.training._draws import RowDraws
from skmoe.training._em import Result, evaluate
from skmoe.training._fit import E_STEPS, continue_fit, fit_starts
from skmoe.training._folds import make_folds, takes_groups
from skmoe.training._gradient import (
    Schedule,
    continue_by_gradient,
    first_rows,
    gradient_starts,
    rows_of,
)
from skmoe.training._groups import GroupedData, GroupedSummary
from skmoe.training._joint import joint_problem, joint_terms
from skmoe.training._learner import Batch, Learner, Pace
from skmoe.training._parts import Parts, TrainingData, normalise
from skmoe.training._residuals import Residuals
from skmoe.training._routed_fit import evaluate_routed
from skmoe.training._routing import Router, route
from skmoe.training._rows import RowSummary
from skmoe.training._start import worth_a_sample
from skmoe.training._stream import FirstRows, Stream

__all__ = [
    "E_STEPS",
    "Batch",
    "Block",
    "BlockData",
    "BlockSummary",
    "Blocks",
    "Census",
    "CrossFitting",
    "FewDistinctRowsError",
    "FirstRows",
    "GroupedData",
    "GroupedSummary",
    "LabelsCensus",
    "Learner",
    "NumbersCensus",
    "Pace",
    "Parts",
    "Residuals",
    "Result",
    "Router",
    "RowDraws",
    "RowSummary",
    "Schedule",
    "Stream",
    "TargetStatistics",
    "TrainingData",
    "continue_by_gradient",
    "continue_fit",
    "evaluate",
    "evaluate_routed",
    "first_rows",
    "fit_starts",
    "gradient_starts",
    "joined_blocks",
    "joint_problem",
    "joint_terms",
    "make_folds",
    "normalise",
    "route",
    "rows_of",
    "takes_groups",
    "without_copies",
    "worth_a_sample",
]
