"""
Many experts at the price of two
================================

A mixture of sixteen experts asks all sixteen about each row, though for most rows one or
two have something to say. With ``top_k=2`` a row is sent to the two experts that the gate
thinks most likely, and no other is asked about it, or fitted to it. What a row costs then
depends on ``top_k`` and hardly on how many experts there are.

The cells can be run one by one, or all at once as a script, which takes some seconds and
draws ``sparse_routing.png``.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression

# %%
# Data with many regimes
# ----------------------
# Sixteen lines, each in its own region of the first two columns; they are what the gate
# has to find. The gate of the truth is sharp: its two likeliest experts nearly always
# have all of a row. That is when sparse routing is right. The regions differ in size.

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
X_train, X_test, y_train, y_test, _, truth_test = train_test_split(
    X, y, truth.logpdf, test_size=2000, random_state=0
)
two_likeliest = np.sort(truth.gate_proba, axis=1)[:, -2:].sum(axis=1).mean()
sizes = truth.gate_proba.mean(axis=0)
print(f"the two likeliest of 16 regimes have {two_likeliest:.1%} of a row")
print(f"share of rows of a regime: {sizes.min():.1%} to {sizes.max():.1%}")

# %%
# All experts, two, and two with even loads
# -----------------------------------------
# ``load_balancing="bias"`` adds a number for each expert to the scores by which rows are
# sent, so that all experts get about as many. It changes where rows go, and nothing else:
# the weights of a row's two experts are the gate's own.

models = {
    "all experts": MixtureOfExpertsRegressor(n_experts=16, random_state=0),
    "top_k=2": MixtureOfExpertsRegressor(n_experts=16, top_k=2, random_state=0),
    "top_k=2, even": MixtureOfExpertsRegressor(
        n_experts=16, top_k=2, load_balancing="bias", random_state=0
    ),
}
print(f"\n{'':16}{'RMSE':>8}{'log-lik.':>10}")
for name, model in models.items():
    model.fit(X_train, y_train)
    rmse = root_mean_squared_error(y_test, model.predict(X_test))
    log_likelihood = model.score_samples(X_test, y_test).mean()
    print(f"{name:16}{rmse:8.3f}{log_likelihood:10.3f}")
print(f"{'truth':16}{'':8}{truth_test.mean():10.3f}")

# %%
# A row's gate probabilities are zero but for two experts, and those two sum to one. What
# is asked of the model (``predict``, ``score_samples``, ``predict_distribution``) knows
# no others.

proba = models["top_k=2"].predict_gate_proba(X_test[:3])
print("\ngate probabilities of three rows, with top_k=2")
for row in proba:
    print("  ".join(f"expert {k}: {row[k]:.3f}" for k in np.flatnonzero(row)))

# %%
# Balance
# -------
# ``expert_load_`` is the share of the sendings that went to each expert: a sixteenth
# would be even. Without balancing, loads follow the sizes of the regimes, and an expert
# that starts badly may end with hardly a row. Balancing is not free: where regimes differ
# in size, as here, it sends rows to experts that know less of them. It is for experts
# that would lie idle, or for a computer that wants them to be equally busy.
#
# ``gate_entropy_`` is the mean entropy of the weights of a row's experts, in nats: zero
# if one always has all, log(2) = 0.69 if both always have half. Near the upper end, two
# experts are too few for the rows, and a larger ``top_k`` is worth a try.

loads = {}
print(
    f"\n{'':16}{'smallest load':>15}{'largest':>9}{'std / mean':>12}{'gate entropy':>14}"
)
for name in ("top_k=2", "top_k=2, even"):
    model = models[name]
    load = loads[name] = np.sort(model.expert_load_)[::-1]
    print(
        f"{name:16}{load[-1]:15.3f}{load[0]:9.3f}{load.std() / load.mean():12.2f}"
        f"{model.gate_entropy_:14.2f}"
    )

# %%
# Cost
# ----
# With experts that are not asked all at once, such as trees, each expert is as much work
# as the rows that it is sent. So predictions of many experts, two of them asked about
# each row, take as long as those of few; if all are asked, the time grows with their
# number. What still grows is the gate, which has to score every expert, and in a fit also
# what an expert costs however few its rows are; on so small a table, these are much of
# the whole.

EXPERT = DecisionTreeRegressor(max_depth=6, min_samples_leaf=5)
NUMBERS = [4, 8, 16, 32]
many_rows = np.random.default_rng(0).standard_normal((20_000, X.shape[1]))


def seconds(function, n_repeats=1):
    """The fastest of some calls."""
    taken = []
    for _ in range(n_repeats):
        start = perf_counter()
        function()
        taken.append(perf_counter() - start)
    return min(taken)


fit_seconds, predict_seconds = {}, {}
for top_k in (2, None):
    for n_experts in NUMBERS:
        model = MixtureOfExpertsRegressor(
            EXPERT, n_experts=n_experts, top_k=top_k, random_state=0
        )
        fit_seconds[top_k, n_experts] = seconds(
            lambda m=model: m.fit(X_train[:1200], y_train[:1200])
        )
        predict_seconds[top_k, n_experts] = seconds(
            lambda m=model: m.predict(many_rows), n_repeats=5
        )

print(f"\n{'':10}{'fit, seconds':>24}{'20,000 predictions, ms':>28}")
print(f"{'experts':10}{'top_k=2':>12}{'all asked':>12}{'top_k=2':>16}{'all asked':>12}")
for k in NUMBERS:
    print(
        f"{k:<10}{fit_seconds[2, k]:12.2f}{fit_seconds[None, k]:12.2f}"
        f"{1e3 * predict_seconds[2, k]:16.1f}{1e3 * predict_seconds[None, k]:12.1f}"
    )

# %%
# As a picture: cost on the left, loads on the right.

BLUE, ORANGE = "#2166ac", "#d95f0e"
plt.rcParams.update({"font.size": 11, "axes.edgecolor": "#999999"})
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
figure.get_layout_engine().set(w_pad=0.12)

for top_k, label, colour in ((None, "all experts asked", BLUE), (2, "top_k=2", ORANGE)):
    line = [1e3 * predict_seconds[top_k, k] for k in NUMBERS]
    left.plot(NUMBERS, line, "o-", color=colour, lw=2.5, label=label)
left.set(xlabel="experts", ylabel="milliseconds", ylim=(0, None), xticks=NUMBERS)
left.set_title("Predictions of 20,000 rows, trees as experts", fontsize=11)
left.legend(frameon=False)

places = np.arange(16)
for (name, load), shift, colour in zip(
    loads.items(), (-0.2, 0.2), (ORANGE, "#8c8c8c"), strict=True
):
    label = {"top_k=2": "by the gate alone"}.get(name, 'load_balancing="bias"')
    right.bar(places + shift, load, width=0.4, color=colour, label=label)
right.axhline(1 / 16, color="#333333", lw=1, ls=(0, (4, 2)))
right.set(xlabel="experts, by load", ylabel="share of the sendings", xticks=[])
right.set_title("Load of sixteen linear experts; dashed: even", fontsize=11)
right.legend(frameon=False)
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
figure.savefig("sparse_routing.png", dpi=110)
print("\nsaved sparse_routing.png")
