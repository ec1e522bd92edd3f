"""A gate's rule: what sends a row to an expert."""

from dataclasses import dataclass, replace

from sklearn.pipeline import Pipeline
from sklearn.tree import export_text as export_tree

from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    GaussianGate,
    HierarchicalGate,
    SoftmaxGate,
)
from skmoe.inspection._gate_trees import drawn_tree, names_of_columns
from skmoe.inspection._gaussian_gates import places
from skmoe.inspection._lines import kind, names_after


@dataclass
class GateText:
    """What is told of a gate.

    Parameters
    ----------
    about : str
        Of the gate as a whole.
    rules : list of list of str
        Pieces of a line for each expert, none where there is nothing to tell.
    drawing : str
        Lines to follow, such as a tree.
    """

    about: str
    rules: list
    drawing: str = ""


def describe_gate(gate, names, expert_names, style):
    """The rules of a fitted gate.

    Parameters
    ----------
    gate : gate
    names : list of str or None
        Of the features.
    expert_names : list of str
    style : Style

    Returns
    -------
    text : GateText
    """
    for known, describe in _DESCRIPTIONS:
        if isinstance(gate, known):
            return describe(gate, names, expert_names, style)
    return _without_rule(kind(gate), expert_names)


def _without_rule(about, expert_names):
    return GateText(f"{about}, which gives no rule to print", [[] for _ in expert_names])


def _of_softmax(gate, names, expert_names, style):
    names = names_of_columns(gate, names)
    rules = [
        style.equation(coef, intercept, names)
        for coef, intercept in zip(gate.coef_, gate.intercept_, strict=True)
    ]
    return GateText(f"{kind(gate)}, log-odds against the average expert", rules)


def _of_gaussian(gate, names, expert_names, style):
    about = (
        f"{kind(gate)} ({gate.covariance_type}), where rows lie: mean +/- standard "
        "deviation"
    )
    return GateText(about, places(gate, names_of_columns(gate, names), style))


def _of_tree(gate, names, expert_names, style):
    about = f"{kind(gate)}, a tree of softmax gates: log-odds of the first branch"
    if max(gate.branching) > 2:
        about = f"{about}, or of each against the average one"
    drawing = drawn_tree(gate, names, expert_names, style)
    return replace(_without_rule(about, expert_names), about=about, drawing=drawing)


def _of_constant(gate, names, expert_names, style):
    rules = [[f"prior {style.number(prior)}"] for prior in gate.prior_]
    return GateText(f"{kind(gate)}, the same for all rows", rules)


def _of_classifier(gate, names, expert_names, style):
    classifier = gate.classifier_
    about = f"{kind(gate)} ({kind(classifier)})"
    if not hasattr(classifier, "tree_"):
        return _without_rule(about, expert_names)
    experts = gate.expert_numbers_[classifier.classes_]
    drawing = export_tree(
        classifier,
        feature_names=names,
        class_names=[expert_names[k] for k in experts],
        decimals=style.decimals,
    )
    text = _without_rule(about, expert_names)
    about = f"{about}, a leaf's class is the expert with the largest share"
    return replace(text, about=about, drawing=drawing)


def _of_pipeline(pipeline, names, expert_names, style):
    last = pipeline.steps[-1][1]
    text = describe_gate(last, names_after(pipeline, names), expert_names, style)
    before = " > ".join(kind(step) for _, step in pipeline.steps[:-1])
    return replace(text, about=f"{before} > {text.about}" if before else text.about)


# What a gate is, and who tells of such.
_DESCRIPTIONS = [
    (SoftmaxGate, _of_softmax),
    (GaussianGate, _of_gaussian),
    (HierarchicalGate, _of_tree),
    (ConstantGate, _of_constant),
    (ClassifierGate, _of_classifier),
    (Pipeline, _of_pipeline),
]
