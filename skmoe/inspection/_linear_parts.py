"""Linear experts and gates, as far as their coefficients tell of them."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from skmoe.gates import GaussianGate, HierarchicalGate, SoftmaxGate
from skmoe.inspection._experts import has_log_link
from skmoe.inspection._gate_trees import node_at, path_to
from skmoe.inspection._gaussian_gates import log_odds_at_mean
from skmoe.inspection._lines import kind, names_after, numbered

#: The name of the intercept among features.
INTERCEPT = "(intercept)"


@dataclass
class LinearPart:
    """Coefficients of an expert, or of a gate for an expert, with their names."""

    names: list
    coef: np.ndarray
    intercept: float

    def terms(self, with_intercept):
        """Coefficients by the names of their features."""
        terms = dict(zip(self.names, self.coef, strict=True))
        return {**terms, INTERCEPT: self.intercept} if with_intercept else terms


@dataclass
class PathPart:
    """Coefficients at each node on the path to an expert, by the names of the nodes."""

    parts: dict

    def terms(self, with_intercept):
        """Coefficients by the names of their features and nodes."""
        return {
            f"{name} at {node}": value
            for node, part in self.parts.items()
            for name, value in part.terms(with_intercept).items()
        }


@dataclass
class _Last:
    """An estimator at the end of pipelines, with what it is given."""

    estimator: object
    names: list | None
    rows: object

    @classmethod
    def of(cls, estimator, names, rows):
        while hasattr(estimator, "steps") or hasattr(estimator, "best_estimator_"):
            if hasattr(estimator, "best_estimator_"):
                estimator = estimator.best_estimator_
                continue
            names = names and names_after(estimator, names)
            if rows is not None and len(estimator.steps) > 1:
                rows = estimator[:-1].transform(rows)
            estimator = estimator.steps[-1][1]
        return cls(estimator, names, rows)

    def part(self, coef, intercept):
        """Coefficients per unit or, with rows, per standard deviation."""
        names = self.names
        if names is None or len(names) != len(coef):
            names = numbered(len(coef))
        if self.rows is None:
            return LinearPart(names, coef, intercept)
        mean, deviation = _moments(self.rows)
        return LinearPart(names, coef * deviation, intercept + coef @ mean)


def expert_parts(model, names, rows, target):
    """Coefficients of the experts, and of a linear shared one at the end.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
    names : list of str
        Of the features that the model is given.
    rows : {array-like, sparse matrix, dataframe} or None
        Of which standard deviations are taken.
    target : object or None
        A class, or the number of an output.

    Returns
    -------
    parts : list of LinearPart
    quantity : str
        What changes with a feature.
    """
    target = _check_target(model, target)
    choose = _coefficients_of_class if is_classifier(model) else _coefficients_of_output
    lasts = [_Last.of(expert, names, rows) for expert in model.experts_]
    parts = []
    for name, last in zip(model._expert_names, lasts, strict=True):
        if is_classifier(model) and not _scores(last.estimator, target):
            parts.append(LinearPart([], np.empty(0), np.nan))
        elif hasattr(last.estimator, "coef_"):
            parts.append(last.part(*choose(last.estimator, target)))
        elif hasattr(last.estimator, "constant_"):
            constant = float(np.ravel(last.estimator.constant_)[target])
            parts.append(LinearPart([], np.empty(0), constant))
        else:
            raise ValueError(
                f"experts: {name!r} ({kind(last.estimator)}) is not linear and has no "
                "coefficients; sklearn.inspection.permutation_importance, with the "
                "expert's responsibilities as sample_weight, tells what matters to any "
                "expert, and ExpertCurvesDisplay how."
            )
    if not any(part.names for part in parts):
        raise ValueError(f"target: no expert has coefficients for {target!r}.")
    shared = _Last.of(getattr(model, "shared_expert_", None), names, rows)
    if hasattr(shared.estimator, "coef_"):
        parts.append(shared.part(*choose(shared.estimator, target)))
    return parts, _quantity(model, lasts[0].estimator, target)


def gate_parts(model, names, rows):
    """Coefficients of a gate; parameters and returns as of the experts'."""
    last = _Last.of(model.gate_, names, rows)
    for known, tell in _GATES:
        if isinstance(last.estimator, known):
            return tell(last, len(model.experts_))
    raise ValueError(
        f"part='gate': {kind(last.estimator)} has no coefficients; GateDisplay shows "
        "where any gate sends rows."
    )


