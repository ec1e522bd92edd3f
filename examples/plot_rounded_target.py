r"""
Is that likelihood real, or is it made of rounding?
===================================================

Marks out of ten lie on a grid. An expert that gives every row the same mark hits it
exactly, so its density there has no limit, and neither has the likelihood. A floor under
the noise, at what rounding alone leaves, keeps it honest.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay
from skmoe.likelihoods import GaussianLikelihood

# %%
# The data are generated: 600 marks between 0 and 10. Seven in ten depend on the hours of
# preparation; the others were given by somebody who always gives about nine.

rng = np.random.default_rng(2)
hours = rng.uniform(0, 10, 600)
generous = rng.random(600) < 0.3
opinion = np.where(
    generous, rng.normal(9, 0.8, 600), 2 + 0.6 * hours + rng.normal(0, 1.2, 600)
)
marks = np.clip(np.round(opinion), 0, 10)
X_train, X_test, y_train, y_test = train_test_split(
    pd.DataFrame({"hours": hours}), marks, random_state=0
)

# %%
# Six experts, with next to no floor. Two of them have shrunk to a single mark, which
# they hit exactly: their bands have no width.

greedy = MixtureOfExpertsRegressor(
    n_experts=6, likelihood=GaussianLikelihood(floor=1e-6), random_state=0
).fit(X_train, y_train)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ExpertCurvesDisplay.from_estimator(greedy, X_train, y_train, feature="hours", ax=ax)
ax.set(xlabel="hours of preparation", ylabel="mark")
plt.show()
print("noise of each expert:", *(f"{noise:.6f}" for noise in greedy.dispersion_**0.5))

# %%
# How likely is a mark of 7? Honestly, it is the probability of all that is rounded to 7.
# The density at 7 is about the same, as long as it is smooth there.


def probability_of_marks(model, X, y):
    """Mean log-probability of the marks, half a mark to either side."""
    density = model.predict_distribution(X)
    return np.log(density.cdf(y + 0.5) - density.cdf(y - 0.5)).mean()


# %%
# One to six experts, with that floor, and with the default, which notices the grid.

floors = {"floor of a millionth": 1e-6, "floor of rounding (default)": "auto"}
rows = []
for name, floor in floors.items():
    for n_experts in range(1, 7):
        model = MixtureOfExpertsRegressor(
            n_experts=n_experts,
            likelihood=GaussianLikelihood(floor=floor),
            random_state=0,
        ).fit(X_train, y_train)
        rows.append(
            {
                "floor": name,
                "experts": n_experts,
                "claimed": model.score_samples(X_test, y_test).mean(),
                "honest": probability_of_marks(model, X_test, y_test),
                "BIC": model.bic(X_train, y_train),
            }
        )
table = pd.DataFrame(rows).set_index(["floor", "experts"])

# sphinx_gallery_thumbnail_number = 2
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, part), color in zip(
    table.groupby(level="floor"), ["#D55E00", "#0072B2"], strict=True
):
    number = part.index.get_level_values("experts")
    ax.plot(number, part["claimed"], "o-", color=color, lw=2.5, label=f"claimed, {name}")
    ax.plot(
        number, part["honest"], "o--", color=color, mfc="white", label=f"honest, {name}"
    )
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
ax.set(xlabel="number of experts", ylabel="log-likelihood per new row")
plt.show()

# %%
# With the tiny floor, the likelihood of 150 new rows soars once experts shrink to
# single marks, and the BIC wants six experts. The probability of what was observed has
# fallen, if anything. With the floor of rounding, :math:`1/\sqrt{12} = 0.29` marks, both
# agree, and the BIC picks the two regimes that there are.

table.round(2)
