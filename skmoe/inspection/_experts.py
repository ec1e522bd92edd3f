"""What an expert is, in a few lines, by what it tells of itself."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from skmoe.inspection._lines import names_after, numbered

# Equations of one expert: one for each output or class.
_MAX_EQUATIONS = 10


def summary(expert, names, style):
    """Lines on a fitted expert; none where its class is all there is to tell.

    Parameters
    ----------
    expert : estimator
    names : list of str or None
        Of the features; numbers stand in where there are none.
    style : Style

    Returns
    -------
    lines : list of (str, list of str)
        What a line is about, and its pieces.
    """
    if len(getattr(expert, "classes_", ())) == 1:
        return [("always", [str(expert.classes_[0])])]
    for attribute, describe in _DESCRIPTIONS:
        if hasattr(expert, attribute):
            return describe(expert, names, style)
    return []


def _of_last_step(pipeline, names, style):
    return summary(pipeline.steps[-1][1], names_after(pipeline, names), style)


def _of_search(search, names, style):
    return summary(search.best_estimator_, names, style)


def _of_tree(tree, names, style):
    return [("size", [f"depth {tree.get_depth()}, {tree.get_n_leaves()} leaves"])]


def _of_boosting(model, names, style):
    each = model.n_trees_per_iteration_
    trees = "" if each == 1 else f" of {each} trees"
    return [("size", [f"{model.n_iter_} iterations{trees}"])]


def _of_ensemble(ensemble, names, style):
    members = np.ravel(np.asarray(ensemble.estimators_, dtype=object))
    kinds = {type(member).__name__ for member in members}
    kind = kinds.pop() if len(kinds) == 1 else "estimators of several kinds"
    return [("size", [f"{len(ensemble.estimators_)} x {kind}"])]


def _of_constant(dummy, names, style):
    values = np.ravel(dummy.constant_)
    equations = [style.equation(np.empty(0), value, []) for value in values]
    return _each(_labels(dummy, len(values)), equations)


def _of_linear(model, names, style):
    coef = model.coef_.toarray() if issparse(model.coef_) else model.coef_
    coef = np.atleast_2d(coef)
    if names is None or len(names) != coef.shape[1]:
        names = numbered(coef.shape[1])
    intercept = np.ravel(getattr(model, "intercept_", 0.0))
    intercept = np.broadcast_to(intercept, len(coef))
    equations = [
        style.equation(own, constant, names)
        for own, constant in zip(coef, intercept, strict=True)
    ]
    return _each(_labels(model, len(coef)), equations)


def _each(labels, equations):
    """A line for each of the first equations."""
    lines = list(zip(labels, equations, strict=True))
    rest = len(lines) - _MAX_EQUATIONS
    if rest <= 0:
        return lines
    return [*lines[:_MAX_EQUATIONS], ("...", [f"and {rest} more equations"])]


def _labels(model, n_equations):
    """What the equations of a linear model are of."""
    if is_classifier(model):
        classes = list(model.classes_)
        if n_equations == 1 and len(classes) == 2:
            return [f"log-odds of {classes[1]}"]
        if n_equations == len(classes):
            return [f"score of {label}" for label in classes]
        return [f"score {j}" for j in range(n_equations)]
    y = "log y" if has_log_link(model) else "y"
    return [y] if n_equations == 1 else [f"{y}[{j}]" for j in range(n_equations)]


def has_log_link(model):
    """Whether a linear model predicts the exponential of its linear function."""
    # Those of positive targets; one of scikit-learn's has a choice.
    positive = get_tags(model).target_tags.positive_only
    return positive and getattr(model, "link", "auto") in ("auto", "log")


# What an estimator has, and who tells of such. The first that fits is asked.
_DESCRIPTIONS = [
    ("steps", _of_last_step),
    ("best_estimator_", _of_search),
    ("tree_", _of_tree),
    ("coef_", _of_linear),
    ("estimators_", _of_ensemble),
    ("n_trees_per_iteration_", _of_boosting),
    ("constant_", _of_constant),
]
