"""A fitted mixture for serving: each row is answered by one expert, and no other."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skmoe._routes import Routes
from skmoe._sklearn_compat import num_samples
from skmoe._validation import Rows, check_known_features, check_X
from skmoe.experts import (
    OUTCOMES,
    predict_experts,
    predict_experts_proba_routed,
    predict_experts_routed,
)
from skmoe.gates import gate_scores
from skmoe.likelihoods import component_of
from skmoe.training import route

_TAKES = ("sparse", "allow_nan", "categorical", "string")


class BaseHardRouter(BaseEstimator):
    """Parts of a fitted mixture, and which expert a row is sent to.

    It is never fitted, so a clone of it is itself, as one of a ``FrozenEstimator`` is.
    """

    def fit(self, X, y=None):
        """Raise an error; only a mixture of experts is fitted.

        Parameters
        ----------
        X : array-like
            Not used.
        y : array-like, default=None
            Not used.

        Raises
        ------
        NotImplementedError
            In any case. Fit a mixture of experts and export that.
        """
        kind = type(self).__name__
        raise NotImplementedError(
            f"{kind} is made by to_hard_router(), not fitted; fit a mixture of experts "
            "and export that."
        )

    def apply(self, X):
        """Index of the expert that each row is sent to.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        indices : ndarray of int, of shape (n_samples,)
            Positions in ``experts_``.

        Raises
        ------
        NotFittedError, ValueError
            If it was not made by ``to_hard_router``, or X has other columns than in the
            fit.
        """
        return self._choose(self._check_rows(X)).astype(np.intp)

    def _check_rows(self, X):
        """X with the features that the mixture was fitted to, as rows."""
        if not hasattr(self, "experts_"):
            raise NotFittedError(
                f"this {type(self).__name__} has no experts; it is made by "
                "to_hard_router() of a fitted mixture of experts."
            )
        X = check_X(X)
        check_known_features(self, X)
        return Rows(X)

    def _choose(self, rows):
        """The expert of each row, as ``route`` with ``top_k=1`` chooses it."""
        if num_samples(rows.X) > 1:
            routing = route(self.gate_, rows, self.n_experts_, 1, self.routing_bias_)
            return routing.routes.experts[:, 0]
        # For a single row, going over the experts takes longer than all the rest.
        scores, _ = gate_scores(self.gate_, rows)
        if self.routing_bias_ is not None:
            scores = scores + self.routing_bias_
        return scores.argmax(axis=1)

    def _send(self, rows):
        """Experts that may be asked, the routes to them, and their names."""
        chosen = self._choose(rows)
        if len(chosen) > 1:
            routes = Routes(chosen[:, None], self.n_experts_)
            return self.experts_, routes, self._expert_names
        # To look at the others at all takes longer than the answer of the one.
        k = int(chosen[0])
        only = Routes(np.zeros((1, 1), dtype=np.uint8), 1)
        return [self.experts_[k]], only, [self._expert_names[k]]

    def __sklearn_clone__(self):
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "experts_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        for name, value in getattr(self, "_takes", {}).items():
            setattr(tags.input_tags, name, value)
        return tags


class HardRouterRegressor(RegressorMixin, BaseHardRouter):
    """A regressor that asks one expert about each row.

    It is made by :meth:`MixtureOfExpertsRegressor.to_hard_router`, not fitted: the row's
    expert is that of the largest gate probability, and no other is evaluated.

    Attributes
    ----------
    experts_ : list of estimators
        The fitted experts, those of the mixture.
    gate_ : gate
        The fitted gate, that of the mixture.
    routing_bias_ : ndarray of shape (n_experts,) or None
        Added to the gate's scores.
    shared_expert_ : regressor or None
        Its prediction is added to that of each row's expert.
    n_experts_ : int
        Number of experts.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where the mixture was fitted to a dataframe.

    See Also
    --------
    MixtureOfExpertsRegressor : The mixture that it is made of.
    HardRouterClassifier : The same for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X = np.linspace(-1, 1, 101)[:, None]
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
    >>> router = model.fit(X, np.abs(X[:, 0])).to_hard_router()
    >>> router.predict([[-0.5], [0.8]]).round(2)
    array([0.5, 0.8])
    >>> sorted(router.apply([[-0.5], [0.8]]).tolist())
    [0, 1]
    """

    def predict(self, X):
        """Predict what each row's expert does, and the shared expert on top.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        prediction : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y; of counts per unit of exposure, and with
            ``likelihood="binomial"`` the probability of success.

        Raises
        ------
        NotFittedError, ValueError
            If it was not made by ``to_hard_router``, or X has other columns than in the
            fit.
        """
        rows = self._check_rows(X)
        experts, routes, names = self._send(rows)
        if self._tells_successes:
            proba = predict_experts_proba_routed(experts, rows, routes, OUTCOMES, names)
            return proba[:, 0, 1]
        prediction = predict_experts_routed(experts, rows, routes, self._n_outputs, names)
        if self.shared_expert_ is not None:
            prediction += predict_experts(
                [self.shared_expert_], rows, self._n_outputs, ["shared_expert"]
            )
        return prediction[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = getattr(self, "_n_outputs", None) is not None
        return tags


class HardRouterClassifier(ClassifierMixin, BaseHardRouter):
    """A classifier that asks one expert about each row.

    It is made by :meth:`MixtureOfExpertsClassifier.to_hard_router`, not fitted: the row's
    expert is that of the largest gate probability, and no other is evaluated.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    experts_ : list of estimators
        The fitted experts, those of the mixture.
    gate_ : gate
        The fitted gate, that of the mixture.
    routing_bias_ : ndarray of shape (n_experts,) or None
        Added to the gate's scores.
    shared_expert_ : None
        There is none in classification.
    n_experts_ : int
        Number of experts.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where the mixture was fitted to a dataframe.

    See Also
    --------
    MixtureOfExpertsClassifier : The mixture that it is made of.
    HardRouterRegressor : The same for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsClassifier
    >>> X = np.random.RandomState(0).uniform(-1, 1, size=(400, 2))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    >>> model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    >>> model.to_hard_router().predict([[0.5, 0.5], [-0.5, 0.5]])
    array(['same', 'other'], dtype='<U5')
    """

    def predict(self, X):
        """Predict the class that each row's expert holds most probable.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels, of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            If it was not made by ``to_hard_router``, or X has other columns than in the
            fit.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def predict_proba(self, X):
        """Class probabilities of each row's expert, in the order of ``classes_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities; each row sums to one.

        Raises
        ------
        NotFittedError, ValueError
            If it was not made by ``to_hard_router``, or X has other columns than in the
            fit.
        """
        rows = self._check_rows(X)
        experts, routes, names = self._send(rows)
        proba = predict_experts_proba_routed(experts, rows, routes, self.classes_, names)
        return proba[:, 0]

    def predict_log_proba(self, X):
        """Log of the class probabilities of each row's expert.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Those of :meth:`predict_proba`; minus infinity where that is zero.

        Raises
        ------
        NotFittedError, ValueError
            If it was not made by ``to_hard_router``, or X has other columns than in the
            fit.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


# What a router takes over as it is, where the mixture has it.
_PARTS = (
    "experts_", "gate_", "routing_bias_", "n_experts_", "n_features_in_",
    "feature_names_in_", "classes_", "_expert_names", "_n_outputs",
)  # fmt: skip


def hard_router(model):
    """The hard router of a fitted mixture of experts, which shares its parts.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier

    Returns
    -------
    router : HardRouterRegressor or HardRouterClassifier
    """
    router = HardRouterClassifier() if is_classifier(model) else HardRouterRegressor()
    fitted = vars(model)
    vars(router).update({name: fitted[name] for name in _PARTS if name in fitted})
    router.shared_expert_ = getattr(model, "shared_expert_", None)
    if not is_classifier(model):
        router._tells_successes = model._tells_successes
    if component_of(model.likelihood_) == "noise":  # which answers for no row
        router.routing_bias_ = np.append(np.zeros(model.n_experts_ - 1), -np.inf)
    # As they were asked of the unfitted parts, which the router does not hold.
    tags = get_tags(model).input_tags
    router._takes = {name: getattr(tags, name) for name in _TAKES}
    return router
