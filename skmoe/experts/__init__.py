"""Experts: how it is answered.

The expert-pool protocol, duck-typed; ``K`` is the number of experts:

``fit(X, y, weights)``
    Fit expert k with the weights in column k of (n_samples, K).
``predict(X)`` -> (n_samples, K[, n_outputs or n_classes])
    Point predictions, or class probabilities.
``predict_held_out(X, y, weights, folds, among=None)``
    The same for each row by experts fitted to other rows, which are not kept.
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

from skmoe.experts._pool import predict_experts, predict_experts_proba
from skmoe.experts._resolve import (
    check_experts,
    make_classifier_pool,
    make_regressor_pool,
)

__all__ = [
    "check_experts",
    "make_classifier_pool",
    "make_regressor_pool",
    "predict_experts",
    "predict_experts_proba",
]
