"""
Can a gate be read as a tree?
=============================

Regimes often come in levels: a question first, and then another one, which depends on
the answer. A :class:`~skmoe.gates.HierarchicalGate` decides in such steps, and each step
can be printed.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import HierarchicalGate
from skmoe.inspection import CoefficientsDisplay, GateDisplay, expert_report, export_text

# %%
# The data are generated: what houses need for heating and cooling on a day. Below 15
# degrees they are heated, and it matters how old a house is; wind cools old houses only.
# Above, it matters whether the sun shines: then they are cooled.

rng = np.random.default_rng(0)
n = 2000
X = pd.DataFrame(
    {
        "temperature": rng.uniform(-10, 35, n),
        "age": rng.uniform(0, 120, n),
        "hours of sun": rng.uniform(0, 14, n),
        "wind": rng.uniform(0, 10, n),
    }
)
temperature, wind = X["temperature"], X["wind"]


def decide(log_odds):
    return rng.uniform(size=n) < 1 / (1 + np.exp(-log_odds))


is_cold = decide(2 * (15 - temperature))
is_old = decide((X["age"] - 40) / 2)
is_sunny = decide(3 * (X["hours of sun"] - 7))
kwh = np.select(
    [is_cold & is_old, is_cold, is_sunny],
    [60 - 2.5 * temperature + 4 * wind, 20 - 0.8 * temperature, 2 * temperature - 15],
    8 + 0 * wind,
)
kwh = kwh + rng.normal(0, np.where(is_cold, 3, 1))

# %%
# Two branches, each with two. Which experts are neighbours in the tree is found when the
# fit starts. What is not on the axes has its typical value: on the right, the houses are
# old; on the left, the sun shines for seven hours, which is where two regimes meet.

model = MixtureOfExpertsRegressor(
    n_experts=4, gate=HierarchicalGate((2, 2)), random_state=0
)
model.fit(X, kwh)
fig, axes = plt.subplots(1, 2, figsize=(8, 4), sharex=True, layout="constrained")
for ax, other in zip(axes, ["age", "hours of sun"], strict=True):
    GateDisplay.from_estimator(model, X, ["temperature", other], ax=ax)
plt.show()

# %%
# The tree as text. At each node, the first branch is the likelier one where what stands
# at it is above zero: at the root, below 15 degrees; then above 40 years, and above seven
# hours of sun.

print(export_text(model, max_features=2, decimals=2).split("\n\n")[0])

# %%
# A :class:`~skmoe.gates.SoftmaxGate` has to say in one step how each expert differs from
# all others. In the tree, each node has one large coefficient, here per standard
# deviation of the column.

fig, ax = plt.subplots(figsize=(7, 5), layout="constrained")
CoefficientsDisplay.from_estimator(model, X, part="gate", max_features=8, ax=ax)
plt.show()

# %%
# What the experts are good for, and where they rule, in words.

report = expert_report(model, X, kwh, max_features=0)
report[["load", "where", "covers", "precision", "rmse ruled"]].round(2)
