"""Stochastic EM (Celeux & Diebolt 1985): rows are drawn, not shared."""

from functools import partial

from skmoe.training._em import ended, evaluate, soft_step

# Iterations without a better objective after which nothing more is expected.
_PATIENCE = 20


def stochastic_em(
    start, data, draws, *, max_iter, on_iteration, random_state, earlier=None
):
    """Fit gate and experts to rows drawn by their responsibilities; keep the best.

    Parameters
    ----------
    start : Result
    data : TrainingData
    draws : RowDraws
    max_iter : int
    on_iteration : callable
    random_state : RandomState
    earlier : Result, optional

    Returns
    -------
    best : Result
    """
    current, best = start, start if earlier is None else earlier
    bounds, n_without = [], 0
    for iteration in range(1, max_iter + 1):
        mass = data.weights[:, None] * current.responsibilities
        drawn = draws.random(mass, random_state) / data.weights[:, None]
        parts, log_joint = current.parts.maximise(data, drawn, iteration)
        current = evaluate(parts, log_joint, data, soft_step)
        gain = current.lower_bound - best.lower_bound
        n_without = 0 if gain > 0 else n_without + 1
        best = current if gain > 0 else best
        bounds.append(current.lower_bound)
        so_far = partial(ended, best, bounds)
        stop = on_iteration(iteration, current.lower_bound, gain, so_far)
        if stop or n_without == _PATIENCE:
            break
    return ended(best, bounds, n_without == _PATIENCE)
