"""
Do many experts cost more than a few?
=====================================

Not with ``top_k``: each row is sent to the two experts that the gate thinks most likely,
and no other is asked about it. So more experts can know more, at the price of two.
"""

# %%
# A surface that one tree of six levels is too coarse for, and mixtures of such trees with
# ever more experts. Once every expert is asked about every row, once two are.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

NOISE, NUMBERS = 0.2, (2, 4, 8, 16)
rng = np.random.default_rng(0)
X = rng.uniform(-3, 3, size=(6000, 2))
u, v = X.T
y = (
    3 * (1 - u) ** 2 * np.exp(-(u**2) - (v + 1) ** 2)
    - 10 * (u / 5 - u**3 - v**5) * np.exp(-(u**2) - v**2)
    - np.exp(-((u + 1) ** 2) - v**2) / 3
    + NOISE * rng.standard_normal(len(X))
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=2000, random_state=0)
many_rows = np.tile(X_test, (50, 1))
tree = DecisionTreeRegressor(max_depth=6, min_samples_leaf=5, random_state=0)
tree.fit(X_train, y_train)
rmse_of_tree = root_mean_squared_error(y_test, tree.predict(X_test))


def seconds(function, n_repeats):
    """The fastest of some calls."""
    taken = []
    for _ in range(n_repeats):
        start = perf_counter()
        function()
        taken.append(perf_counter() - start)
    return min(taken)


results = {}
print(f"one tree: RMSE {rmse_of_tree:.2f} (noise: {NOISE})")
print("\nexperts  asked   fit, s   100,000 predictions, ms   RMSE")
for asked in ("all", 2):
    for n_experts in NUMBERS:
        model = MixtureOfExpertsRegressor(
            tree, n_experts, top_k=2 if asked == 2 else None, random_state=0
        )
        fit = seconds(lambda m=model: m.fit(X_train, y_train), 1)
        predict = 1e3 * seconds(lambda m=model: m.predict(many_rows), 3)
        rmse = root_mean_squared_error(y_test, model.predict(X_test))
        results[asked, n_experts] = predict, rmse
        print(f"{n_experts:7}{asked!s:>7}{fit:9.1f}{predict:25.1f}{rmse:7.2f}")

# %%
# With two experts asked, sixteen take about as long as four, and leave less of the error.
# What still grows is the gate, which scores every expert, and in a fit what an expert
# costs however few its rows are: on so small a table, that is most of it. Where all are
# asked, the time of predictions grows with their number, and on these data a blend of
# many trees is no more exact than that of a few.

fig, axes = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
blue, orange = expert_colors(2)
for asked, color, label in (
    ("all", blue, "all are asked"),
    (2, orange, "two are asked"),
):
    for ax, values in zip(
        axes, zip(*(results[asked, k] for k in NUMBERS), strict=True), strict=True
    ):
        ax.plot(NUMBERS, values, "o-", color=color, lw=2.5, label=label)
axes[1].axhline(rmse_of_tree, color="#333333", lw=1, ls="--")
axes[1].text(16, rmse_of_tree, "one tree", ha="right", va="bottom")
axes[1].set_ylim(top=1.15 * rmse_of_tree)
axes[0].set(title="100,000 predictions, milliseconds")
axes[1].set(title="error (RMSE) on held-out rows")
axes[0].legend(frameon=False)
for ax in axes:
    ax.set(xlabel="experts", xticks=NUMBERS)
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
