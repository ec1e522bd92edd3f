"""
What if the border between regimes is not straight?
===================================================

The softmax gate divides the table by straight lines. Where a regime is an island, take a
classifier that can see islands: a random forest becomes the gate.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import GateDisplay

# %%
# The data are generated. Within a circle the target rises from west to east; outside, it
# falls.

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.uniform(-2, 2, (1500, 2)), columns=["east", "north"])
inside = X["east"] ** 2 + X["north"] ** 2 < 1.4**2
y = np.where(inside, 2 + 3 * X["east"], X["north"] - X["east"] - 1)
y = y + rng.normal(0, 0.5, 1500)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Two linear experts, with either gate. Any classifier with ``predict_proba`` will do; as
# a forest memorises rows, this one is told to keep ten rows in each leaf.

forest = RandomForestClassifier(min_samples_leaf=10, random_state=0)
models = {
    "softmax gate": MixtureOfExpertsRegressor(n_experts=2, random_state=0),
    "forest as gate": MixtureOfExpertsRegressor(n_experts=2, gate=forest, random_state=0),
}
fig, axes = plt.subplots(
    1, 2, figsize=(8, 4.2), sharex=True, sharey=True, layout="constrained"
)
angle = np.linspace(0, 2 * np.pi, 200)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    model.fit(X_train, y_train)
    GateDisplay.from_estimator(model, X_train, features=["east", "north"], ax=ax)
    ax.plot(1.4 * np.cos(angle), 1.4 * np.sin(angle), "--", color="#333333")
    ax.set(title=name, aspect="equal")
axes[1].set_ylabel("")
plt.show()

# %%
# The dashed circle is the true border, which no model was told. With more experts, the
# softmax gate can surround the island as well, but it takes twice the lines to say the
# same. Boosting comes a little closer with its mean; it has no regimes to show, and a
# worse density, as its errors are large at the border and small elsewhere.

models["softmax gate, 4 experts"] = MixtureOfExpertsRegressor(
    n_experts=4, random_state=0
).fit(X_train, y_train)
models["boosting alone"] = MixtureOfExpertsRegressor(
    HistGradientBoostingRegressor(random_state=0), n_experts=1, random_state=0
).fit(X_train, y_train)
scores = {
    name: {
        "RMSE": root_mean_squared_error(y_test, model.predict(X_test)),
        "log-likelihood per row": model.score_samples(X_test, y_test).mean(),
    }
    for name, model in models.items()
}
pd.DataFrame(scores).T.round(2)

# %%
# The experts next to the forest have found the truth: outside -1 - east + north, and
# inside 2 + 3 east.

for k, expert in enumerate(models["forest as gate"].experts_):
    east, north = expert.coef_
    print(f"expert {k}: {expert.intercept_:.2f} {east:+.2f} east {north:+.2f} north")
