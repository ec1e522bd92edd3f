"""Do one line and one noise level describe the progression of diabetes in everybody?

The data are scikit-learn's: 442 patients, ten baseline measurements, and a measure of
how far the disease had progressed a year later. Two linear experts explain progression
by body mass index (bmi) and blood pressure (bp); which of them speaks for a patient
depends on s5 (possibly the log of serum triglycerides). The same is done with all ten
columns. Both settings are fixed beforehand; nothing is tuned on the folds.

Prints what cross-validation says, and what each expert says; draws ``diabetes.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate

data = load_diabetes(scaled=False)
X, y, names = data.data, data.target, list(data.feature_names)
BMI, BP, S5 = (names.index(name) for name in ("bmi", "bp", "s5"))
BLUE, ORANGE, INK = "#2166ac", "#d95f0e", "#333333"


def on_columns(columns, last):
    """A model or a gate that sees these columns only."""
    return make_pipeline(make_column_transformer(("passthrough", columns)), last)


MIXTURE = MixtureOfExpertsRegressor(
    on_columns([BMI, BP], LinearRegression()),
    n_experts=2,
    gate=on_columns([S5], SoftmaxGate()),
    random_state=0,
)
MODELS = {
    "one line, bmi bp": on_columns([BMI, BP], LinearRegression()),
    "one line, bmi bp s5": on_columns([BMI, BP, S5], LinearRegression()),
    "mixture, bmi bp | s5": MIXTURE,
    "one line, all columns": LinearRegression(),
    "mixture, all columns": MixtureOfExpertsRegressor(n_experts=2, random_state=0),
}


def score(model, train, test):
    """RMSE, R2 and mean log-likelihood of the test rows."""
    model = clone(model).fit(X[train], y[train])
    prediction = model.predict(X[test])
    if isinstance(model, MixtureOfExpertsRegressor):
        log_likelihood = model.score_samples(X[test], y[test])
    else:
        sigma = root_mean_squared_error(y[train], model.predict(X[train]))
        log_likelihood = norm.logpdf(y[test], prediction, sigma)
    rmse = root_mean_squared_error(y[test], prediction)
    return rmse, r2_score(y[test], prediction), log_likelihood.mean()


def compare(n_splits=10, n_repeats=2):
    """Print the scores of all models on the same folds."""
    folds = list(
        RepeatedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=0).split(X)
    )
    scores = {
        name: np.array([score(model, *fold) for fold in folds])
        for name, model in MODELS.items()
    }
    print(f"{n_splits}-fold cross-validation, {n_repeats} times; means over the folds\n")
    print(f"{'':24}{'RMSE':>8}{'R2':>8}{'log-lik.':>10}")
    for name, values in scores.items():
        rmse, r2, log_likelihood = values.mean(axis=0)
        print(f"{name:24}{rmse:8.2f}{r2:8.3f}{log_likelihood:10.3f}")
    print("\nmixture less one line (standard error, corrected for overlapping folds)\n")
    # Nadeau & Bengio (2003): training sets overlap, so folds are not independent.
    inflation = np.sqrt(1 / len(folds) + 1 / (n_splits - 1))
    for ours, theirs in (
        ("mixture, bmi bp | s5", "one line, bmi bp s5"),
        ("mixture, all columns", "one line, all columns"),
    ):
        gain = scores[ours] - scores[theirs]
        mean, error = gain.mean(axis=0), gain.std(axis=0, ddof=1) * inflation
        print(
            f"{ours:24}RMSE {mean[0]:+.2f} ({error[0]:.2f})   "
            f"log-lik. {mean[2]:+.3f} ({error[2]:.3f})"
        )


def tell(model, order):
    """Print what each expert says, and about whom."""
    shares = model.responsibilities(X, y)[:, order]
    columns = [("bmi", BMI), ("bp", BP), ("s5", S5)]
    centres = shares.T @ X / shares.sum(axis=0)[:, None]
    print("\nwhat the experts say (all rows)\n")
    print(f"{'':20}{'cautious':>12}{'steep':>12}")
    experts = [model.experts_[k][-1] for k in order]
    for place, name in enumerate(("bmi", "bp")):
        row = "".join(f"{expert.coef_[place]:12.2f}" for expert in experts)
        print(f"{'slope of ' + name:20}{row}")
    print(
        f"{'noise sd':20}"
        + "".join(f"{model.dispersion_[k] ** 0.5:12.1f}" for k in order)
    )
    print(
        f"{'share of patients':20}"
        + "".join(f"{model.expert_load_[k]:12.2f}" for k in order)
    )
    for name, column in columns:
        row = "".join(f"{centre:12.2f}" for centre in centres[:, column])
        print(f"{'mean ' + name + ' of its':20}{row}")
    print(
        f"{'mean progression':20}"
        + "".join(f"{v:12.1f}" for v in y @ shares / shares.sum(axis=0))
    )


def draw(model, order, path):
    """Experts, predictive band and gate."""
    cautious, steep = order
    colours = LinearSegmentedColormap.from_list("experts", [BLUE, "#c9c4bd", ORANGE])
    shares = model.responsibilities(X, y)[:, steep]
    # The typical patient of each bmi: the other columns as they usually go with it.
    bmi = np.linspace(X[:, BMI].min(), X[:, BMI].max(), 200)
    typical = LinearRegression().fit(X[:, [BMI]], X).predict(bmi[:, None])
    density = model.predict_distribution(typical)
    low, high = density.interval(0.9)
    lines = model.predict_experts(typical)

    plt.rcParams.update({"font.size": 11, "axes.edgecolor": "#999999"})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4.6), width_ratios=[2.1, 1], layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.12)
    left.fill_between(
        bmi, low, high, color="#8c8c8c", alpha=0.2, lw=0, label="90 % interval"
    )
    left.scatter(
        X[:, BMI],
        y,
        c=shares,
        cmap=colours,
        vmin=0,
        vmax=1,
        s=22,
        lw=0.4,
        edgecolor="white",
    )
    left.plot(bmi, density.mean(), color=INK, lw=2, ls=(0, (4, 2)), label="mean")
    left.plot(bmi, lines[:, cautious], color=BLUE, lw=2.5, label="cautious expert")
    left.plot(bmi, lines[:, steep], color=ORANGE, lw=2.5, label="steep expert")
    left.set(
        xlabel="body mass index", ylabel="progression after a year",
        xlim=(bmi[0], bmi[-1]), ylim=(0, 400),
    )  # fmt: skip
    left.legend(loc="upper left", frameon=False, ncols=2, fontsize=10)
    left.set_title(
        "Experts, at the bp and s5 usual for each bmi; points by expert",
        fontsize=11,
        color=INK,
    )

    s5 = np.linspace(X[:, S5].min(), X[:, S5].max(), 200)
    rows = np.tile(X.mean(axis=0), (len(s5), 1))
    rows[:, S5] = s5
    gate = model.predict_gate_proba(rows)[:, steep]
    right.fill_between(s5, 0, gate, color=ORANGE, alpha=0.75, lw=0)
    right.fill_between(s5, gate, 1, color=BLUE, alpha=0.75, lw=0)
    right.plot(s5, gate, color="white", lw=2)
    right.plot(
        X[:, S5], np.full(len(X), -0.03), "|", color=INK, ms=7, alpha=0.35, mew=0.8
    )
    right.text(
        0.62, 0.27, "steep", color="white", transform=right.transAxes, weight="bold"
    )
    right.text(
        0.12, 0.86, "cautious", color="white", transform=right.transAxes, weight="bold"
    )
    right.set(
        xlabel="s5 (log triglycerides)", ylabel="gate probability",
        xlim=(s5[0], s5[-1]), ylim=(-0.06, 1),
    )  # fmt: skip
    right.set_title("Gate: who is asked", fontsize=11, color=INK)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    compare()
    mixture = MIXTURE.fit(X, y)
    by_slope = np.argsort([expert[-1].coef_[0] for expert in mixture.experts_])
    tell(mixture, by_slope)
    draw(mixture, by_slope, "diabetes.png")
    print("\nsaved diabetes.png")
