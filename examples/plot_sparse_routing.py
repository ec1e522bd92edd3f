"""
Which rows does each of many experts get?
=========================================

With ``top_k=2`` a row is sent to the two experts that the gate thinks most likely, and no
other is fitted to it, or asked about it. If regimes have borders, a row needs no more,
and sixteen experts find sixteen regions.
"""

# %%
# Sixteen lines, each in its own region of the first two columns, and the regions differ
# in size. They are what the gate has to find.

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression
from skmoe.inspection import ExpertLoadDisplay, RoutingDisplay, expert_colors

X, y, truth = make_moe_regression(
    n_samples=8000,
    n_features=6,
    n_experts=16,
    n_gate_features=2,
    gate_scale=100,
    noise=(0.2, 0.4),
    return_truth=True,
    random_state=0,
)
regimes = truth.gate_proba.argmax(axis=1)
X_train, X_test, y_train, y_test, _, regimes_test, _, truth_test = train_test_split(
    X, y, regimes, truth.logpdf, test_size=2000, random_state=0
)
line = LinearRegression().fit(X_train, y_train)
spread = np.std(y_train - line.predict(X_train))
print(f"{'held-out rows':12}{'R2':>8}{'log-likelihood':>17}{'answers per row':>18}")
score = norm.logpdf(y_test, line.predict(X_test), spread).mean()
print(f"{'one line':12}{line.score(X_test, y_test):9.3f}{score:17.2f}{1:18}")
for name, top_k in {"all experts": None, "top_k=2": 2}.items():
    model = MixtureOfExpertsRegressor(n_experts=16, top_k=top_k, random_state=0)
    model.fit(X_train, y_train)
    r2, score = model.score(X_test, y_test), model.score_samples(X_test, y_test).mean()
    print(f"{name:12}{r2:9.3f}{score:17.2f}{model.top_k_:18}")
print(f"{'the truth':12}{'':9}{truth_test.mean():17.2f}")

# %%
# The regimes of the truth, and the experts that rows are sent to. A regime has the colour
# of the expert that got most of its rows.

experts = model.predict_gate_proba(X_test).argmax(axis=1)
together = np.zeros((16, 16))
np.add.at(together, (regimes_test, experts), 1)
_, expert_of = linear_sum_assignment(-together)
agreement = np.mean(expert_of[regimes_test] == experts)
print(f"rows that are sent to their regime's own expert: {agreement:.0%}")

colors = np.array(expert_colors(16))
fig, axes = plt.subplots(1, 2, figsize=(7, 3.8), layout="constrained")
for ax, title, owners in (
    (axes[0], "regimes of the truth", expert_of[regimes_test]),
    (axes[1], "experts with top_k=2", experts),
):
    ax.scatter(*X_test[:, :2].T, s=7, c=colors[owners], linewidths=0)
    ax.set(title=title, xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    ax.axis("off")
plt.show()

# %%
# Who is asked along a column
# ---------------------------
# Most rows need one expert, and have a second near a border: ``gate_entropy_``, the
# entropy of the weights of a row's two experts, is far below its largest value, log(2) =
# 0.69. Near that, two would be too few.

print(f"gate_entropy_: {model.gate_entropy_:.2f}")
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
RoutingDisplay.from_estimator(model, X_test, feature=0, ax=ax)
plt.show()

# %%
# Loads follow the sizes of the regimes. See
# :ref:`sphx_glr_auto_examples_plot_load_balancing.py` for what can be done about it.

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ExpertLoadDisplay.from_estimator(model, ax=ax)
plt.show()
