"""What is asked of a fitted regressor: means, densities, draws, and what experts say."""

from dataclasses import replace

import numpy as np
from sklearn.metrics import r2_score

from skmoe._mixture import ConditionalMixture
from skmoe._naming import naming
from skmoe._sklearn_compat import num_samples
from skmoe.experts import (
    OUTCOMES,
    ask_shared,
    predict_experts,
    predict_experts_proba,
    predict_experts_proba_routed,
    predict_experts_routed,
)


class RegressorPredictionsMixin:
    """Means, densities and draws of a regressor."""

    def predict(self, X, return_std=False, *, exposure=None, trials=None):
        """Mean of the predictive density, and its standard deviation.

        :eq:`eq-mean` and :eq:`eq-variance`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        return_std : bool, default=False
            Whether to return the standard deviation as well.
        exposure : array-like of shape (n_samples,), default=None
            How long, or how much, each row is observed, as in ``fit``; 1 by default.
        trials : array-like of shape (n_samples,), default=None
            Trials of each row, as in ``fit``; 1 by default.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y.
        std : ndarray of the same shape
            In units of y, errors included. Only if ``return_std`` is true.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        See Also
        --------
        predict_distribution : The whole density.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> mean, std = model.predict([[1.5]], return_std=True)
        >>> mean.round(2), std.round(2)
        (array([1.5]), array([0.09]))
        """
        densities = self._densities(X, exposure, trials)
        if not return_std:
            return np.concatenate([density.mean() for density in densities])
        moments = [(density.mean(), density.std()) for density in densities]
        mean, std = map(np.concatenate, zip(*moments, strict=True))
        return mean, std

    def _densities(self, X, exposure, trials):
        """Densities of some rows after the other, and of at least one part of them."""
        rows = self._check_rows(X)
        sizes = self._sizes(rows, {"exposure": exposure, "trials": trials})
        for part in self._parts_of(rows):
            first = part.first
            own = None if sizes is None else sizes[first : first + num_samples(part.X)]
            yield self._density(part, own)

    def predict_distribution(self, X, *, exposure=None, trials=None):
        """Predictive density of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        exposure : array-like of shape (n_samples,), default=None
            How long, or how much, each row is observed, as in ``fit``; 1 by default.
        trials : array-like of shape (n_samples,), default=None
            Trials of each row, as in ``fit``; 1 by default.

        Returns
        -------
        density : ConditionalMixture
            :eq:`eq-mixture`, with ``mean``, ``std``, ``pdf``, ``cdf``, ``ppf``,
            ``interval``, ``rvs`` and ``crps`` for all rows at once.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> low, high = model.predict_distribution([[1.5]]).interval(0.9)
        >>> low.round(2), high.round(2)
        (array([1.35]), array([1.65]))
        """
        rows = self._check_rows(X)
        sizes = self._sizes(rows, {"exposure": exposure, "trials": trials})
        return self._density(rows, sizes)

    def sample(self, X, random_state=None, *, exposure=None, trials=None):
        """Draw y for each row from its predictive density.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to draw for.
        random_state : int, RandomState instance or None, default=None
            An int gives the same draws each time.
        exposure : array-like of shape (n_samples,), default=None
            How long, or how much, each row is observed, as in ``fit``; 1 by default.
        trials : array-like of shape (n_samples,), default=None
            Trials of each row, as in ``fit``; 1 by default.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            One draw for each row; :meth:`predict_distribution` has ``rvs`` for more.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> model.sample([[1.5], [1.5]], random_state=0).shape
        (2,)
        """
        density = self.predict_distribution(X, exposure=exposure, trials=trials)
        return density.rvs(random_state=random_state)

    def score(self, X, y, sample_weight=None, *, exposure=None, trials=None):
        """Coefficient of determination of the means, as scikit-learn's regressors.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed there.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        exposure : array-like of shape (n_samples,), default=None
            How long, or how much, each row is observed, as in ``fit``; 1 by default.
        trials : array-like of shape (n_samples,), default=None
            Trials of each row, as in ``fit``; 1 by default.

        Returns
        -------
        score : float
            One is perfect, and zero is no better than the mean.

        See Also
        --------
        skmoe.metrics.neg_log_likelihood_scorer : Of the whole density.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.1, 0.9, 2.1, 2.9]
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> round(model.score(X, y), 3)
        0.993
        """
        prediction = self.predict(X, exposure=exposure, trials=trials)
        return r2_score(y, prediction, sample_weight=sample_weight)

    def _density(self, rows, sizes):
        answers = self._sized_answers(rows, sizes)
        routes = answers.routes
        return ConditionalMixture(
            np.exp(answers.log_gate), answers.prediction, answers.dispersion,
            self.likelihood_, experts=None if routes is None else routes.experts,
        )  # fmt: skip

    def predict_experts(self, X):
        """What each expert predicts.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_experts[, n_outputs])
            In units of y, without the part of a shared expert. All experts are asked,
            also with ``top_k``.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 101)[:, None]
        >>> sides = np.column_stack([X[:, 0] < 0, X[:, 0] >= 0])  # where to start
        >>> model = MixtureOfExpertsRegressor(n_experts=2, init=sides)
        >>> model.fit(X, np.abs(X[:, 0])).predict_experts([[0.5]]).round(2)
        array([[-0.5,  0.5]])
        """
        return self._predict_rows(self._check_rows(X))

    def _predict_rows(self, rows):
        if self._tells_successes:
            answer = predict_experts_proba(
                self.experts_, rows, OUTCOMES, self._expert_names
            )
            return answer[:, :, 1]
        return predict_experts(self.experts_, rows, self._n_outputs, self._expert_names)

    def _predict_routed(self, rows, routes):
        if self._tells_successes:
            answer = predict_experts_proba_routed(
                self.experts_, rows, routes, OUTCOMES, self._expert_names,
                n_jobs=self.n_jobs,
            )  # fmt: skip
            return answer[:, :, 1]
        return predict_experts_routed(
            self.experts_, rows, routes, self._n_outputs, self._expert_names,
            n_jobs=self.n_jobs,
        )  # fmt: skip

    def _answers(self, rows):
        answers = super()._answers(rows)
        if self.shared_expert_ is None:
            return answers
        with naming(f"shared_expert ({type(self.shared_expert_).__name__})"):
            shared = ask_shared(self.shared_expert_, rows.X, self._n_outputs)
        return replace(answers, prediction=answers.prediction + shared[:, None])

    @property
    def _tells_successes(self):
        """Whether experts are classifiers, which tell the probability of success."""
        return getattr(self.likelihood_, "experts_classify", False)

    @property
    def _n_columns(self):
        return self._n_outputs or 1
