"""
Can the predicted intervals be believed?
========================================

An interval of 80 % should hold 80 % of new rows, not only on average, but wherever one
looks. One noise level for all rows cannot do that where noise differs; a mixture can.
"""

# %%
# Days that a parcel is on its way. By land they grow with the distance, and hardly vary;
# far away it goes by sea, and waits for a ship. The baseline is one line with one normal
# error for all, which is a mixture of one expert.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import DensityFanDisplay, PITDisplay

rng = np.random.default_rng(0)
distance = rng.uniform(0, 10, 3000)
by_sea = distance + rng.logistic(0, 0.45, 3000) > 6
days = np.where(
    by_sea,
    8 + 0.5 * distance + rng.normal(0, 2.5, 3000),
    2 + 0.4 * distance + rng.normal(0, 0.4, 3000),
)
X_train, X_test, y_train, y_test = train_test_split(
    distance[:, None], days, random_state=0
)

models = {
    "one expert": MixtureOfExpertsRegressor(n_experts=1),
    "two experts": MixtureOfExpertsRegressor(n_experts=2, random_state=0),
}
for model in models.values():
    model.fit(X_train, y_train)

fig, axes = plt.subplots(1, 2, figsize=(7, 3.8), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    DensityFanDisplay.from_estimator(model, X_test, y_test, feature=0, ax=ax)
    ax.set(title=name, xlabel="distance, 1000 km", ylabel="days")
    ax.label_outer()
plt.show()

# %%
# How many of the held-out rows are within their intervals
# --------------------------------------------------------
# Over all rows, one expert keeps its promises: too wide on land and too narrow at sea is
# right on average. So look at parts of the table as well.

near, far = X_test[:, 0] < 4, X_test[:, 0] > 7
print(f"{'':14}{'interval':>9}{'all':>8}{'near':>8}{'far':>8}")
for name, model in models.items():
    density = model.predict_distribution(X_test)
    for level in (0.5, 0.8, 0.95):
        low, high = density.interval(level)
        inside = (low <= y_test) & (y_test <= high)
        print(f"{name:14}{level:9.0%}", end="")
        print("".join(f"{inside[part].mean():8.0%}" for part in (slice(None), near, far)))
    print(f"{name:14} mean CRPS {density.crps(y_test).mean():.2f} days")

# %%
# At all levels at once
# ---------------------
# If a density is right, each row's place within its own density is uniform: as many rows
# fall below the 10 % quantile as between the 50 % and the 60 %. A bar is dark where
# chance would leave it once in twenty times. Of the near rows, those of one expert crowd
# in the middle, as its density is too wide.

fig, axes = plt.subplots(2, 1, figsize=(7, 5), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    PITDisplay.from_estimator(model, X_test[near], y_test[near], bins=10, ax=ax)
    ax.set_title(f"{name}, near rows", loc="left")
plt.show()
