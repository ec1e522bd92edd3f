"""
Whom does the treatment help?
=============================

The young get better with a larger dose, the old get worse. One logistic regression sees
no effect at all; two of them, and a gate between them, see both.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsClassifier
from skmoe.gates import SoftmaxGate
from skmoe.inspection import ExpertCurvesDisplay, GateDisplay

# %%
# The data are generated: age and dose of 800 patients, and whether they recovered. At
# about sixty, the effect of the dose turns round.

rng = np.random.default_rng(0)
age, dose = rng.uniform(20, 100, 800), rng.uniform(0, 10, 800)
is_young = rng.random(800) < 1 / (1 + np.exp((age - 60) / 3))
log_odds = np.where(is_young, 1.6 * (dose - 5), -1.6 * (dose - 4))
recovered = rng.random(800) < 1 / (1 + np.exp(-log_odds))
patients = pd.DataFrame({"age": age, "dose": dose})
X_train, X_test, y_train, y_test = train_test_split(patients, recovered, random_state=0)

# %%
# The gate looks at the age, and the experts at the dose. Left to itself, the mixture
# might as well cut the plane the other way round: few pills against many, and within each
# half the young against the old. Both explain the data; this one answers our question.
# The experts were named after a first look.


def seeing(column, estimator):
    """Pipeline of an estimator that sees one column."""
    return make_pipeline(make_column_transformer(("passthrough", [column])), estimator)


mixture = MixtureOfExpertsClassifier(
    [(name, seeing("dose", LogisticRegression())) for name in ("old", "young")],
    gate=seeing("age", SoftmaxGate()),
    random_state=0,
)
_ = mixture.fit(X_train, y_train)

# %%
# On the left, who answers where, and which of 200 new patients recovered (filled) or did
# not (open). On the right, what each expert says of the dose, and the mean of all ages.

fig, (regions, curves) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
GateDisplay.from_estimator(mixture, X_train, features=["age", "dose"], ax=regions)
for outcome, color in ((True, "#333333"), (False, "white")):
    rows = X_test[y_test == outcome]
    regions.scatter(
        rows["age"], rows["dose"], s=16, color=color, edgecolor="#333333", linewidth=0.6
    )
ExpertCurvesDisplay.from_estimator(
    mixture, X_train, feature="dose", target=True, kind="average", ax=curves
)
curves.set_ylabel("probability of recovery")
plt.show()

# %%
# On patients that no model has seen, a single logistic regression is little better than
# a coin. Boosting finds the regions as well, out of many steps; the mixture needs two
# lines and a border, and is closer to the best that can be known.

truth = 1 / (1 + np.exp((X_test["age"] - 60) / 3))
best = truth / (1 + np.exp(-1.6 * (X_test["dose"] - 5)))
best += (1 - truth) / (1 + np.exp(1.6 * (X_test["dose"] - 4)))
probabilities = {
    name: model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    for name, model in {
        "one logistic regression": LogisticRegression(),
        "boosting": HistGradientBoostingClassifier(random_state=0),
        "mixture of two logistic regressions": mixture,
    }.items()
} | {"the truth": best}
scores = {
    name: {
        "accuracy": np.mean((proba > 0.5) == y_test),
        "log loss": log_loss(y_test, proba),
    }
    for name, proba in probabilities.items()
}
pd.DataFrame(scores).T.round(3)

# %%
# The experts can be read as any logistic regression: log-odds of recovery for each unit
# of the dose, -1.6 for the old and +1.6 for the young in truth.

for name, expert in zip(["old", "young"], mixture.experts_, strict=True):
    print(f"{name:6} {expert[-1].coef_[0, 0]:+.2f}")
