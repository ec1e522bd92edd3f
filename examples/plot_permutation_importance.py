"""
Which features matter to which expert?
======================================

scikit-learn's permutation importance of the whole model blends what holds in one regime
with what holds in another. Asked of each expert, with responsibilities as weights, it
keeps them apart; asked of the gate, it tells what decides between them.
"""

# %%
# A table whose truth is known: what a house takes from the grid on a day. Below about 18
# degrees it heats, more so when it is windy; above, it cools, more so when it is humid,
# and less with its own solar panels. Rooms count always, and the weekday never.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

rng = np.random.default_rng(0)
n = 3000
X = pd.DataFrame(
    {
        "temperature": rng.uniform(-5, 35, n),
        "wind": rng.gamma(2, 2, n),
        "humidity": rng.uniform(20, 100, n),
        "solar panels": rng.integers(0, 9, n),
        "rooms": rng.integers(1, 8, n),
        "weekday": rng.integers(0, 7, n),
    }
)
heats = X["temperature"] + rng.normal(0, 1.5, n) < 18
heating = 1.0 * (18 - X["temperature"]) + 1.5 * X["wind"]
cooling = 0.5 * (X["temperature"] - 18) + 0.15 * X["humidity"] - 1.2 * X["solar panels"]
y = 10 + np.where(heats, heating, cooling) + 2 * X["rooms"] + rng.normal(0, 2, n)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X_train, y_train)
line = LinearRegression().fit(X_train, y_train)
print(f"R2 on held-out rows: {model.score(X_test, y_test):.3f}", end="")
print(f" (one line: {line.score(X_test, y_test):.3f})")

# %%
# Importance is what the error (RMSE, in kWh) rises by if a column is shuffled. For an
# expert, a row counts by the expert's responsibility for it: a row that is another's does
# not.
#
# The gate's task is another one, to foretell the responsibilities, so its unit differs,
# too.

scorer, same_draws = "neg_root_mean_squared_error", {"n_repeats": 10, "random_state": 0}
shares = model.responsibilities(X_test, y_test)
importances = {
    "whole mixture": permutation_importance(
        model, X_test, y_test, scoring=scorer, **same_draws
    )
}
for k, expert in enumerate(model.experts_):
    importances[f"expert {k}"] = permutation_importance(
        expert, X_test, y_test, sample_weight=shares[:, k], scoring=scorer, **same_draws
    )


def skill(gate, X, shares):
    """How well the gate foretells the responsibilities, in nats per row."""
    return np.mean(np.sum(shares * gate.predict_log_proba(X), axis=1))


importances["gate"] = permutation_importance(
    model.gate_, X_test, shares, scoring=skill, **same_draws
)
table = pd.DataFrame(
    {name: found.importances_mean for name, found in importances.items()}, index=X.columns
)
table.round(2)

# %%
# Wind matters to one expert, humidity and solar panels to the other, so the first heats
# and the second cools. The temperature is all that the gate looks at.

fig, axes = plt.subplots(1, 4, figsize=(7, 3.2), sharey=True, layout="constrained")
colors = ["#8c8c8c", *expert_colors(2), "#333333"]
for ax, name, color in zip(axes, table, colors, strict=True):
    ax.barh(X.columns, table[name], color=color)
    ax.set_title(name, color=color, weight="bold", size=11)
    ax.set_xlabel("nats per row" if name == "gate" else "kWh")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].invert_yaxis()
plt.show()
