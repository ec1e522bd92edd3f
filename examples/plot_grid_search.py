"""
How many experts, which gate, which experts?
============================================

Let cross-validation say. A mixture is a step of a pipeline like any other, so one grid
search compares all of it, on a table with categories and missing values.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.inspection import ExpertCurvesDisplay, GateDisplay, expert_colors
from skmoe.metrics import neg_log_likelihood_scorer

# %%
# The data are generated: rents of 900 flats. Rents of newer houses are free and follow
# the market of the district; those of older ones are regulated. The table does not say
# which are, and some of its values are missing.

rng = np.random.default_rng(0)
flats = pd.DataFrame({"area": rng.gamma(9, 8, 900).round()})
flats["built"] = rng.integers(1890, 2024, 900).astype(float)
flats["district"] = rng.choice(["centre", "north", "river", "south"], 900)
flats["heating"] = rng.choice(["gas", "district", "heat pump"], 900)
per_metre = 11 + flats["district"].map({"centre": 3, "north": 0, "river": 2, "south": -1})
is_free = rng.random(900) < 1 / (1 + np.exp((1978 - flats["built"]) / 8))
rent = np.where(
    is_free,
    200 + per_metre * flats["area"] + rng.normal(0, 120, 900),
    60 + 6.2 * flats["area"] + 40 * (flats["heating"] == "gas") + rng.normal(0, 45, 900),
)
for column, share in {"area": 0.05, "built": 0.08, "heating": 0.1}.items():
    flats.loc[rng.random(900) < share, column] = np.nan
X_train, X_test, y_train, y_test = train_test_split(flats, rent, random_state=0)
X_train.head()

# %%
# The pipeline, and sixteen candidates. The score is the log-likelihood per row: it asks
# for a good density, not only for a good mean. Since scikit-learn 1.9 a search shows its
# progress as a bar (with the package ``rich``); before, ``verbose=3`` prints lines.

table = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["area", "built"]),
    (OneHotEncoder(handle_unknown="ignore"), ["district", "heating"]),
)
pipeline = Pipeline(
    [("table", table), ("mixture", MixtureOfExpertsRegressor(random_state=0))]
)
grid = {
    "mixture__n_experts": [1, 2, 3, 4],
    "mixture__gate": ["softmax", "constant"],
    "mixture__experts": [Ridge(), DecisionTreeRegressor(min_samples_leaf=20)],
}
search = GridSearchCV(pipeline, grid, scoring=neg_log_likelihood_scorer, cv=4)
if hasattr(search, "set_callbacks"):
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=0))
_ = search.fit(X_train, y_train)

# %%
# All candidates in one picture, with standard errors over the folds. The gate that looks
# at the flat is worth most; linear experts do better than trees; a third expert adds
# nothing.

results = pd.DataFrame(search.cv_results_)
kind = ["Ridge" in str(expert) for expert in results["param_mixture__experts"]]
results["kind"] = np.where(kind, "linear experts", "trees")
colors = dict(zip(["linear experts", "trees"], expert_colors(2), strict=True))
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for (kind, gate), part in results.groupby(["kind", "param_mixture__gate"]):
    ax.errorbar(
        part["param_mixture__n_experts"].astype(int), part["mean_test_score"],
        part["std_test_score"] / np.sqrt(4), label=f"{kind}, {gate} gate", lw=2,
        fmt="o-" if gate == "softmax" else "s--", color=colors[kind], elinewidth=1,
    )  # fmt: skip
best = search.best_params_["mixture__n_experts"]
ax.plot(best, search.best_score_, "ko", ms=18, mfc="none", label="best")
ax.spines[["top", "right"]].set_visible(False)
ax.set(xlabel="number of experts", ylabel="log-likelihood per row", xticks=range(1, 5))
ax.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.18), fontsize=9)
plt.show()

# %%
# What has it found? Pictures are made of the search as a whole, so they speak of the
# table's own columns: the year of construction decides, and each expert has a price per
# square metre.

fig, (gate, curves) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
GateDisplay.from_estimator(search, X_train, features="built", ax=gate)
ExpertCurvesDisplay.from_estimator(
    search, X_train, y_train, feature="area", kind="average", ax=curves
)
curves.set_ylabel("rent")
plt.show()

# %%
# And on the 225 flats that the search has not seen, next to boosting, which takes the
# same columns:

boosting = pipeline.set_params(
    mixture__experts=HistGradientBoostingRegressor(random_state=0), mixture__n_experts=1
)
models = {"best of the search": search, "boosting alone": boosting.fit(X_train, y_train)}
for name, model in models.items():
    error = root_mean_squared_error(y_test, model.predict(X_test))
    score = neg_log_likelihood_scorer(model, X_test, y_test)
    print(f"{name:20} RMSE {error:.0f}, log-likelihood per flat {score:.2f}")
