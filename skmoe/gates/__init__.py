"""Gates: who answers.

The gate protocol, duck-typed; ``K`` is the number of experts:

``fit(X, responsibilities, sample_weight=None)``
    Maximise ``sum_ik w_i r_ik log g_k(x_i)``. A gate that has a fitted state of the
    right shape starts from it.
``predict_log_proba(X)`` -> (n_samples, K)
    ``log g_k(x)``.
``predict_joint_log_proba(X)`` -> (n_samples, K)
    The former; a generative gate adds ``log p(x)``. :class:`GateMixin` has it.
``n_parameters_``
    Number of free parameters, for information criteria; None if unknown.
``penalty_`` (optional)
    What the gate's own objective subtracts from the log-likelihood; 0 if absent.

``takes_sparse_targets`` (optional)
    True where ``responsibilities`` may be a sparse array: rows that are sent to few of
    many experts. A gate without it is given all zeros.
``looks_at_rows`` (optional)
    False where the answer is the same for all X.
``logits_of_numbers(X)`` -> (n_samples, K) (optional)
    ``log g_k(x)`` up to a number of each row, for finite numbers, without checks.
``with_load_loss(slopes)`` -> gate (optional)
    A copy whose next fit also pays ``slopes[k] * g_k(x)`` for each row.

``bind(X, weights)`` (optional)
    A faster way of being fitted to the same rows many times, as :class:`BoundGate`. If
    that offers ``terms``, gate and experts may be solved together; see
    ``skmoe.training``.

``partial_fit(X, responsibilities, sample_weight=None[, step=None])`` (optional)
    Learn from one batch more; ``step`` tells how far to go, see ``skmoe._running``.

``with_least_share(experts, X, share)`` -> gate (optional)
    A copy that gives experts that have lost their rows a mean probability again.

``expert_order(X, responsibilities, weights)`` -> order of the experts (optional)
    Where it matters to a gate which experts are neighbours: how the columns of
    ``responsibilities`` are arranged before a fit starts from them.

``permuted(order)`` -> gate (optional)
    A copy whose expert ``k`` is expert ``order[k]`` of this one. Experts of a gate
    without it keep the order in which training found them.
``expert_tree`` (optional)
    Nested tuples of the experts' numbers, where not every order can be had: branches of
    one node can change places, and nothing else.

A pipeline that ends in a gate is a gate. A gate knows nothing of experts.
"""

from skmoe.gates._ask import (
    gate_n_parameters,
    gate_penalty,
    gate_scores,
    has_fast_scores,
    joint_log_proba,
    looks_at_rows,
)
from skmoe.gates._bound import BoundGate, bind_gate
from skmoe.gates._classifier import ClassifierGate
from skmoe.gates._constant import ConstantGate
from skmoe.gates._gaussian import GaussianGate
from skmoe.gates._hierarchical import HierarchicalGate
from skmoe.gates._learn import (
    check_gate_learns,
    expert_order,
    fit_gate,
    gate_with_least_share,
    gate_with_load_loss,
    has_expert_order,
    step_gate,
)
from skmoe.gates._permute import can_be_permuted, expert_tree, permuted_gate
from skmoe.gates._protocol import GateMixin, check_responsibilities
from skmoe.gates._resolve import check_gate
from skmoe.gates._softmax import SoftmaxGate

__all__ = [
    "BoundGate",
    "ClassifierGate",
    "ConstantGate",
    "GateMixin",
    "GaussianGate",
    "HierarchicalGate",
    "SoftmaxGate",
    "bind_gate",
    "can_be_permuted",
    "check_gate",
    "check_gate_learns",
    "check_responsibilities",
    "expert_order",
    "expert_tree",
    "fit_gate",
    "gate_n_parameters",
    "gate_penalty",
    "gate_scores",
    "gate_with_least_share",
    "gate_with_load_loss",
    "has_expert_order",
    "has_fast_scores",
    "joint_log_proba",
    "looks_at_rows",
    "permuted_gate",
    "step_gate",
]
