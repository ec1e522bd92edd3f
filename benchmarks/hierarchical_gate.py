"""What does a tree of gates reach, and cost, next to one softmax gate?

Likelihood per row of both, with one start and the best of five, and the time of one
round: one evaluation of objective and gradient of gate and experts together. A tree is
tried with every way of sharing out its experts among levels. Data are made by flat gates
and by trees; those of ``problems.py`` are added, where a path to it is given or it is
next to the folder that the environment variable SKMOE_DATA names.

    python benchmarks/hierarchical_gate.py [problems.py] > results/hierarchical_gate.txt
"""

import os
import runpy
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression

from skmoe import MixtureOfExpertsRegressor
from skmoe.experts import make_regressor_pool
from skmoe.gates import HierarchicalGate, SoftmaxGate
from skmoe.likelihoods import GaussianLikelihood
from skmoe.training import Parts, TrainingData
from skmoe.training._joint import joint_problem

N_REPEATS = 15


def branchings(n_experts):
    """All trees of several levels with so many leaves; of a prime number, one level."""
    found = list(products(n_experts))
    return [found[0]] if len(found) == 1 else [b for b in found if len(b) > 1]


def products(number):
    """All ways of writing a number as a product of integers of two or more."""
    if number == 1:
        yield ()
    for first in range(2, number + 1):
        if number % first == 0:
            yield from ((first, *rest) for rest in products(number // first))


def made_by(gate, n_experts, seed, n=4000, d=3):
    """Rows of linear experts, chosen by a gate with random coefficients."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    gate = gate.fit(X, rng.dirichlet(np.ones(n_experts), size=n))
    for node in getattr(gate, "nodes_", [gate]):
        node.coef_ = 2.5 * rng.standard_normal(node.coef_.shape)
        node.intercept_ = rng.standard_normal(node.intercept_.shape)
    joint = gate.predict_log_proba(X) + rng.gumbel(size=(n, n_experts))
    coef = 1.5 * rng.standard_normal((n_experts, d + 1))
    y = np.einsum(
        "ij,ij->i", np.column_stack([np.ones(n), X]), coef[joint.argmax(axis=1)]
    )
    return X, y + 0.4 * rng.standard_normal(n), n_experts


def problems(path):
    """Names and data: X, y and the number of experts."""
    for n_experts in (4, 6, 8):
        yield f"flat, {n_experts}", made_by(SoftmaxGate(), n_experts, seed=n_experts)
    for branching in ((2, 2), (2, 3), (2, 2, 2)):
        data = made_by(HierarchicalGate(branching), int(np.prod(branching)), seed=1)
        yield f"tree {branching}", data
    if path is not None:
        given = runpy.run_path(str(path))
        for name in given["names"]():
            yield name, given["load"](name)[:3]


def reached(gate, X, y, n_experts, n_init):
    """Mean log-likelihood and the fitted model."""
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, gate=gate, n_init=n_init, random_state=0
    ).fit(X, y)
    return model.score_samples(X, y).mean(), model


def round_of(model, X, y):
    """A function of no arguments: one round at the parameters of a fitted model."""
    experts = [(str(k), LinearRegression()) for k in range(model.n_experts_)]
    data = TrainingData(X, y, np.ones(len(y)))
    data.bind(model.gate_)
    pool = make_regressor_pool(experts, X, y, draw=None, n_jobs=None)
    parts = Parts(model.gate_, pool, GaussianLikelihood(), model.dispersion_)
    problem = joint_problem(parts, data)
    pool.resume(X, y, data.weights, model.experts_)
    vector = problem.vector_of(parts)
    return lambda: problem.evaluate(vector)


def milliseconds(functions):
    """Least time of each function, which take turns."""
    seconds = np.empty((N_REPEATS, len(functions)))
    for repeat in range(N_REPEATS):
        for number, function in enumerate(functions):
            start = time.perf_counter()
            function()
            seconds[repeat, number] = time.perf_counter() - start
    return 1e3 * seconds.min(axis=0)


def path_to_problems():
    """As given or, by the environment, where there is one."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    folder = os.environ.get("SKMOE_DATA")
    path = folder and Path(folder).parent / "problems.py"
    return path if path and path.exists() else None


def main():
    """Print one row for each tree on each problem."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message="experts: .* ended with less than")
    print("Log-likelihood per row of the flat gate, and what a tree gains (best of five;")
    print("flat and gain, one start); ms of a round of the flat gate, times of a tree's.")
    heads = ["flat", "gain", "flat 1", "gain 1", "ms", "times"]
    print(f"{'':16} {'branching':>10}", *(f"{head:>8}" for head in heads))
    for name, (X, y, n_experts) in problems(path_to_problems()):
        once, _ = reached("softmax", X, y, n_experts, n_init=1)
        best, flat = reached("softmax", X, y, n_experts, n_init=5)
        for branching in branchings(n_experts):
            gate = HierarchicalGate(branching)
            once_tree, _ = reached(gate, X, y, n_experts, n_init=1)
            best_tree, tree = reached(gate, X, y, n_experts, n_init=5)
            ms = milliseconds([round_of(flat, X, y), round_of(tree, X, y)])
            gains = [best, best_tree - best, once, once_tree - once]
            print(
                f"{name:16} {'x'.join(map(str, branching)):>10}",
                *(f"{value:8.4f}" for value in gains),
                f"{ms[0]:8.2f} {ms[1] / ms[0]:8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
