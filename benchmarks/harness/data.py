"""Problems with a known truth, and the folder of shared ones.

Shared files are found next to the folder that the environment variable SKMOE_DATA names;
where they are not, the functions return None.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from skmoe.datasets import make_moe_classification, make_moe_regression

MISSING = "SKMOE_DATA is not set, or the file is not there"


@dataclass
class Problem:
    """Rows, and the mean log-likelihood that the model they are drawn from gives them."""

    X: np.ndarray
    y: np.ndarray
    truth_log_likelihood: float
    truth: object


def regression(n, d, n_experts, seed):
    """Linear experts from :func:`skmoe.datasets.make_moe_regression`."""
    X, y, truth = make_moe_regression(
        n, d, n_experts, return_truth=True, random_state=seed
    )
    return Problem(X, y, truth.logpdf.mean(), truth)


def regression_blocks(lengths, d, n_experts, seed):
    """The same model, from which rows are drawn a block at a time.

    Yields
    ------
    problem : Problem
        The rows of one block, each of a seed of its own.
    """
    _, _, truth = make_moe_regression(
        2, d, n_experts, return_truth=True, random_state=seed
    )
    for number, length in enumerate(lengths):
        rng = np.random.default_rng([seed, number])
        X = rng.standard_normal((length, d))
        log_gate = X @ truth.gate_coef.T + truth.gate_intercept
        log_gate -= logsumexp(log_gate, axis=1, keepdims=True)
        until = np.exp(log_gate).cumsum(axis=1)
        expert = (until < rng.uniform(size=(length, 1))).sum(axis=1)
        expert = np.minimum(expert, n_experts - 1)
        sigma = np.sqrt(truth.dispersion)
        mean = X @ truth.expert_coef.T + truth.expert_intercept
        y = mean[np.arange(length), expert] + sigma[expert] * rng.standard_normal(length)
        log_density = -0.5 * ((y[:, None] - mean) / sigma) ** 2 - np.log(sigma)
        log_density -= 0.5 * np.log(2 * np.pi)
        logpdf = logsumexp(log_gate + log_density, axis=1)
        yield Problem(X, y, logpdf.mean(), truth)


def classification(n, d, n_experts, seed, n_classes=2):
    """Logistic experts from :func:`skmoe.datasets.make_moe_classification`."""
    X, y, truth = make_moe_classification(
        n, d, n_experts, n_classes, return_truth=True, random_state=seed
    )
    return Problem(X, y, truth.logpmf.mean(), truth)


def shared_regression(n, d, n_experts, seed):
    """Linear experts from the shared generator, in its float32; None without it."""
    generator = shared_module("gen_moe.py")
    if generator is None:
        return None
    X, y, truth = generator.make_moe(n, d, n_experts, seed)
    return Problem(X, y, truth["logpdf"].mean(), truth)


def shared_table(name):
    """X and y of a shared data set as float64 arrays, or None."""
    loader = shared_module("data/load.py")
    if loader is None or name not in loader.names():
        return None
    X, y, _, _ = loader.load(name)
    return X.to_numpy(dtype=float), y.to_numpy(dtype=float)


def shared_module(path):
    """Import a Python file of the shared folder, or None."""
    folder = os.environ.get("SKMOE_DATA")
    file = Path(folder).resolve().parent / path if folder else None
    if file is None or not file.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"shared_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
