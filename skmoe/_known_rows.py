"""What a user knows of rows: which belong together, and which experts they come from."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from skmoe._group_table import Groups, warning_of_single_rows
from skmoe._sklearn_compat import FRAMES_TO_USER, num_samples
from skmoe.training import GroupedData, GroupedSummary, RowSummary, TrainingData

# How far from one the probabilities of a row may sum up to.
_TOLERANCE = 1e-6
_REMEDY = "use solver='em', 'hard-em' or 'stochastic-em'"


@dataclass
class KnownRows:
    """What is known of rows besides X, y and weights; nothing of most.

    Parameters
    ----------
    groups : Groups or None
        Rows that come from one expert together.
    log_prior : ndarray of shape (n_samples, n_experts) or None
        Log-probability of each expert, up to a number for each row.
    """

    groups: Groups | None = None
    log_prior: np.ndarray | None = None

    @classmethod
    def of(cls, model, groups, prior, X):
        """Check what a user passes to ``fit``.

        Parameters
        ----------
        model : estimator
            Whose parameters say how it is fitted.
        groups : array-like of shape (n_samples,) or None
        prior : array-like of shape (n_samples, n_experts) or None
        X : array-like of shape (n_samples, n_features)
        """
        check_groups_allowed(model, groups, "groups")
        check_groups_allowed(model, prior, "responsibilities_prior")
        groups = None if groups is None else Groups.of(groups, X)
        if prior is None:
            return cls(groups)
        return cls(groups, _log_prior(prior, groups, num_samples(X)))

    def subset(self, rows):
        """The same of some rows."""
        groups = None if self.groups is None else self.groups.subset(rows)
        return KnownRows(groups, None if self.log_prior is None else self.log_prior[rows])

    def data(self, X, target, weights):
        """The rows as training knows them."""
        kind = TrainingData if self.groups is None else GroupedData
        return kind(X, target, weights, log_prior=self.log_prior, groups=self.groups)

    @staticmethod
    def summary(data, columns, least_variance):
        """What starts are made of; see :class:`RowSummary`."""
        if data.groups is None:
            return RowSummary(data.X, columns, data.weights, least_variance)
        return GroupedSummary(data, columns, least_variance)

    def report(self, cross):
        """Warn of groups that say nothing, or that folds have torn apart.

        Parameters
        ----------
        cross : CrossFitting or None
        """
        if self.groups is None:
            return
        messages = [warning_of_single_rows(self.groups)]
        if cross is not None:
            messages.append(_warning_of_split(self.groups, cross.folds))
        for message in messages:
            if message is not None:
                warnings.warn(message, UserWarning, stacklevel=FRAMES_TO_USER)


def check_groups_allowed(model, value, name):
    """Raise where ``value``, if given, is of no use to how a model is fitted."""
    if value is None:
        return
    if model.solver == "gradient":
        raise ValueError(
            f"{name}: solver='gradient' learns from one batch of rows after the other, "
            f"which knows nothing of it; {_REMEDY}."
        )
    if model.top_k is not None:
        raise ValueError(
            f"{name}: top_k sends each row to experts of its own, before they are told "
            "of it; use top_k=None."
        )


def check_no_blocks(source, groups, prior, sizes=None):
    """Raise where something is known of rows in blocks.

    Parameters
    ----------
    source : object
        With the name of the container.
    groups, prior : object or None
    sizes : dict of str to object or None
        Of rows, by the name of the keyword.
    """
    known = {"groups": groups, "responsibilities_prior": prior, **(sizes or {})}
    for name, value in known.items():
        if value is not None:
            raise ValueError(
                f"{name}: {source.name}, which are fitted without it; pass X as one "
                "table in memory."
            )


def check_n_experts_known(data, n_experts):
    """Raise where what is known of rows does not go with the number of experts.

    Parameters
    ----------
    data : TrainingData
    n_experts : int
    """
    if data.groups is not None and len(data.groups) < n_experts:
        raise ValueError(
            f"n_experts={n_experts} is larger than the number of groups, "
            f"{len(data.groups)}; use fewer experts."
        )
    log_prior = data.log_prior
    if log_prior is not None and log_prior.shape[1] != n_experts:
        raise ValueError(
            f"responsibilities_prior has {log_prior.shape[1]} columns, there are "
            f"{n_experts} experts; pass a column for each."
        )


def _log_prior(prior, groups, n_samples):
    """Logarithms, so that the likeliest expert of each row has zero.

    A row of which nothing is known (all alike) and one whose expert is known (one of
    them) then count in the objective as they do in the log-likelihood.
    """
    prior = check_array(prior, dtype=np.float64, input_name="responsibilities_prior")
    if len(prior) != n_samples:
        raise ValueError(
            f"responsibilities_prior has {len(prior)} rows, X has {n_samples}; pass "
            "probabilities for each."
        )
    wrong = (prior < 0).any(axis=1) | (np.abs(prior.sum(axis=1) - 1.0) > _TOLERANCE)
    if wrong.any():
        row = int(wrong.argmax())
        what = (
            "a negative value"
            if prior[row].min() < 0
            else f"the sum {prior[row].sum():g}"
        )
        raise ValueError(
            f"responsibilities_prior: row {row} has {what}; pass probabilities of the "
            "experts, which sum to one (all alike where nothing is known)."
        )
    if groups is not None:
        _check_constant(prior, groups)
    with np.errstate(divide="ignore"):
        return np.log(prior / prior.max(axis=1, keepdims=True))


def _check_constant(prior, groups):
    varies = np.abs(prior - prior[groups.first][groups.codes]).max(axis=1) > _TOLERANCE
    if varies.any():
        row = int(varies.argmax())
        raise ValueError(
            f"responsibilities_prior: row {row} differs from the first row of its group "
            f"{groups.name_of(row)!r}; give all rows of a group what is known of it."
        )


def _warning_of_split(groups, folds):
    """What to tell of the first group that a fold tests in part; None without one."""
    for number, (_, test) in enumerate(folds):
        name = groups.split_by(test)
        if name is not None:
            return (
                f"cv: split {number} tests some rows of the group {name!r} and trains on "
                "others, so that they are not held out from each other; use GroupKFold, "
                "or a number of folds."
            )
    return None
