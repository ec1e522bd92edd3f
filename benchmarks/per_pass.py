"""How near to the hardware is one pass over the data?

One evaluation of the objective and its gradient, against the two matrix products that it
cannot do without: the logits and means of all experts, (2K x p) @ (p x n), and back,
(2K x n) @ (n x p), where p = d + 1. The prototype's pass, where the shared folder has it,
runs by turns with both.

    python benchmarks/run.py per_pass
"""

import harness
import numpy as np
from harness import start
from sklearn.linear_model import LinearRegression

from skmoe.experts._least_squares import LeastSquaresPool
from skmoe.gates import SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import Parts, TrainingData
from skmoe.training._joint import joint_terms
from skmoe.training._joint_problem import JointProblem

D, K = 20, 8
CHUNK = 4096


def one_pass(X, y, n_experts, begin):
    """A function of no arguments that evaluates objective and gradient once on all rows.

    ``begin`` is a :class:`harness.start.Start`, parameters to evaluate at; X is in
    standard units as it is. Preparation that a fit does once is done here, outside the
    clock.
    """
    experts = [(f"expert{k}", LinearRegression()) for k in range(n_experts)]
    gate, pool = SoftmaxGate(), LeastSquaresPool(experts)
    data = TrainingData(X, y, np.ones(len(y)))
    data.bind(gate)
    parts = Parts(gate, pool, GaussianLikelihood())
    problem = JointProblem(parts, data, joint_terms(parts, data))
    free = begin.gate[:-1] - begin.gate[-1]
    scale = y.std()
    vector = np.concatenate(
        [free.ravel(), begin.experts.ravel() / scale, begin.log_scale - np.log(scale)]
    )
    problem.evaluate(vector)  # standardises X
    return lambda: problem.evaluate(vector)


def products(X, n_experts):
    """The two matrix products, on arrays laid out well for them."""
    rng = np.random.default_rng(0)
    X1 = np.column_stack([np.ones(len(X)), X])
    coef = rng.standard_normal((2 * n_experts, X1.shape[1]))
    forward = np.empty((2 * n_experts, len(X)))
    back = np.empty_like(coef)

    def run():
        np.matmul(coef, X1.T, out=forward)
        return np.matmul(forward, X1, out=back)

    return run


def prototype_passes(X, y, n_experts, begin):
    """The prototype's passes by name; empty without the shared folder."""
    module = harness.data.shared_module("prototypes/moe_core.py")
    if module is None:
        return {}
    X1 = np.column_stack([np.ones(len(X)), X])
    prepared = module.Pass(X1, y, n_experts, chunk=CHUNK, mode="zchunk")
    point = (begin.gate, begin.experts, begin.log_scale)
    return {
        "prototype, gradient": lambda: prepared.run(point, grad=True),
        "prototype, EM step": lambda: prepared.run(point, stats=True, ggrad=True),
    }


def main():
    """All passes by turns."""
    report = harness.Report(__doc__)
    n, repeats = (20_000, 5) if harness.is_quick() else (100_000, 31)
    problem = harness.data.regression(n, D, K, 0)
    begin = start.near_truth(problem, 0)
    passes = {"matrix products": products(problem.X, K)}
    passes["skmoe"] = one_pass(problem.X, problem.y, K, begin)
    passes |= prototype_passes(problem.X, problem.y, K, begin)
    if len(passes) < 3:
        report.note(f"prototype: skipped, {harness.data.MISSING}")
    seconds = harness.timing.interleaved(passes, repeats)
    report.table(
        f"n={n}, d={D}, K={K}; medians of {repeats}",
        "pass                ", "ms", "x products",
    )  # fmt: skip
    for name, value in seconds.items():
        report.row(name, 1e3 * value, value / seconds["matrix products"])
    ours, theirs = seconds.get("skmoe"), seconds.get("prototype, gradient")
    measured = ours / theirs if ours and theirs else "not both there"
    report.verdict("a pass over the prototype's", measured, at_most=1.3)


if __name__ == "__main__":
    main()
