"""Where an expert rules, in words: a path of a shallow tree."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.tree import DecisionTreeClassifier

from skmoe.inspection._ranks import Span

_MAX_DEPTH = 3
# Rows that a tree is grown of, evenly from all.
_MAX_ROWS = 20_000
# What a further condition must add to the correlation to be told.
_WORTH_A_CONDITION = 0.02


@dataclass
class Rule:
    """Conditions on a row's columns, all of which hold.

    Parameters
    ----------
    words : str
    covers : float
        Share of the expert's rows for which the rule holds.
    precision : float
        Share of the rows for which the rule holds that are the expert's.
    """

    words: str
    covers: float = np.nan
    precision: float = np.nan


def find_rule(table, heads, is_own, weights):
    """The rule that tells an expert's rows from the others best.

    Each node of a tree of depth three is a rule, and so is what lies outside it. Taken is
    the one with the largest correlation (Matthews) between where it holds and where the
    expert rules, less a little for each condition.

    Parameters
    ----------
    table : {ndarray, csc_matrix} of shape (n_samples, n_ranked)
    heads : list of RankColumn and CategoryColumn
        What the columns of the table stand for.
    is_own : ndarray of bool of shape (n_samples,)
        Whether the expert rules the row.
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    rule : Rule
    """
    total, total_own = weights.sum(), weights @ is_own
    if total_own == 0:
        return Rule("nowhere")
    if total_own == total:
        return Rule("everywhere", 1.0, 1.0)
    rows = np.unique(np.linspace(0, len(weights) - 1, _MAX_ROWS).astype(int))
    tree = DecisionTreeClassifier(max_depth=_MAX_DEPTH, random_state=0)
    tree.fit(table[rows], is_own[rows], weights[rows])
    held = tree.decision_path(table).T
    inside, inside_own = held @ weights, held @ (weights * is_own)
    correlation = _correlation(inside / total, inside_own / total, total_own / total)
    spans = _spans(tree.tree_)
    # A node is a rule, and so is what lies outside it.
    costs = _WORTH_A_CONDITION * np.array([len(known) for known in spans])
    scores = np.array([correlation - costs, -correlation - costs - _WORTH_A_CONDITION])
    is_outside, best = np.unravel_index(np.argmax(scores), scores.shape)
    if best == 0:
        return Rule("no short rule")
    words, holds = _told(spans[best], table, heads)
    if is_outside:
        holds = ~holds
        words = f"all but {words}" if len(spans[best]) == 1 else f"all but ({words})"
    n_own = weights @ (holds & is_own)
    return Rule(words, n_own / total_own, n_own / (weights @ holds))


def _told(spans, table, heads):
    """Conditions in words, with rounded numbers, and where they hold."""
    words, holds = [], np.ones(table.shape[0], dtype=bool)
    for m, span in spans.items():
        told = heads[m].rounded(span)
        ranks = table[:, [m]]
        holds &= told.holds(ranks.toarray() if issparse(ranks) else ranks)[:, 0]
        words.append(heads[m].words(told))
    return " and ".join(words), holds


def _correlation(inside, inside_own, own):
    """Between where rules hold and where the expert rules, from shares of the rows."""
    variance = inside * (1 - inside) * own * (1 - own)
    covariance = inside_own - inside * own
    known = variance > 1e-15
    return np.divide(
        covariance, np.sqrt(variance), where=known, out=np.zeros(len(inside))
    )


def _spans(tree):
    """The conditions of each node: spans of ranks, by the number of the column."""
    spans = [{} for _ in range(tree.node_count)]
    missing_left = tree.missing_go_to_left.astype(bool)
    for node, known in enumerate(spans):  # parents come before their children
        left, right = tree.children_left[node], tree.children_right[node]
        if left == right:
            continue
        column, threshold = int(tree.feature[node]), tree.threshold[node]
        span, goes_left = known.get(column, Span()), bool(missing_left[node])
        spans[left] = {**known, column: span.below(threshold, goes_left)}
        spans[right] = {**known, column: span.above(threshold, not goes_left)}
    return spans
