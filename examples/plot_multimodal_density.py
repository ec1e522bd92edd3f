"""
What if the answer is either this or that?
==========================================

Then a mean is the one value that never occurs. A mixture predicts a density with as many
peaks as there are answers; a single Gaussian has one peak, where nothing is.
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
from skmoe.inspection import DensityFanDisplay
from skmoe.metrics import coverage, crps

# %%
# Bishop's example (1994), a curve looked at the wrong way round: the sensor's reading
# follows from the position, and we ask for the position. In the middle, three
# positions give the same reading.

rng = np.random.default_rng(0)
position = rng.uniform(0, 1, 1000)
reading = position + 0.3 * np.sin(2 * np.pi * position) + rng.normal(0, 0.05, 1000)
X_train, X_test, y_train, y_test = train_test_split(
    pd.DataFrame({"reading": reading}), position, random_state=0
)

# %%
# On one side a spline with normal errors, on the other a mixture of five straight lines.
# Both pictures have the same scale of colours.

spline = make_pipeline(SplineTransformer(n_knots=8), LinearRegression())
models = {
    "one Gaussian around a spline": MixtureOfExpertsRegressor(spline, n_experts=1),
    "mixture of five lines": MixtureOfExpertsRegressor(n_experts=5, random_state=0),
}
fig, axes = plt.subplots(
    1, 2, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    model.fit(X_train, y_train)
    display = DensityFanDisplay.from_estimator(
        model, X_test, y_test, feature="reading", style="heat", ax=ax,
        vmax=8, colorbar=ax is axes[1],
    )  # fmt: skip
    display.points_.set(sizes=[9], facecolor="white", edgecolor="#333333", linewidth=0.5)
    ax.set(title=name, xlabel="reading", ylabel="position", ylim=(-0.1, 1.1))
axes[1].set_ylabel("")
plt.show()

# %%
# Points are rows that were held out. The dashed means are about equally far from them,
# so the root mean squared error hardly tells the models apart. Scores of the whole
# density do.

scores = {}
for name, model in models.items():
    density = model.predict_distribution(X_test)
    scores[name] = {
        "RMSE": root_mean_squared_error(y_test, density.mean()),
        "CRPS": crps(y_test, density),
        "log-likelihood per row": density.logpdf(y_test).mean(),
        "within 90 % interval": coverage(y_test, density, 0.9),
    }
pd.DataFrame(scores).T.round(3)

# %%
# At a reading of one half, the truth is 0.21, 0.50 or 0.79. The mixture's density has its
# peaks there; its mean and standard deviation would tell nothing of it.

half = pd.DataFrame({"reading": [0.5]})
mixture = models["mixture of five lines"]
density = mixture.predict_distribution(half)
grid = np.linspace(0, 1, 401)
height = density[np.zeros(401, dtype=int)].pdf(grid)
peaks = grid[1:-1][(height[1:-1] > height[:-2]) & (height[1:-1] > height[2:])]
print("peaks at", *(f"{peak:.2f}" for peak in peaks))
print(f"mean {density.mean()[0]:.2f}, standard deviation {density.std()[0]:.2f}")
