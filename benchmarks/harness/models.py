"""What a user might fit instead of a mixture, all on one thread."""

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

import harness.peers
from skmoe import MixtureOfExpertsRegressor


def choices(n_experts, report):
    """Unfitted regressors by name, each with its defaults."""
    models = {
        "skmoe": MixtureOfExpertsRegressor(n_experts=n_experts, random_state=0),
        "Ridge": Ridge(),
        "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
    }
    reason = harness.peers.absence("lightgbm")
    if reason is None:
        from lightgbm import LGBMRegressor

        models["LightGBM"] = LGBMRegressor(n_jobs=1, random_state=0, verbose=-1)
    else:
        report.note(f"LightGBM: {reason}")
    return models
