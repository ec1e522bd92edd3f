"""
Must all experts be of the same kind?
=====================================

No: a list of estimators is one expert each. Here a tree, a line and a spline share the
work, and each gets the regime that has its own shape.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inspection import ExpertCurvesDisplay

# %%
# The data are generated: what 1200 parcels cost. Light ones go by post, whose tariff has
# zones; heavier ones by courier, who counts kilometres; the heaviest by freight, whose
# price rises and falls with the distance. Who took a parcel is not in the table.

rng = np.random.default_rng(0)
km, kg = rng.uniform(0, 100, 1200), rng.uniform(0, 30, 1200)
carrier = np.digitize(kg + rng.normal(0, 1.5, 1200), [10, 20])
price = np.choose(
    carrier,
    [
        5 + 4 * np.digitize(km, [15, 50, 80]) + rng.normal(0, 0.6, 1200),
        2 + 0.45 * km + rng.normal(0, 1.5, 1200),
        30 + 25 * np.sin(2 * np.pi * km / 100) + rng.normal(0, 2.0, 1200),
    ],
)
parcels = pd.DataFrame({"km": km, "kg": kg})
X_train, X_test, y_train, y_test = train_test_split(parcels, price, random_state=0)

# %%
# Experts see the distance, the gate sees the weight. A tree of six leaves can hardly
# memorise its rows, so nothing need be held out (``cv=None``); of five starts the
# best is kept, as it depends on the start which expert meets which regime first.


def seeing(column, transformer, estimator):
    """Pipeline of an estimator that sees one column."""
    return make_pipeline(make_column_transformer((transformer, [column])), estimator)


steps = seeing("km", "passthrough", DecisionTreeRegressor(max_leaf_nodes=6))
line = seeing("km", "passthrough", LinearRegression())
curve = seeing("km", SplineTransformer(n_knots=8), LinearRegression())


def mixture_of(experts):
    """Mixture of three, or of those in a list."""
    return MixtureOfExpertsRegressor(
        experts,
        n_experts=3,
        gate=seeing("kg", "passthrough", SoftmaxGate()),
        cv=None,
        n_init=5,
        random_state=0,
    )


mixture = mixture_of([("tree", steps), ("line", line), ("spline", curve)])
_ = mixture.fit(X_train, y_train)

# %%
# The three tariffs, as the experts have found them. Curves are averaged over all
# weights, points coloured by responsibility.

fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
ExpertCurvesDisplay.from_estimator(
    mixture, X_train, y_train, feature="km", kind="average", ax=ax
)
ax.set(xlabel="distance (km)", ylabel="price (EUR)")
plt.show()

# %%
# Any one kind three times is worse on parcels that were held out, and so is boosting,
# which sees both columns but knows one noise level, and no regimes.

models = {
    "three trees": mixture_of(steps),
    "three lines": mixture_of(line),
    "three splines": mixture_of(curve),
    "tree, line and spline": mixture,
    "boosting alone": MixtureOfExpertsRegressor(
        HistGradientBoostingRegressor(random_state=0), n_experts=1, random_state=0
    ),
}
scores = {}
for name, model in models.items():
    model.fit(X_train, y_train)
    scores[name] = {
        "RMSE (EUR)": root_mean_squared_error(y_test, model.predict(X_test)),
        "log-likelihood per row": model.score_samples(X_test, y_test).mean(),
    }
pd.DataFrame(scores).T.round(2)
