"""
How many experts are there?
===========================

Fit one, two, three, ..., and look at what each is worth: by an information criterion,
which takes the parameters into account, or by the likelihood of held-out rows, which
assumes nothing and takes more time.
"""

# %%
# Data of three regimes
# ---------------------
# The BIC looks for the true number; the ICL wants the experts to be told apart, too. The
# AIC estimates what the held-out score measures, and is known to take too many, as here.
# All are -2 times a log-likelihood, so lower is better.

import matplotlib.pyplot as plt
from sklearn.model_selection import cross_val_score

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.inspection import InformationCriteriaDisplay

X, y = make_moe_regression(n_samples=800, n_experts=3, random_state=0)
model = MixtureOfExpertsRegressor(random_state=0)

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
display = InformationCriteriaDisplay.from_estimator(
    model, X, y, n_experts=range(1, 7), cv=5, ax=ax
)
plt.show()

# %%
# The numbers behind it, and the best number of experts by each.

for name, values in display.values.items():
    best = display.best_n_experts[name]
    print(f"{name:6}" + "".join(f"{value:8.0f}" for value in values) + f"   best: {best}")

# %%
# Let the fit find out
# --------------------
# ``n_experts="auto"`` adds experts while that pays, and stops at the first that does not.
# What the point predictions gain by it:

model.set_params(n_experts="auto").fit(X, y)
print(f"n_experts='auto' found {model.n_experts_}")
for n_experts in (1, model.n_experts_, 6):
    scores = cross_val_score(model.set_params(n_experts=n_experts), X, y, cv=5)
    print(f"{n_experts} experts: R2 on held-out rows {scores.mean():.3f}")
