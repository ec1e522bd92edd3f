"""Logistic regression for all experts on one design matrix."""

from copy import copy

import numpy as np
from sklearn.linear_model import LogisticRegression

from skmoe._running import averaged
from skmoe._softmax_regression import fit_softmax_regression, log_softmax
from skmoe._softmax_steps import SoftmaxSteps, with_penalty
from skmoe.experts._closed_form import ClosedFormPool
from skmoe.experts._linear_routed import pair_predictors
from skmoe.experts._logistic_terms import BinaryTerms, LogisticTerms
from skmoe.likelihoods import CategoricalLikelihood


class LogisticPool(ClosedFormPool):
    r"""Maximise :math:`\sum_i w_{ik} \log p_k(y_i \mid x_i) - \|V_k\|^2 / (2 C_k)`.

    By Newton's method, each expert from its last coefficients. As in scikit-learn, two
    classes have one coefficient vector and more than two have one each.

    Parameters
    ----------
    experts : list of (name, estimator)
    classes : ndarray of shape (n_classes,)
    """

    estimator_class = LogisticRegression
    exact_parameters = {
        "penalty": ["l2", "deprecated"],
        "l1_ratio": [None, 0, 0.0],
        "dual": [False],
        "class_weight": [None],
        "solver": ["lbfgs", "newton-cholesky", "newton-cg"],
        "multi_class": ["deprecated", "auto", "multinomial"],
    }

    def __init__(self, experts, *, classes):
        super().__init__(experts)
        self.classes = classes

    @classmethod
    def supports(cls, estimators, X, y):
        """Also asks for two classes: there is nothing to fit with one."""
        return super().supports(estimators, X, y) and np.ptp(y) > 0

    def fit(self, X, y, weights):
        """Fit every expert; ``y`` holds class numbers."""
        design = self._begin(X, weights)
        classes = np.eye(len(self.classes))
        shape = (self.n_experts, len(self.classes) - 1, design.n_columns)
        coef = np.zeros(shape) if self.coef is None else self.coef.copy()
        n_iter, ridge = [0] * self.n_experts, self.ridge
        for experts, own_design, rows, own in self._groups(design, weights):
            for k, share in zip(experts, own.T, strict=True):
                coef[k], n_iter[k] = fit_softmax_regression(
                    own_design.matrix,
                    classes[:, y[rows]] * share,
                    ridge=ridge[k],
                    coupling=self.coupling,
                    start=coef[k],
                )
        self.coef, self.n_iter = coef, n_iter
        return self

    @property
    def ridge(self):
        """Penalty of each expert's coefficients, (n_experts, n_columns)."""
        strength = np.array([1.0 / estimator.C for _, estimator in self.experts])
        return strength[:, None] * self.design.penalized / self.design.column_scale**2

    @property
    def coupling(self):
        """The penalty in coordinates whose last class is the reference."""
        n_free = len(self.classes) - 1
        return np.eye(1) if n_free == 1 else np.eye(n_free) - 1.0 / (n_free + 1)

    def terms(self, y, weights, likelihood, whole=None):
        """The experts' part of the log-likelihood."""
        if type(likelihood) is not CategoricalLikelihood:
            return None
        terms = BinaryTerms if len(self.classes) == 2 else LogisticTerms
        return terms(self, y, weights)

    def parameters(self, terms, dispersion):
        """This pool's state as ``terms`` takes it."""
        return self.coef.ravel()

    def with_parameters(self, terms, vector, n_iter):
        """A pool with the state ``vector`` of ``terms``; there is no dispersion."""
        pool = copy(self)
        pool.coef, pool._resumed = vector.reshape(terms.shape), None
        pool.n_iter = [n_iter] * len(self.experts)
        return pool, None

    def stepped(self, rows, y, weights, information, step):
        """One step on a batch; see :class:`NewtonPool`."""
        steps = SoftmaxSteps(rows, self.coef)
        targets = np.eye(len(self.classes))[:-1, y]
        excess = (targets - steps.proba[:, :-1]) * weights.T[:, None]
        ridge = self.ridge[:, None] / step.total
        gradient = steps.gradient(excess) - ridge * (self.coupling @ self.coef)
        information = averaged(information, steps.information(weights.T), step.rate)
        ridges = np.broadcast_to(ridge, self.coef.shape)
        moved = steps.step(gradient, with_penalty(information, ridges), step.rate)
        return self.coef + moved, information

    def without_details(self):
        """The same, whose estimators have made no more than a step."""
        pool = copy(self)
        pool.n_iter = [1] * self.n_experts
        return pool

    def fresh_coef(self, y):
        """Coefficients before the first step: all classes are alike."""
        return np.zeros((self.n_experts, len(self.classes) - 1, self.design.n_columns))

    @staticmethod
    def _coef_of(design, estimator):
        """Coefficients against the last class."""
        coef = design.from_user(estimator.coef_, estimator.intercept_)
        return -coef if len(coef) == 1 else coef[:-1] - coef[-1]

    def _predict(self, matrix):
        n_experts, n_free, n_columns = self.coef.shape
        logits = np.zeros((n_free + 1, matrix.shape[0], n_experts))
        flat = matrix @ self.coef.reshape(-1, n_columns).T
        logits[:-1] = flat.reshape(-1, n_experts, n_free).transpose(2, 0, 1)
        return np.exp(log_softmax(logits)).transpose(1, 2, 0)

    def _predict_routed(self, matrix, routes):
        logits = np.zeros((len(self.classes), *routes.experts.shape))
        logits[:-1] = np.moveaxis(pair_predictors(matrix, self.coef, None, routes), -1, 0)
        return np.moveaxis(np.exp(log_softmax(logits)), 0, -1)

    @property
    def penalty(self):
        """What the experts' objectives subtract from the log-likelihood."""
        return 0.5 * float(
            np.einsum("kcp,cd,kdp,kp->", self.coef, self.coupling, self.coef, self.ridge)
        )

    def _materialise(self, k):
        estimator = self._new_estimator(k)
        coef = self.coef[k]
        if len(self.classes) == 2:
            # scikit-learn's coefficients are those of the second class.
            coef = -coef
        else:
            coef = np.vstack([coef, np.zeros(coef.shape[1])])
            coef -= coef.mean(axis=0)
        estimator.coef_, estimator.intercept_ = self.design.to_user(coef)
        estimator.classes_ = self.classes
        estimator.n_iter_ = np.array([self.n_iter[k]], dtype=np.int32)
        return estimator
