"""From an estimator's parameters to parts that were fitted by steps on batches."""

from fractions import Fraction

import numpy as np

from skmoe._memory_maps import is_large_map
from skmoe._search import Search
from skmoe._validation import (
    FeatureCount,
    check_features,
    check_known_features,
    check_length,
    check_weights,
    check_X,
)
from skmoe.gates import BoundGate, check_gate_learns
from skmoe.likelihoods import component_of
from skmoe.training import (
    Batch,
    Schedule,
    TrainingData,
    continue_by_gradient,
    gradient_starts,
    rows_of,
)

# Rows of a batch, where there are as many.
_BATCH_SIZE = 1024
# A part of the rows is that of a fraction with no larger denominator.
_MAX_FOLDS = 40


class GradientSearch(Search):
    """Fits by epochs of steps on batches; parameters as of :class:`Search`.

    Parameters
    ----------
    held_out : Batch or None
        Rows to stop by, which are none of those that are learnt from.
    """

    def __init__(self, *args, held_out):
        super().__init__(*args)
        model = self.model
        if not (model.cv is None or isinstance(model.cv, str)):
            raise ValueError(
                "cv: steps on batches hold no folds out; use cv=None and "
                "early_stopping=True, or solver='em'."
            )
        check_likelihood_learns(self.likelihood)
        self.held_out = held_out

    @property
    def schedule(self):
        """How training goes."""
        model = self.model
        n_rows = len(self.data.weights)
        size = _BATCH_SIZE if model.batch_size == "auto" else model.batch_size
        return Schedule(
            model.learning_rate_init, model.forgetting_rate, min(size, n_rows),
            model.n_iter_no_change, self.held_out,
        )  # fmt: skip

    def _start(self, parts, init, watch):
        model = self.model
        return gradient_starts(
            parts, self.data, self.summary, init=init, n_init=model.n_init,
            n_jobs=model.n_jobs, **self._options(watch),
        )  # fmt: skip

    def _go_on(self, earlier, parts, watch):
        return continue_by_gradient(
            earlier, parts, self.data, self.summary, **self._options(watch)
        )

    def _options(self, watch):
        model = self.model
        return {
            "schedule": self.schedule,
            "max_iter": model.max_iter,
            "tol": model.tol,
            "random_state": self.random_state,
            "watch": watch,
        }

    def _bind(self, gate):
        check_gate_learns(gate)
        self.data.bound_gate = BoundGate(self.data.X, self.data.weights)

    def _folds(self, are_linear):
        return None

    def _pool(self, experts):
        return self.model._make_incremental_pool(
            experts, self.data.X, self.data.target, self.learned, self.random_state
        )


def check_likelihood_learns(likelihood):
    """Raise where all rows are to be known: batches cannot teach it."""
    if component_of(likelihood) is not None:
        raise ValueError(
            f"likelihood: {type(likelihood).__name__} has a component of its own, which "
            "is not learnt from batches; use solver='em', or another likelihood."
        )
    if hasattr(likelihood, "experts_classify"):
        raise ValueError(
            f"likelihood: {type(likelihood).__name__} has rows of several trials, which "
            "are not learnt from batches; use solver='em', 'hard-em' or 'stochastic-em'."
        )
    if hasattr(likelihood, "fit_dispersion_model"):
        raise ValueError(
            f"likelihood: {type(likelihood).__name__} has dispersions that depend on x, "
            "which are not learnt from batches; use dispersion='expert', or solver='em'."
        )


def check_validation(model, X_val, y_val):
    """Check that rows to stop by come in pairs, and to who stops by them."""
    if (X_val is None) != (y_val is None):
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is provided, but {missing} was not provided.")
    if X_val is not None and not (model.solver == "gradient" and model.early_stopping):
        raise ValueError(
            "X_val and y_val are rows to stop by; set solver='gradient' and "
            "early_stopping=True."
        )


def gradient_search(
    model, data, summary, present, learned, split_params, random_state, progress, X_val,
    y_val, sample_weight_val,
):  # fmt: skip
    """A :class:`GradientSearch` with the rows to stop by that the model asks for."""
    held_out = None
    if X_val is not None:
        held_out = _given_rows(model, data, learned, X_val, y_val, sample_weight_val)
    elif model.early_stopping and is_large_map(data.X):
        raise ValueError(
            "early_stopping: X is a memory-mapped array, of which no part is copied to "
            "be held out; pass X_val and y_val."
        )
    elif model.early_stopping:
        is_held_out = _held_out(
            summary, model.validation_fraction, model._strata(data), random_state
        )
        held_out, kept = rows_of(data, np.flatnonzero(is_held_out)), ~is_held_out
        if not (is_held_out.any() and kept.any()):
            raise ValueError(
                f"validation_fraction={model.validation_fraction} of "
                f"{len(data.weights)} rows leaves none to learn from, or to stop by; "
                "set early_stopping=False, or pass X_val and y_val."
            )
        rows = np.flatnonzero(kept)
        part, present = rows_of(data, rows), present[rows]
        data = TrainingData(part.X, part.target, part.weights)
        summary = summary.subset(rows)
    return GradientSearch(
        model, data, summary, present, learned, split_params, random_state, progress,
        held_out=held_out,
    )  # fmt: skip


def _given_rows(model, data, learned, X_val, y_val, sample_weight_val):
    """What ``fit`` was given to stop by."""
    X_val, target = check_X(X_val), model._encode_like(y_val, learned)
    known = FeatureCount()
    vars(known).update(check_features(model, data.X))
    check_known_features(known, X_val)
    check_length(X_val, target)
    weights = check_weights(sample_weight_val, X_val, "sample_weight_val")
    return Batch(X_val, target, weights)


def _held_out(summary, fraction, strata, random_state):
    """Which rows are held out, drawn by their content, of each label a part."""
    part = Fraction(fraction).limit_denominator(_MAX_FOLDS)
    folds = summary.folds(part.denominator, random_state, strata)
    return folds < max(part.numerator, 1)
