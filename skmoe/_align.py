"""Experts numbered as those of another model."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skmoe.experts import permuted_state
from skmoe.gates import can_be_permuted, expert_tree, permuted_gate
from skmoe.likelihoods import component_of, permuted_dispersion

# Of the agreement, by which a tree's best may be below that of any order: rounding.
_ROUNDING = 1e-9


class AlignMixin:
    """Comparison of fits, for regression and classification."""

    def align_to(self, other, X, y, groups=None, **sizes):
        """Number the experts as those of another model that they agree with.

        Who is "expert 0" is a matter of numbering. Before the experts of several fits are
        compared, as those of bootstrap samples or folds, one fit gives the numbers, and
        the others are aligned to it. Experts agree as far as they are responsible for the
        same rows: the order is the one that maximises the sum of
        :math:`r_{ik} r'_{ik}` over rows and experts. Only numbers change; predictions and
        densities stay what they are.

        Parameters
        ----------
        other : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
            Fitted, with as many experts; it stays as it is.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that both are asked about: the same for all fits that are compared.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        self : estimator
            The estimator itself, whose fitted attributes are in the new order.

        Raises
        ------
        NotFittedError
            If one of the two models is not fitted yet.
        TypeError
            If ``other`` is no mixture of experts.
        ValueError
            If ``other`` has another number of experts, if ``experts`` is a list, which
            has an order of its own, or if the gate cannot be permuted, or not in the way
            that the experts agree: in a tree, only branches of one node change places.

        See Also
        --------
        responsibilities : What the experts are compared by.

        Examples
        --------
        The slopes of two crossing lines, from bootstrap samples:

        >>> import numpy as np
        >>> from sklearn.base import clone
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(0, 1, size=(200, 1))
        >>> y = rng.choice([-1.0, 1.0], size=200) * X[:, 0] + rng.normal(0, 0.05, 200)
        >>> unfitted = MixtureOfExpertsRegressor(
        ...     n_experts=2, gate="constant", random_state=0
        ... )
        >>> model = clone(unfitted).fit(X, y)
        >>> slopes = []
        >>> for _ in range(20):
        ...     rows = rng.integers(200, size=200)
        ...     again = clone(unfitted).fit(X[rows], y[rows]).align_to(model, X, y)
        ...     slopes.append([expert.coef_[0] for expert in again.experts_])
        >>> np.std(slopes, axis=0).round(2)
        array([0.01, 0.02])
        """
        self._check_can_align(other)
        own, others = (
            model.responsibilities(X, y, groups, **sizes) for model in (self, other)
        )
        agreement = own.T @ others
        _permute(self, self._best_order(agreement))
        return self

    def _check_can_align(self, other):
        """Raise where the experts cannot be numbered as those of ``other``."""
        check_is_fitted(self)
        if not isinstance(other, AlignMixin):
            raise TypeError(
                f"align_to: other is a {type(other).__name__}, no mixture of experts; of "
                "a pipeline or a search, pass the fitted mixture within."
            )
        if not hasattr(other, "experts_"):
            raise NotFittedError(
                f"align_to: other, a {type(other).__name__}, is not fitted yet; call its "
                "fit first."
            )
        if other.n_experts_ != self.n_experts_:
            raise ValueError(
                f"align_to: other has {other.n_experts_} experts, this model "
                f"{self.n_experts_}; only as many can be matched one to one."
            )
        if component_of(other.likelihood_) != component_of(self.likelihood_):
            raise ValueError(
                f"align_to: other has the likelihood {other.likelihood_!r}, this model "
                f"{self.likelihood_!r}, and one of them has a component besides the "
                "experts; align models of one likelihood."
            )
        if isinstance(self.experts, list):
            raise ValueError(
                "align_to: experts is a list, whose order and names the fitted experts "
                "keep; compare them by their names."
            )
        if not can_be_permuted(self.gate_):
            raise ValueError(
                f"align_to: the gate, {type(self.gate_).__name__}, has no method "
                "permuted(order), so its experts keep their numbers; add one, or fit "
                "with init=other.responsibilities(X, y) instead."
            )

    def _best_order(self, agreement):
        """The order of this model's experts (rows) in which they match the columns."""
        n_experts = len(agreement)
        if component_of(self.likelihood_) is not None:  # which stays the last
            agreement = agreement.copy()
            agreement[-1, -1] += agreement.sum()
        tree = expert_tree(self.gate_, n_experts)
        value, order = _matched(tree, tree, agreement)
        flat = tuple(range(n_experts))
        best, wanted = _matched(flat, flat, agreement)
        if value < best - _ROUNDING * agreement.sum():
            raise ValueError(
                f"align_to: the experts agree with those of other in the order {wanted}, "
                f"and the gate is a tree, {tree}, in which only branches of one node can "
                "change places; fit with init=other.responsibilities(X, y), or use "
                "gate='softmax'."
            )
        return np.array(order)


def _matched(own, places, agreement):
    """The largest agreement of a node's experts with those at some places, and how.

    Parameters
    ----------
    own, places : tuple of int, or of tuples
        Two branches of equal shape; places are of the other model.
    agreement : ndarray of shape (n_experts, n_experts)

    Returns
    -------
    value : float
    order : list of int
        Own experts, one for each place.
    """
    if isinstance(own[0], tuple):
        below = [[_matched(a, b, agreement) for b in places] for a in own]
        values = np.array([[value for value, _ in row] for row in below])
        orders = [[order for _, order in row] for row in below]
    else:
        values = agreement[np.ix_(own, places)]
        orders = [[[k]] * len(places) for k in own]
    # The other way round, so that what is found is sorted by place.
    to, at = linear_sum_assignment(values.T, maximize=True)
    order = [
        k for place, branch in zip(to, at, strict=True) for k in orders[branch][place]
    ]
    return values[at, to].sum(), order


def _permute(model, order):
    """Put all that is fitted of experts into another order, by binding it anew."""
    model.experts_ = [model.experts_[k] for k in order]
    model.gate_ = permuted_gate(model.gate_, order)
    model.dispersion_ = permuted_dispersion(model.dispersion_, order)
    model.expert_load_ = model.expert_load_[order]
    if model.routing_bias_ is not None:
        model.routing_bias_ = model.routing_bias_[order]
    if hasattr(model, "_stream_state"):
        model._stream_state = _permuted_stream(model._stream_state, order)


def _permuted_stream(state, order):
    """What ``partial_fit`` goes on from, with the experts in another order."""
    rests = state["rests"]
    return {
        **state,
        "pool": permuted_state(state["pool"], order),
        "residuals": tuple(_permuted_batch(*part, order) for part in state["residuals"]),
        "rests": None if rests is None else rests[:, order],
    }


def _permuted_batch(y, prediction, weights, experts, order):
    """A batch of ``Residuals``."""
    if experts is not None:
        return y, prediction, weights, np.argsort(order)[experts].astype(experts.dtype)
    return y, prediction[:, order], weights[:, order], None
