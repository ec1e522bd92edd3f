"""A gate's rule: what sends a row to an expert."""

from dataclasses import dataclass, replace

from sklearn.pipeline import Pipeline
from sklearn.tree import export_text as export_tree

from skmoe.gates import ClassifierGate, ConstantGate, SoftmaxGate
from skmoe.inspection._lines import kind, names_after, numbered


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
    if names is None or len(names) != gate.coef_.shape[1]:
        names = numbered(gate.coef_.shape[1])
    rules = [
        style.equation(coef, intercept, names)
        for coef, intercept in zip(gate.coef_, gate.intercept_, strict=True)
    ]
    return GateText(f"{kind(gate)}, log-odds against the average expert", rules)


def _of_constant(gate, names, expert_names, style):
    rules = [[f"prior {style.number(prior)}"] for prior in gate.prior_]
    return GateText(f"{kind(gate)}, the same for all rows", rules)


def _of_classifier(gate, names, expert_names, style):
    classifier = gate.classifier_
    about = f"{kind(gate)} ({kind(classifier)})"
    if not hasattr(classifier, "tree_"):
        return _without_rule(about, expert_names)
    drawing = export_tree(
        classifier,
        feature_names=names,
        class_names=[expert_names[k] for k in classifier.classes_],
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
    (ConstantGate, _of_constant),
    (ClassifierGate, _of_classifier),
    (Pipeline, _of_pipeline),
]
