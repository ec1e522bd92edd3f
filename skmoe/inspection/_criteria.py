"""How many experts: information criteria against their number."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.parallel import Parallel, delayed

from skmoe.inspection._axes import axes_of, check_plotting
from skmoe.inspection._colors import INK
from skmoe.inspection._fitted import FittedMixture, without_mixture
from skmoe.metrics import neg_log_likelihood_scorer

_CRITERIA = ("bic", "aic", "icl")
# Criteria are no experts: greys, and one colour that no expert has; told apart by line
# and marker as well.
_LOOKS = {
    "bic": {"color": INK, "linestyle": "-", "marker": "o"},
    "aic": {"color": "#777777", "linestyle": "--", "marker": "s"},
    "icl": {"color": "#A0A0A0", "linestyle": "-.", "marker": "^"},
    "score": {"color": "#6A4C93", "linestyle": ":", "marker": "D"},
}
_LABELS = {"bic": "BIC", "aic": "AIC", "icl": "ICL", "score": "held-out rows"}


class InformationCriteriaDisplay:
    """Information criteria against the number of experts; lower is better.

    How to read it: the minimum of each line is marked. The BIC finds the number of
    experts that made the data, given enough rows. The AIC is after good predictions and
    takes more. The ICL asks for experts that are well separated and takes fewer. Where a
    minimum is flat, or at the largest number, the data do not settle it. A line that
    goes up and down is one of local optima: raise ``n_init``.

    It is recommended to use :meth:`from_estimator` to make one.

    Parameters
    ----------
    n_experts : array-like of int of shape (n_numbers,)
        Numbers of experts.
    values : dict of str to ndarray of shape (n_numbers,)
        Of each criterion, "bic", "aic", "icl" or "score": its values. The score is minus
        twice the log-likelihood of all rows when they are held out.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of str to matplotlib Line2D
        One for each criterion.
    minima_ : dict of str to matplotlib Line2D
        The points that are marked.
    best_n_experts : dict of str to int
        Where each criterion is lowest.

    See Also
    --------
    skmoe.MixtureOfExpertsRegressor.bic : What is computed.
    ConvergenceDisplay : Whether starts agree.

    References
    ----------
    .. [1] C. Biernacki, G. Celeux and G. Govaert (2000). Assessing a mixture model for
       clustering with the integrated completed likelihood. IEEE Transactions on Pattern
       Analysis and Machine Intelligence 22, 719-725.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> from skmoe.inspection import InformationCriteriaDisplay
    >>> X, y = make_moe_regression(n_samples=300, n_experts=2, random_state=0)
    >>> model = MixtureOfExpertsRegressor(random_state=0)
    >>> display = InformationCriteriaDisplay.from_estimator(
    ...     model, X, y, n_experts=[1, 2, 3]
    ... )
    >>> display.best_n_experts["bic"]
    2
    >>> plt.show()
    """

    def __init__(self, n_experts, values):
        self.n_experts = n_experts
        self.values = values

    @property
    def best_n_experts(self):
        """Where each criterion is lowest."""
        return {
            name: int(self.n_experts[np.argmin(values)])
            for name, values in self.values.items()
        }

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, n_experts=range(1, 7), criteria=("bic", "aic", "icl"),
        cv=None, n_jobs=None, ax=None, **plot_params,
    ):  # fmt: skip
        """Fit a clone for each number of experts, and plot the criteria.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or fitted search
            Cloned, so it need not be fitted and is not changed.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to fit, and of which criteria are computed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        n_experts : iterable of int, default=range(1, 7)
            Numbers of experts that are tried.
        criteria : sequence of {"bic", "aic", "icl"}, default=("bic", "aic", "icl")
            :eq:`eq-bic`, :eq:`eq-aic` and :eq:`eq-icl`, of the rows that are fitted.
            Boosting and other experts that do not tell their number of parameters have
            none, which is an error: pass ``criteria=()`` and ``cv``.
        cv : int, splitter or iterable, default=None
            Adds the "score": minus twice the log-likelihood that rows have when they are
            held out. It needs no number of parameters, and is what the AIC estimates.
            As for :func:`~sklearn.model_selection.cross_val_score`.
        n_jobs : int, default=None
            Numbers of experts that are fitted at the same time.
        ax : matplotlib Axes, default=None
            By default, a new figure.
        **plot_params : dict
            For :meth:`plot`.

        Returns
        -------
        display : InformationCriteriaDisplay
            With what was drawn as attributes.
        """
        check_plotting(cls)
        numbers, criteria = _check(n_experts, criteria, cv)
        estimator = getattr(estimator, "best_estimator_", estimator)
        rows = Parallel(n_jobs=n_jobs)(
            delayed(_criteria_of)(_with_n_experts(estimator, number), X, y, criteria, cv)
            for number in numbers
        )
        values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return cls(numbers, values).plot(ax=ax, **plot_params)

    def plot(self, ax=None):
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default, a new figure.

        Returns
        -------
        display : InformationCriteriaDisplay
            Itself, with what was drawn as attributes.
        """
        check_plotting(type(self))
        from matplotlib.ticker import MaxNLocator

        self.figure_, self.ax_ = axes_of(ax)
        self.lines_, self.minima_ = {}, {}
        for name, values in self.values.items():
            self._draw(name, np.asarray(values))
        self.ax_.set(xlabel="number of experts", ylabel="criterion (lower is better)")
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.ax_.legend(frameon=False)
        return self

    def _draw(self, name, values):
        look = _LOOKS[name]
        (self.lines_[name],) = self.ax_.plot(
            self.n_experts, values, markersize=5, markerfacecolor="white",
            label=f"{_LABELS[name]}, lowest at {self.best_n_experts[name]}", **look,
        )  # fmt: skip
        lowest = np.argmin(values)
        (self.minima_[name],) = self.ax_.plot(
            self.n_experts[lowest], values[lowest], markersize=9, linestyle="none",
            color=look["color"], marker=look["marker"], zorder=3,
        )  # fmt: skip


def _check(n_experts, criteria, cv):
    """Numbers and criteria as lists."""
    numbers, criteria = list(n_experts), list(criteria)
    if not numbers:
        raise ValueError(
            "n_experts is empty; give numbers of experts, such as [1, 2, 3]."
        )
    for name in criteria:
        if name not in _CRITERIA:
            remedy = "; set cv for the score" if name == "score" else ""
            raise ValueError(f"criteria: {name!r} is none of {_CRITERIA}{remedy}.")
    if not criteria and cv is None:
        raise ValueError(
            f"criteria are empty, and cv is None; name some of {_CRITERIA}, or set cv."
        )
    return numbers, criteria


def _with_n_experts(estimator, n_experts):
    """A clone with so many experts."""
    estimator = clone(estimator)
    model = estimator
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    if not hasattr(model, "predict_gate_proba"):
        raise TypeError(without_mixture(model))
    if isinstance(model.experts, list):
        raise ValueError(
            "estimator: experts is a list, whose length is the number of experts; pass a "
            "mixture with one kind of expert."
        )
    model.set_params(n_experts=n_experts)
    return estimator


def _criteria_of(estimator, X, y, criteria, cv):
    """Values of an unfitted estimator, by the names of the criteria."""
    values = {}
    if criteria:
        mixture = FittedMixture.of(estimator.fit(X, y))
        rows = mixture.rows(X)
        values = {name: getattr(mixture.model, name)(rows, y) for name in criteria}
    if cv is not None:
        scores = cross_val_score(
            estimator, X, y, cv=cv, scoring=neg_log_likelihood_scorer
        )
        values["score"] = -2 * len(y) * scores.mean()
    return values
