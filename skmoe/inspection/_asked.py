"""What a mixture says of rows whose target is known."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import is_classifier

from skmoe.training import normalise


@dataclass
class AskedRows:
    """Answers of all experts for some rows.

    Where an expert is not asked about a row, its values are zero, as is its
    responsibility.

    Parameters
    ----------
    responsibilities : ndarray of shape (n_samples, n_experts)
    is_ruled : ndarray of bool of shape (n_samples, n_experts)
        Whether the expert's gate probability is the row's largest.
    target : ndarray of shape (n_samples, n_outputs) or, of classes, (n_samples,)
    outputs : list of str
        Their names; of classes one.
    loss : ndarray of shape (n_samples, n_experts, n_outputs)
        Squared error of each expert's mean. Of a classifier, with one output, whether the
        class is not the most probable one.
    mixture_loss : ndarray of shape (n_samples, n_outputs)
        That of the mixture.
    variance : ndarray of shape (n_samples, n_experts, n_outputs) or None
        Of y, if the expert is the row's. None of a classifier.
    """

    responsibilities: np.ndarray
    is_ruled: np.ndarray
    target: np.ndarray
    outputs: list
    loss: np.ndarray
    mixture_loss: np.ndarray
    variance: np.ndarray | None = None


def ask(model, X, y, sizes):
    """Ask gate and experts once.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sizes : dict of str to array-like or None
        ``exposure`` and ``trials`` of the rows.

    Returns
    -------
    rows : AskedRows
    """
    rows = model._check_rows(X)
    answers = model._sized_answers(rows, model._sizes(rows, sizes))
    responsibilities = answers.of_all(normalise(model._log_joint(answers, y))[1])
    first = answers.log_gate.argmax(axis=1)
    is_first = np.arange(answers.log_gate.shape[1]) == first[:, None]
    about = _of_classes if is_classifier(model) else _of_numbers
    return AskedRows(
        responsibilities, answers.of_all(is_first) > 0, **about(model, answers, y)
    )


def _of_classes(model, answers, y):
    codes, proba = model._encode_known(y), answers.prediction
    wrong = (proba.argmax(axis=2) != codes[:, None]).astype(float)
    target = np.empty(len(codes), dtype=object)
    target[:] = model.classes_[codes].tolist()
    return {
        "target": target,
        "outputs": _outputs(y, 1),
        "loss": answers.of_all(wrong)[..., None],
        "mixture_loss": (_mixed(answers, proba).argmax(axis=1) != codes)[:, None] * 1.0,
    }


def _of_numbers(model, answers, y):
    target, likelihood = model._encode_known(y), model.likelihood_
    target = target.reshape(len(target), -1)
    means = likelihood.mean(answers.prediction, answers.dispersion)
    variance = likelihood.variance(answers.prediction, answers.dispersion)
    shape = (*means.shape[:2], target.shape[1])
    means = means.reshape(shape)
    return {
        "target": target,
        "outputs": _outputs(y, target.shape[1]),
        "loss": answers.of_all((target[:, None] - means) ** 2),
        "mixture_loss": (target - _mixed(answers, means)) ** 2,
        "variance": answers.of_all(
            np.broadcast_to(variance.reshape(-1, *shape[1:]), shape)
        ),
    }


def _mixed(answers, values):
    return np.einsum("nk,nk...->n...", np.exp(answers.log_gate), values)


def _outputs(y, n_outputs):
    if hasattr(y, "columns"):
        return [str(name) for name in y.columns]
    if n_outputs > 1:
        return [f"y{j}" for j in range(n_outputs)]
    return [str(getattr(y, "name", None) or "y")]
