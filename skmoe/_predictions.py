"""What follows from fitted gate and experts, for regression and classification."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmoe._criteria import free_parameters
from skmoe._validation import Rows, check_known_features, check_length, check_X
from skmoe.gates import SoftmaxGate, joint_log_proba
from skmoe.likelihoods import dispersion_at
from skmoe.training import normalise

# Numbers of all experts that are held at a time, where the answer needs no more.
_CHUNK_CELLS = 500_000
# Gates that take finite numbers as they are. Exact classes: a subclass may answer
# otherwise, and is asked itself.
_UNCHECKED_GATES = {SoftmaxGate: SoftmaxGate.log_proba_of_numbers}


class PredictionsMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Gate probabilities, responsibilities, likelihoods and information criteria.

    A subclass says what experts predict (``_predict_rows``), how many numbers that is
    for a row and an expert (``_n_columns``) and how y is scored (``_encode_known``).
    """

    def predict_gate_proba(self, X):
        """Probability of each expert, before y is seen.

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
        return self.predict_gate_proba(X).argmax(axis=1)

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
        rows = self._check_rows(X)
        log_prob = self._log_prob(rows, y)
        return normalise(log_prob + joint_log_proba(self.gate_, rows.X))[1]

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
        rows = self._check_rows(X)
        log_prob = self._log_prob(rows, y)
        return normalise(log_prob + self._log_gate(rows))[0]

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

    def _log_prob(self, rows, y):
        """log f_k(y | x), of shape (n_samples, n_experts)."""
        target = self._encode_known(y)
        check_length(rows.X, target)
        prediction = self._predict_rows(rows)
        dispersion = dispersion_at(self.likelihood_, self.dispersion_, rows.X)
        return self.likelihood_.log_prob(target, prediction, dispersion)

    def _log_gate(self, rows):
        """log g_k(x), of shape (n_samples, n_experts)."""
        unchecked = _UNCHECKED_GATES.get(type(self.gate_))
        if unchecked is None or rows.numbers is None:
            return self.gate_.predict_log_proba(rows.X)
        return unchecked(self.gate_, rows.numbers)

    def _gate_proba(self, rows):
        return np.exp(self._log_gate(rows))

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
        return rows.chunks(_CHUNK_CELLS // (len(self.experts_) * self._n_columns) + 1)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "experts_")

    @property
    def _n_features_out(self):
        return len(self.experts_)
