"""Experts: how it is answered.

The expert-pool protocol, duck-typed; ``K`` is the number of experts:

``fit(X, y, weights)``
    Fit expert k with the weights in column k of (n_samples, K). A sparse array stands
    for the same table of weights: then each expert is fitted to the rows that its column
    stores, and none costs more than these. One whose column is empty stays what it was.
``predict(X)`` -> (n_samples, K[, n_outputs or n_classes])
    Point predictions, or class probabilities.
``predict_routed(X, routes)`` -> (n_samples, top_k[, n_outputs or n_classes])
    The same of the experts that each row is sent to: an expert is asked once at most, and
    about its rows only.
``predict_held_out(X, y, weights, folds, among=None)``
    The same for each row by experts fitted to other rows, which are not kept.
``unfitted(rows)``
    An unfitted pool of the same experts, for fits to these rows of the training data.
``resume(X, y, weights, estimators)``
    Take over the state of fitted estimators, before training goes on.
``estimators()``
    The K fitted scikit-learn estimators.
``penalty``
    What the experts' own objectives subtract from the log-likelihood.
``iteration``
    Set by training, so that an error can tell when it happened.

``terms(y, weights, likelihood)`` and more (optional)
    For being solved together with the gate; see ``skmoe.training``.

A copy of a pool is a snapshot: ``fit`` binds new state and changes none in place. An
expert knows nothing of gates.
"""

from skmoe.experts._ask import predict_experts, predict_experts_proba
from skmoe.experts._beside import PoolBesideConstant
from skmoe.experts._incremental_pools import (
    check_learns,
    make_incremental_classifier_pool,
    make_incremental_regressor_pool,
)
from skmoe.experts._incremental_shared import make_incremental_shared_pool
from skmoe.experts._permuted_state import permuted_state
from skmoe.experts._resolve import (
    check_experts,
    make_classifier_pool,
    make_regressor_pool,
    make_sized_pool,
)
from skmoe.experts._routed import predict_experts_proba_routed, predict_experts_routed
from skmoe.experts._shared import SharedPool, ask_shared, check_shared_expert
from skmoe.experts._sized import OUTCOMES

__all__ = [
    "OUTCOMES",
    "PoolBesideConstant",
    "SharedPool",
    "ask_shared",
    "check_experts",
    "check_learns",
    "check_shared_expert",
    "make_classifier_pool",
    "make_incremental_classifier_pool",
    "make_incremental_regressor_pool",
    "make_incremental_shared_pool",
    "make_regressor_pool",
    "make_sized_pool",
    "permuted_state",
    "predict_experts",
    "predict_experts_proba",
    "predict_experts_proba_routed",
    "predict_experts_routed",
]
