"""What follows from fitted gate and experts, for regression and classification."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmoe._criteria import free_parameters
from skmoe._routes import Routes
from skmoe._validation import Rows, check_known_features, check_length, check_X
from skmoe.gates import SoftmaxGate, joint_log_proba
from skmoe.likelihoods import dispersion_at, dispersion_of_pairs
from skmoe.training import normalise, route

# Numbers of all experts that are held at a time, where the answer needs no more.
_CHUNK_CELLS = 500_000
# Gates that take finite numbers as they are. Exact classes: a subclass may answer
# otherwise, and is asked itself.
_UNCHECKED_GATES = {SoftmaxGate: SoftmaxGate.log_proba_of_numbers}


@dataclass
class Answers:
    """What gate and experts say of some rows.

    All have the shape (n_samples, n_columns, ...); columns are all experts or, with
    ``routes``, those that the row is sent to. A ``dispersion`` that is the same for all
    rows has the shape (n_experts, ...).
    """

    log_gate: np.ndarray
    prediction: np.ndarray
    dispersion: object
    routes: Routes | None = None

    def of_all(self, values):
        """Values of the columns as values of all experts, zero where none was asked."""
        return values if self.routes is None else self.routes.spread(values)


class PredictionsMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Gate probabilities, responsibilities, likelihoods and information criteria.

    A subclass says what experts predict (``_predict_rows``, ``_predict_routed``), how
    many numbers that is for a row and an expert (``_n_columns``) and how y is scored
    (``_encode_known``).
    """

    def predict_gate_proba(self, X):
        """Probability of each expert, before y is seen.

        With ``top_k``, zero for all experts but those that a row is sent to.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_experts)
        """
        return np.concatenate([self._gate_proba(rows) for rows in self._chunks(X)])

    def transform(self, X):
        """Gate probabilities as features; see :meth:`predict_gate_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray or dataframe of shape (n_samples, n_experts)
            As ``set_output`` says.
        """
        return self.predict_gate_proba(X)

    def apply(self, X):
        """Index of the expert with the largest gate probability.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)

        Returns
        -------
        indices : ndarray of int, of shape (n_samples,)
        """
        if not self._is_routed:
            return self.predict_gate_proba(X).argmax(axis=1)
        routing = self._route(self._check_rows(X))
        first = routing.log_gate.argmax(axis=1)
        return routing.routes.experts[np.arange(len(first)), first].astype(np.intp)

    def responsibilities(self, X, y):
        """Probability of each expert once y is seen.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_experts)
        """
        answers = self._answers(self._check_rows(X))
        return answers.of_all(normalise(self._log_joint(answers, y))[1])

    def score_samples(self, X, y=None):
        """Log-likelihood log p(y | x) of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Without it, what the gate knows of x itself: log p(x) of a generative gate,
            and zero of one that models experts given x alone.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
        """
        if y is None:
            rows = self._check_rows(X)
            return normalise(joint_log_proba(self.gate_, rows.X))[0]
        answers = self._answers(self._check_rows(X))
        return normalise(self._log_joint(answers, y))[0]

    def bic(self, X, y):
        """Bayesian information criterion of the rows; lower is better.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        bic : float
        """
        log_likelihood = self.score_samples(X, y)
        penalty = self._n_parameters("bic") * np.log(len(log_likelihood))
        return float(penalty - 2 * log_likelihood.sum())

    def aic(self, X, y):
        """Akaike's information criterion of the rows; lower is better.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        aic : float
        """
        log_likelihood = self.score_samples(X, y).sum()
        return float(2 * self._n_parameters("aic") - 2 * log_likelihood)

    def icl(self, X, y):
        """Integrated completed likelihood (Biernacki et al. 2000); lower is better.

        The BIC, raised by what is uncertain about each row's expert.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        icl : float
        """
        largest = self.responsibilities(X, y).max(axis=1)
        return float(self.bic(X, y) - 2 * np.log(largest).sum())

    def _n_parameters(self, criterion):
        return free_parameters(
            criterion, self.gate_, self.experts_, self._expert_names, self.likelihood_,
            self.dispersion_,
        )  # fmt: skip

    @property
    def _is_routed(self):
        """Whether each row is sent to some of the experts only."""
        return self.top_k_ < len(self.experts_)

    def _route(self, rows):
        return route(
            self.gate_, rows, len(self.experts_), self.top_k_, self.routing_bias_
        )

    def _answers(self, rows):
        """What gate and experts, as far as they are asked, say of the rows."""
        likelihood, dispersion = self.likelihood_, self.dispersion_
        if not self._is_routed:
            return Answers(
                self._log_gate(rows),
                self._predict_rows(rows),
                dispersion_at(likelihood, dispersion, rows.X),
            )
        routing = self._route(rows)
        routes = routing.routes
        return Answers(
            routing.log_gate,
            self._predict_routed(rows, routes),
            dispersion_of_pairs(likelihood, dispersion, rows.X, routes),
            routes,
        )

    def _log_joint(self, answers, y):
        """log g_k(x) + log f_k(y | x), of shape (n_samples, n_columns)."""
        target = self._encode_known(y)
        check_length(answers.log_gate, target)
        return answers.log_gate + self.likelihood_.log_prob(
            target, answers.prediction, answers.dispersion
        )

    def _log_gate(self, rows):
        """log g_k(x), of shape (n_samples, n_experts)."""
        unchecked = _UNCHECKED_GATES.get(type(self.gate_))
        if unchecked is None or rows.numbers is None:
            return self.gate_.predict_log_proba(rows.X)
        return unchecked(self.gate_, rows.numbers)

    def _gate_proba(self, rows):
        if not self._is_routed:
            return np.exp(self._log_gate(rows))
        routing = self._route(rows)
        return routing.routes.spread(np.exp(routing.log_gate))

    def _check_rows(self, X):
        """X with the features that were fitted, as rows."""
        if not hasattr(self, "experts_"):
            check_is_fitted(self)
        X = check_X(X)
        check_known_features(self, X)
        return Rows(X)

    def _chunks(self, X):
        """Checked rows, so many at a time that arrays of all experts stay small."""
        rows = self._check_rows(X)
        if self._is_routed:  # arrays are small, and each expert is to be called once
            return [rows]
        return rows.chunks(_CHUNK_CELLS // (len(self.experts_) * self._n_columns) + 1)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "experts_")

    @property
    def _n_features_out(self):
        return len(self.experts_)
