"""
Who responds to the treatment?
==============================

Patients are seen five times each. Some respond, others do not, and one visit hardly tells
which. It is the patient who is of one kind, so ``groups=`` gives all visits of a patient
to one expert.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inspection import expert_colors

# %%
# 120 patients
# ------------
# Their score falls with the weeks if they respond, which is likelier at a young age.

rng = np.random.default_rng(0)
n_patients, n_visits = 120, 5
patient = np.repeat(np.arange(n_patients), n_visits)
age = rng.uniform(20, 80, n_patients)
responds = rng.uniform(size=n_patients) < 1 / (1 + np.exp((age - 50) / 6))
week = np.tile(np.arange(n_visits), n_patients) + rng.uniform(0, 0.6, patient.size)
visits = pd.DataFrame({"week": week, "age": age[patient]})
y = 10 - np.where(responds, 1.2, 0.0)[patient] * week
y += 2.0 * rng.standard_normal(patient.size)

# %%
# Two fits
# --------
# Experts know the week, the gate the age, which is the same at all visits of a patient.
# The first fit takes each visit for a row of its own, the second knows whose it is.


def only(column, last):
    """A pipeline whose last step sees one column."""
    return make_pipeline(make_column_transformer(("passthrough", [column])), last)


course, gate = only("week", LinearRegression()), only("age", SoftmaxGate())
by_visit = MixtureOfExpertsRegressor(course, 2, gate=gate, random_state=0)
by_visit.fit(visits, y)
by_patient = MixtureOfExpertsRegressor(course, 2, gate=gate, random_state=0)
by_patient.fit(visits, y, groups=patient)

# %%
# What each says of a patient
# ---------------------------
# A line of cells is a patient, from young at the top to old; a cell is a visit, coloured
# by the probability that the patient responds. Visit by visit, patients change their kind
# on the way, and the first weeks tell nothing but the age. Patient by patient, they are
# what they are.


def responding(model):
    """Number of the expert whose course falls."""
    return int(np.argmin([expert[-1].coef_[0] for expert in model.experts_]))


by_age = np.argsort(age)
tables = {
    "visit by visit": by_visit.responsibilities(visits, y)[:, responding(by_visit)],
    "patient by patient": by_patient.responsibilities(visits, y, groups=patient)[
        :, responding(by_patient)
    ],
    "truth": responds[patient],
}
still, falling = expert_colors(2)
shades = LinearSegmentedColormap.from_list("kinds", [still, "white", falling])
fig, axes = plt.subplots(1, 3, figsize=(7, 5), sharey=True, layout="constrained")
for ax, (title, share) in zip(axes, tables.items(), strict=True):
    cells = share.reshape(n_patients, n_visits)[by_age]
    picture = ax.imshow(
        cells, cmap=shades, vmin=0, vmax=1, aspect="auto", interpolation="nearest"
    )
    ax.set(title=title, xlabel="week", yticks=[])
axes[0].set_ylabel("patients, by age")
fig.colorbar(picture, ax=axes, label="probability to respond", shrink=0.6)
plt.show()

# %%
# How many are told rightly
# -------------------------

for title in ("visit by visit", "patient by patient"):
    right = ((tables[title] > 0.5) == tables["truth"]).mean()
    print(f"{title}: {right:.0%} of the visits go to the right kind")

# %%
# The courses
# -----------
# Dashed are the true ones: 10 throughout, and 10 that falls by 1.2 a week.

weeks = np.array([0.0, 4.6])
ends = by_patient.predict_experts(pd.DataFrame({"week": weeks, "age": 50.0}))
kind = responding(by_patient)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.scatter(week, y, s=12, c=tables["patient by patient"], cmap=shades, edgecolor="none")
for number, color, slope in ((1 - kind, still, 0.0), (kind, falling, -1.2)):
    ax.plot(weeks, ends[:, number], color=color, linewidth=3)
    ax.plot(weeks, 10 + slope * weeks, "--", color="#333333")
ax.set(xlabel="week", ylabel="score")
plt.show()

# %%
# Before a visit, only the gate can say
# -------------------------------------
# It has learnt from 120 patients, each of whom counts once, how age matters.

ages = np.linspace(20, 80, 100)
rows = pd.DataFrame({"week": 0.0, "age": ages})
fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(ages, by_patient.predict_gate_proba(rows)[:, kind], color=falling, label="gate")
ax.plot(ages, 1 / (1 + np.exp((ages - 50) / 6)), "--", color="#333333", label="truth")
ax.scatter(age, responds, s=12, color="#8c8c8c", label="patients")
ax.set(xlabel="age", ylabel="probability to respond")
ax.legend()
plt.show()
