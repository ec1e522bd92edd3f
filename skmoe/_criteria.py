"""What is counted and compared when models are chosen."""

import numpy as np

from skmoe._fitting import n_parameters
from skmoe.gates import gate_n_parameters


def free_parameters(criterion, gate, experts, names, likelihood, dispersion):
    """Free parameters of gate, experts and dispersions, for ``criterion``."""
    count = gate_n_parameters(gate)
    if count is None:
        raise ValueError(
            f"{criterion}: gate_ ({type(gate).__name__}) does not tell its number of "
            "parameters; compare models by score_samples on held-out rows."
        )
    for name, expert in zip(names, experts, strict=True):
        own = n_parameters(expert)
        if own is None:
            raise ValueError(
                f"{criterion}: experts: {name!r} ({type(expert).__name__}) does not tell "
                "its number of parameters; compare models by score_samples on held-out "
                "rows."
            )
        count += own
    own = likelihood.n_parameters(dispersion)
    if own is None:
        raise ValueError(
            f"{criterion}: likelihood_ ({type(likelihood).__name__}) does not tell its "
            "number of parameters; compare models by score_samples on held-out rows."
        )
    return count + own


def gain_is_clear(now, before, weights):
    """Whether log-likelihoods of rows have risen by more than two standard errors.

    One would be too few: the best of several rounds is compared.
    """
    gain, total = now - before, weights.sum()
    mean = weights @ gain / total
    error = np.sqrt(weights @ (gain - mean) ** 2 / total / max(total - 1.0, 1.0))
    return bool(mean > 2.0 * error)
