"""Logistic regression for all experts on one design matrix."""

from copy import copy

import numpy as np
from sklearn.linear_model import LogisticRegression

from skmoe._softmax_regression import fit_softmax_regression, log_softmax
from skmoe.experts._closed_form import ClosedFormPool
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
        self._resumed = None
        design = self._bind(X, weights)
        n_classes = len(self.classes)
        one_hot = np.eye(n_classes)[:, y]
        if self.coef is None:
            shape = (len(self.experts), n_classes - 1, design.n_columns)
            self.coef = np.zeros(shape)
        fits = [
            fit_softmax_regression(
                design.matrix,
                one_hot * weights[:, k],
                ridge=self.ridge[k],
                coupling=self.coupling,
                start=self.coef[k],
            )
            for k in range(len(self.experts))
        ]
        self.coef = np.stack([coef for coef, _ in fits])
        self.n_iter = [n_iter for _, n_iter in fits]
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

    def terms(self, y, weights, likelihood):
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
