"""
Can it learn from a stream, and follow a regime that changes?
=============================================================

Rows come in batches, and no batch is kept: ``partial_fit`` takes a step of gate and
experts with each. A model that forgets follows when a regime changes; one that counts all
rows alike is slow to.
"""

# %%
# A stream
# --------
# Two regimes, left and right of zero, with lines of their own. After 150 of 300 batches
# the right one falls where it rose.

import matplotlib.pyplot as plt
import numpy as np

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import expert_colors

N_BATCHES, CHANGE, N_ROWS, NOISE = 300, 150, 200, 0.3


def batches(first=0, last=N_BATCHES):
    rng = np.random.default_rng(0)
    for number in range(first, last):
        X = rng.uniform(-2, 2, size=(N_ROWS, 2))
        slope = 3.0 if number < CHANGE else -3.0
        y = np.where(X[:, 0] > 0, slope * X[:, 0], -X[:, 0] + X[:, 1])
        yield X, y + NOISE * rng.standard_normal(N_ROWS)


# %%
# Three models
# ------------
# With ``learning_rate_init=1``, a row counts as much as any other. A ``forgetting_rate``
# of 0.1 % means that after 1000 rows a third is left of what was known, and after 5000
# next to nothing. The baseline is a mixture that is fitted to the first fifty batches,
# and never again.
#
# ``lower_bounds_`` keeps the mean log-likelihood of each batch *before* it was learnt
# from, so it is as honest as a test set.

models = {
    "fitted once": MixtureOfExpertsRegressor(n_experts=2, random_state=0),
    "all rows count alike": MixtureOfExpertsRegressor(
        n_experts=2, learning_rate_init=1, random_state=0
    ),
    "forgetting_rate=0.001": MixtureOfExpertsRegressor(
        n_experts=2, learning_rate_init=1, forgetting_rate=1e-3, random_state=0
    ),
}
once, *learners = models.values()
once.fit(*map(np.concatenate, zip(*batches(last=50), strict=True)))
for X, y in batches():
    for model in learners:
        model.partial_fit(X, y)

scores = {
    "fitted once": np.array([once.score_samples(X, y).mean() for X, y in batches()]),
    **{name: model.lower_bounds_ for name, model in list(models.items())[1:]},
}
best = -0.5 * np.log(2 * np.pi * np.e * NOISE**2)
print(
    f"{'log-likelihood per row':24}{'before':>8}{'50 batches after':>19}{'last 50':>10}"
)
for name, score in scores.items():
    before, after = score[CHANGE - 50 : CHANGE], score[CHANGE : CHANGE + 50]
    print(f"{name:24}{before.mean():8.2f}{after.mean():19.2f}{score[-50:].mean():10.2f}")
print(f"{'the truth':24}{best:8.2f}{best:19.2f}{best:10.2f}")

# %%
# Forgetting costs a little accuracy while nothing changes, as the model knows the last
# few thousand rows only. With so many rows for so few coefficients, that cannot be seen
# here.

grey, blue, orange = "#777777", *expert_colors(2)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, score), color in zip(scores.items(), (grey, blue, orange), strict=True):
    ax.plot(score, color=color, lw=1.6, label=name)
ax.axhline(best, color="#333333", lw=1, ls="--")
ax.axvline(CHANGE, color="#333333", lw=0.8, ls=":")
for text, place, color in (
    ("a regime changes", (CHANGE - 4, -3), "#333333"),
    ("the truth", (CHANGE - 4, -0.7), "#333333"),
    ("forgetting_rate=0.001", (N_BATCHES, -0.65), orange),
    ("all rows count alike", (N_BATCHES, -2), blue),
    (f"fitted once: {scores['fitted once'][-50:].mean():.0f}", (N_BATCHES, -5.7), grey),
):
    ax.text(*place, text, ha="right", color=color, weight="bold")
ax.set(
    xlabel="batch of 200 rows",
    ylabel="log-likelihood per row, before learning",
    xlim=(0, N_BATCHES),
    ylim=(-6, 0.3),
)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
