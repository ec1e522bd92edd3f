"""
Can an expert be trusted on rows it has memorised?
==================================================

No. Boosted trees hardly err on their own rows, and the textbook algorithm takes that for
skill. With cross-fitting, which is the default for flexible experts, each row is judged
by fits to other rows.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import PITDisplay, expert_colors
from skmoe.metrics import coverage

# %%
# The data are generated. There are two regimes, told apart by the first column: a calm
# one, and one in which a third column matters, too, and noise is five times as large.

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (1000, 4))
calm = rng.random(1000) < 1 / (1 + np.exp(6 * X[:, 0]))
mean = 2 * np.sin(3 * X[:, 1]) + np.where(calm, 0, 2 * X[:, 2])
y = mean + np.where(calm, 0.3, 1.5) * rng.standard_normal(1000)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# The same boosting three times: alone; in a mixture trained as in the textbook
# (``cv=None``); and in one trained as by default. ``lower_bound_`` is the log-likelihood
# per row that a fit reports of itself.

boosting = HistGradientBoostingRegressor(random_state=0)
models = {
    "boosting alone": MixtureOfExpertsRegressor(boosting, n_experts=1, random_state=0),
    "mixture, textbook": MixtureOfExpertsRegressor(
        boosting, n_experts=2, cv=None, random_state=0
    ),
    "mixture, cross-fitted": MixtureOfExpertsRegressor(
        boosting, n_experts=2, random_state=0
    ),
}
scores = {}
for name, model in models.items():
    model.fit(X_train, y_train)
    scores[name] = {
        "promised": model.lower_bound_,
        "kept": model.score_samples(X_test, y_test).mean(),
        "RMSE": root_mean_squared_error(y_test, model.predict(X_test)),
        "within 90 % interval": coverage(y_test, model.predict_distribution(X_test)),
    }
scores = pd.DataFrame(scores).T

# %%
# What each fit promised, and what it kept on 250 new rows:

blue, orange = expert_colors(2)
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for place, color in enumerate(["#8c8c8c", orange, blue]):
    promised, kept = scores.iloc[place][["promised", "kept"]]
    ax.plot([promised, kept], [place, place], color=color, lw=3, zorder=1)
    ax.scatter(kept, place, s=130, color=color, lw=2.5, zorder=2)
    ax.scatter(promised, place, s=130, fc="white", ec=color, lw=2.5, zorder=3)
for word in ("promised", "kept"):
    ax.annotate(
        word, (scores[word].iloc[1], 1), xytext=(0, 12), textcoords="offset points",
        ha="center", color=orange,
    )  # fmt: skip
ax.set_yticks(range(3), scores.index)
ax.tick_params(axis="y", length=0, labelsize=11)
ax.spines[["top", "right", "left"]].set_visible(False)
ax.grid(axis="x", color="#e6e6e6")
ax.set_axisbelow(True)
ax.set(xlabel="log-likelihood per row", xlim=(-4.1, 0.2), ylim=(2.5, -0.5))
plt.show()

# %%
# The textbook's mixture promises most and keeps least: its experts have memorised their
# rows, so it takes their noise for tiny, and its 90 % intervals hold little more than
# half of the new rows. Cross-fitted, the mixture keeps what it promised, and beats the
# boosting alone in density; the point prediction gains next to nothing.

scores.round(2)

# %%
# Where in the predicted density did the new rows fall? In a calibrated one, evenly. The
# textbook's is far too narrow: many rows lie at its very ends.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for ax, name in zip(axes, ["mixture, textbook", "mixture, cross-fitted"], strict=True):
    PITDisplay.from_estimator(models[name], X_test, y_test, ax=ax)
    ax.legend().remove()
    ax.set_title(name)
plt.show()

# %%
# The noise that each expert reports makes it plain. In truth it is 0.3 and 1.5.

for name, model in models.items():
    noise = np.sort(model.dispersion_**0.5)
    print(f"{name:22}", *(f"{sigma:.2f}" for sigma in noise))
