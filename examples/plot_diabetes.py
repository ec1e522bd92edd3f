"""
Do one line and one noise level describe all patients?
======================================================

The data are scikit-learn's: 442 patients, ten measurements, and how far their diabetes
had progressed a year later. Two linear experts explain progression by body mass index
(bmi) and blood pressure (bp); which of them speaks for a patient depends on s5 (possibly
the log of serum triglycerides).
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inspection import ExpertCurvesDisplay, GateDisplay, expert_report

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)

# %%
# Gate and experts may look at different columns: each can be a pipeline. The experts got
# their names after a first look; the settings were fixed before it, and nothing is tuned.


def seeing(columns, last):
    """A model or a gate that sees these columns only."""
    return make_pipeline(make_column_transformer(("passthrough", columns)), last)


mixture = MixtureOfExpertsRegressor(
    [(name, seeing(["bmi", "bp"], LinearRegression())) for name in ("steep", "flat")],
    gate=seeing(["s5"], SoftmaxGate()),
    random_state=0,
)
_ = mixture.fit(X, y)

# %%
# The experts over body mass index, at the median of the other columns, and the gate over
# s5. Points are coloured by responsibility: by the expert that explains a patient once
# progression is known. Bands hold 90 % of what each expert expects.

fig, (curves, gate) = plt.subplots(
    1, 2, figsize=(10, 4.6), width_ratios=[2, 1], layout="constrained"
)
ExpertCurvesDisplay.from_estimator(mixture, X, y, feature="bmi", ax=curves)
GateDisplay.from_estimator(mixture, X, features="s5", ax=gate)
curves.set(xlabel="body mass index", ylabel="progression after a year")
gate.set(xlabel="s5 (log triglycerides)")
plt.show()

# %%
# In numbers: low s5 goes with small slopes and half the noise, high s5 with a steep line
# and much that it leaves open. The report, turned round, has a column for each expert.

report = expert_report(mixture, X, y).drop(columns="kind")
for place, name in enumerate(["bmi", "bp"]):
    report[f"slope of {name}"] = [e[-1].coef_[place] for e in mixture.experts_]
print(report.round(2).T.to_string())

# %%
# Does it pay? All models on the same folds: 10-fold cross-validation, twice. A mixture of
# one expert is a line with normal errors.

one = MixtureOfExpertsRegressor(n_experts=1)
models = {
    "one line on bmi, bp, s5": clone(one).set_params(
        experts=seeing(["bmi", "bp", "s5"], LinearRegression())
    ),
    "mixture, experts on bmi, bp, gate on s5": mixture,
    "one line on all ten columns": one,
    "mixture of two on all ten columns": MixtureOfExpertsRegressor(
        n_experts=2, random_state=0
    ),
}
folds = list(RepeatedKFold(n_splits=10, n_repeats=2, random_state=0).split(X))


def scores_of(model, train, test):
    """RMSE, R2 and log-likelihood per row of the test rows."""
    fitted = clone(model).fit(X.iloc[train], y.iloc[train])
    prediction, target = fitted.predict(X.iloc[test]), y.iloc[test]
    return (
        root_mean_squared_error(target, prediction),
        r2_score(target, prediction),
        fitted.score_samples(X.iloc[test], target).mean(),
    )


scores = {
    name: np.array([scores_of(model, *fold) for fold in folds])
    for name, model in models.items()
}
names = ["RMSE", "R2", "log-likelihood per row"]
table = pd.DataFrame({name: v.mean(axis=0) for name, v in scores.items()}, index=names)
print(table.T.round(3).to_string())

# %%
# Standard errors of the gain by the mixture, corrected for training sets that overlap
# (Nadeau and Bengio 2003). Point predictions gain next to nothing. With the gate on s5,
# the density gains; with all columns there is no gain that these folds could show.

inflation = np.sqrt(1 / len(folds) + 1 / 9)
ours = list(models)
for line, mixed in (ours[:2], ours[2:]):
    gain = scores[mixed] - scores[line]
    mean, error = gain.mean(axis=0), gain.std(axis=0, ddof=1) * inflation
    print(
        f"{mixed:42} RMSE {mean[0]:+.2f} ({error[0]:.2f})   "
        f"log-likelihood {mean[2]:+.3f} ({error[2]:.3f})"
    )