def _of_softmax_gate(last, n_experts):
    gate = last.estimator
    pairs = zip(gate.coef_, gate.intercept_, strict=True)
    return [last.part(*pair) for pair in pairs], "log-odds against the average expert"


def _of_gaussian_gate(last, n_experts):
    pairs = zip(*log_odds_at_mean(last.estimator), strict=True)
    return [last.part(*pair) for pair in pairs], "log-odds at the mean row"


def _of_hierarchical_gate(last, n_experts):
    parts = [_along_path(last, k) for k in range(n_experts)]
    return parts, "log-odds against the average branch"


def _along_path(last, expert):
    """Coefficients of the branches that lead to an expert."""
    path = path_to(last.estimator, expert)
    parts = {}
    for depth, branch in enumerate(path):
        node = node_at(last.estimator, path[:depth])
        place = ".".join(map(str, path[:depth]))
        parts[f"node {place}" if place else "the root"] = last.part(
            node.coef_[branch], node.intercept_[branch]
        )
    return PathPart(parts)


_GATES = [
    (SoftmaxGate, _of_softmax_gate),
    (GaussianGate, _of_gaussian_gate),
    (HierarchicalGate, _of_hierarchical_gate),
]


def _check_target(model, target):
    if is_classifier(model):
        return _check_class(list(model.classes_), target)
    n_outputs = model._n_outputs or 1
    if target is None and n_outputs == 1:
        return 0
    if isinstance(target, Integral) and 0 <= target < n_outputs:
        return int(target)
    raise ValueError(
        f"target is {target!r}; pass the number of an output, from 0 to {n_outputs - 1}."
    )


def _check_class(classes, target):
    if target is None and len(classes) == 2:
        return classes[1]
    if target not in classes:
        raise ValueError(
            f"target is {target!r}; pass the class that coefficients are to speak for, "
            f"one of {', '.join(map(str, classes))}."
        )
    return target


def _scores(classifier, label):
    """Whether a classifier knows a class, and others, so that it has a score."""
    return len(classifier.classes_) > 1 and label in classifier.classes_


def _coefficients_of_output(model, output):
    coef, intercept = _dense(model)
    return coef[output], intercept[output]


def _coefficients_of_class(model, label):
    coef, intercept = _dense(model)
    place = list(model.classes_).index(label)
    if len(coef) == 1:  # of two classes, for the second
        sign = 1 if place == 1 else -1
        return sign * coef[0], sign * intercept[0]
    return coef[place], intercept[place]


def _dense(model):
    coef = model.coef_.toarray() if issparse(model.coef_) else model.coef_
    coef = np.atleast_2d(coef)
    intercept = np.ravel(getattr(model, "intercept_", 0.0))
    return coef, np.broadcast_to(intercept, len(coef))


def _quantity(model, expert, target):
    if is_classifier(model):
        score = "log-odds" if len(model.classes_) == 2 else "score"
        return f"{score} of {target}"
    y = "log y" if has_log_link(expert) else "y"
    return f"{y}[{target}]" if (model._n_outputs or 1) > 1 else y


def _moments(rows):
    """Mean and standard deviation of each column."""
    if issparse(rows):
        mean = np.asarray(rows.mean(axis=0)).ravel()
        square = np.asarray(rows.multiply(rows).mean(axis=0)).ravel()
        return mean, np.sqrt(np.maximum(square - mean**2, 0))
    rows = np.asarray(rows, dtype=float)
    return rows.mean(axis=0), rows.std(axis=0)
