"""
How do I save a mixture, and serve it?
======================================

With skops, which loads no code but what you trust, unlike pickle. For serving,
``to_hard_router()`` makes a model that asks one expert about each row, and no other.
"""

# %%
# A mixture of boosted trees, and a single one to compare with.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

import skmoe
from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_moe_regression

X, y = make_moe_regression(2500, 8, 4, noise=0.3, gate_scale=50, random_state=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1000, random_state=0)
boosting = HistGradientBoostingRegressor(max_iter=20, learning_rate=0.3)
single = boosting.fit(X_train, y_train)
mixture = MixtureOfExpertsRegressor(boosting, n_experts=4, random_state=0)
model = mixture.fit(X_train, y_train)

# %%
# Save and load
# -------------
# A file says which types it needs. Those of this package are in ``skmoe.TRUSTED_TYPES``;
# what else there is, here of scikit-learn's boosting, is for you to look at, and to
# trust.

saved = skops.io.dumps(model)
unknown = skops.io.get_untrusted_types(data=saved)
others = sorted(set(unknown) - set(skmoe.TRUSTED_TYPES))
print("to be looked at:", *others, sep="\n    ")

loaded = skops.io.loads(saved, trusted=[*skmoe.TRUSTED_TYPES, *others])
same = np.array_equal(loaded.predict(X_test), model.predict(X_test))
print(f"{len(saved) / 1e6:.1f} MB; the same predictions after loading: {same}")

# %%
# Serve
# -----
# The router answers with the expert that is most likely for a row. It is saved in the
# same way.

router = loaded.to_hard_router()
skops.io.loads(skops.io.dumps(router), trusted=[*skmoe.TRUSTED_TYPES, *others])


def milliseconds(function, *args, n_repeats=30):
    """The median of some calls."""
    taken = []
    for _ in range(n_repeats):
        start = perf_counter()
        function(*args)
        taken.append(perf_counter() - start)
    return 1e3 * np.median(taken)


many = np.tile(X_test, (20, 1))
models = {"one expert for all": single, "mixture": loaded, "hard router": router}
results = {
    name: (
        milliseconds(one.predict, X_test[:1]),
        milliseconds(one.predict, many, n_repeats=5),
        root_mean_squared_error(y_test, one.predict(X_test)),
    )
    for name, one in models.items()
}
print(f"{'':20}{'one row, ms':>13}{f'{len(many)} rows, ms':>18}{'RMSE':>8}")
for name, (one_row, many_rows, rmse) in results.items():
    print(f"{name:20}{one_row:13.2f}{many_rows:18.1f}{rmse:8.3f}")

# %%
# A router takes hardly longer than one expert. What it gives up is the blend of experts
# near the borders, and the density: ``predict_distribution`` needs the mixture.

fig, axes = plt.subplots(1, 3, figsize=(7, 3), sharey=True, layout="constrained")
titles = ("one row, ms", f"{len(many):,} rows, ms", "RMSE, held-out rows")
for ax, title, values in zip(
    axes, titles, zip(*results.values(), strict=True), strict=True
):
    bars = ax.barh(list(results), values, color=["#8c8c8c", "#0072B2", "#D55E00"])
    ax.bar_label(bars, fmt="%.2f" if max(values) < 10 else "%.0f", padding=3)
    ax.set(title=title, xticks=[], xlim=(0, 1.25 * max(values)))
    ax.spines[["top", "right", "bottom"]].set_visible(False)
axes[0].invert_yaxis()
plt.show()
