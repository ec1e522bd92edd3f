"""
Is it one curve, or two?
========================

Electricity demand falls with the temperature while people heat, and rises once they
cool. A mixture of two lines finds both regimes, how noisy each is, and where one takes
over from the other.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay, GateDisplay

# %%
# The data are generated: 400 days. Below 17 degrees most buildings heat, and demand
# hardly varies; above it most of them cool, and demand varies three times as much.

rng = np.random.default_rng(0)
temperature = rng.uniform(-8, 36, 400)
heats = rng.random(400) < 1 / (1 + np.exp((temperature - 17) / 1.5))
demand = np.where(
    heats,
    62 - 1.6 * temperature + rng.normal(0, 2, 400),
    2 + 1.9 * temperature + rng.normal(0, 6, 400),
)
days = pd.DataFrame({"temperature": temperature})
X_train, X_test, y_train, y_test = train_test_split(days, demand, random_state=0)

# %%
# Two experts, each a straight line, and the gate between them are fitted together.
# Nobody says where the border is.

mixture = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
mixture.fit(X_train, y_train)

fig, (curves, gate) = plt.subplots(
    2, 1, figsize=(7, 5.5), height_ratios=[2.6, 1], sharex=True, layout="constrained"
)
ExpertCurvesDisplay.from_estimator(
    mixture, X_train, y_train, feature="temperature", ax=curves
)
GateDisplay.from_estimator(mixture, X_train, features="temperature", ax=gate)
curves.set(xlabel="", ylabel="demand (MW)")
gate.set(xlabel="temperature (°C)", ylabel="who answers")
plt.show()

# %%
# The points are coloured by responsibility, the expert that explains them best; bands
# hold 90 % of what an expert expects. What the lines say is close to the truth:

for k, line in enumerate(mixture.experts_):
    print(
        f"expert {k}: {line.coef_[0]:+.2f} MW per degree, noise "
        f"{mixture.dispersion_[k] ** 0.5:.1f} MW, {mixture.expert_load_[k]:.0%} of days"
    )

# %%
# Does the second expert pay? On the 100 days that no model has seen, a single line is far
# off. A spline bends as it should, and its errors are no larger; but it knows
# one noise level for all days, so it gives less probability to what
# happened (the log-likelihood).

spline = make_pipeline(SplineTransformer(n_knots=8), LinearRegression())
models = {
    "one line": MixtureOfExpertsRegressor(n_experts=1),
    "one spline": MixtureOfExpertsRegressor(spline, n_experts=1),
    "mixture of two lines": mixture,
}
scores = {}
for name, model in models.items():
    model.fit(X_train, y_train)
    scores[name] = {
        "RMSE (MW)": root_mean_squared_error(y_test, model.predict(X_test)),
        "log-likelihood per day": model.score_samples(X_test, y_test).mean(),
    }
pd.DataFrame(scores).T.round(2)
