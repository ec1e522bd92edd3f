"""What follows from fitted gate and experts, for regression and classification."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmoe._criteria import CriteriaMixin
from skmoe._group_table import Groups
from skmoe._routes import Routes
from skmoe._row_sizes import check_sized_target, given_sizes, sizes_of_rows
from skmoe._sklearn_compat import num_samples
from skmoe._validation import Rows, check_known_features, check_length, check_X
from skmoe.gates import SoftmaxGate, joint_log_proba
from skmoe.likelihoods import dispersion_at, dispersion_of_pairs
from skmoe.training import GroupedData, normalise, route

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
    rows has the shape (n_experts, ...). ``sizes``, of shape (n_samples,), are those that
    predictions were multiplied by, or trials.
    """

    log_gate: np.ndarray
    prediction: np.ndarray
    dispersion: object
    routes: Routes | None = None
    sizes: np.ndarray | None = None

    def of_all(self, values):
        """Values of the columns as values of all experts, zero where none was asked."""
        return values if self.routes is None else self.routes.spread(values)


class PredictionsMixin(CriteriaMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Gate probabilities, responsibilities and likelihoods; information criteria.

    A subclass says what experts predict (``_predict_rows``, ``_predict_routed``), how
    many numbers that is for a row and an expert (``_n_columns``) and how y is scored
    (``_encode_known``).
    """

    def predict_gate_proba(self, X):
        """Probability of each expert, before y is seen.

        The gate's :math:`g_k(x)` of :eq:`eq-mixture`. With ``top_k`` it is zero for all
        experts but those that a row is sent to, and scaled up to one (:eq:`eq-top-k`).

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_experts)
            Probabilities; each row sums to one.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        See Also
        --------
        apply : The expert with the largest of them.
        responsibilities : Probability of each expert once y is seen.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 101)[:, None]
        >>> sides = np.column_stack([X[:, 0] < 0, X[:, 0] >= 0])  # where to start
        >>> model = MixtureOfExpertsRegressor(n_experts=2, init=sides)
        >>> model.fit(X, np.abs(X[:, 0])).predict_gate_proba([[-0.8], [0.0]]).round(2)
        array([[1. , 0. ],
               [0.5, 0.5]])
        """
        return np.concatenate([self._gate_proba(rows) for rows in self._chunks(X)])

    def transform(self, X):
        """Gate probabilities as features, for the step of a pipeline.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.

        Returns
        -------
        proba : ndarray or dataframe of shape (n_samples, n_experts)
            What :meth:`predict_gate_proba` gives, in the container that ``set_output``
            asks for.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.linear_model import LinearRegression
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 101)[:, None]
        >>> y = (X[:, 0] > 0) + 0.1 * np.sin(50 * X[:, 0])
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
        >>> steps = make_pipeline(model, LinearRegression()).fit(X, y)
        >>> steps.predict([[-0.5], [0.5]]).round(1) + 0.0
        array([0., 1.])
        """
        return self.predict_gate_proba(X)

    def apply(self, X):
        """Index of the expert with the largest gate probability.

        With ``top_k``, of those experts that the row is sent to.

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
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 101)[:, None]
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
        >>> left, right = model.fit(X, np.abs(X[:, 0])).apply([[-0.8], [0.8]])
        >>> model.experts_[left].coef_.round(2), model.experts_[right].coef_.round(2)
        (array([-1.]), array([1.]))
        """
        if not self._is_routed:
            return self.predict_gate_proba(X).argmax(axis=1)
        routing = self._route(self._check_rows(X))
        first = routing.log_gate.argmax(axis=1)
        return routing.routes.experts[np.arange(len(first)), first].astype(np.intp)

    def responsibilities(self, X, y, groups=None, **sizes):
        """Probability of each expert once y is seen.

        By Bayes' rule, from gate probabilities and the experts' densities at y
        (:eq:`eq-responsibility`).

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What was observed there.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``: all rows of a group have the
            probabilities that follow from them together.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_experts)
            Probabilities; each row sums to one. With ``top_k``, zero for experts that a
            row is not sent to.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, X has other columns than in ``fit``, or y is
            not what the likelihood takes, such as a class that was not fitted.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.tile(np.linspace(-1, 1, 50), 2)[:, None]
        >>> y = np.repeat([0.0, 3.0], 50) + 0.5 * np.sin(40 * X[:, 0])
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
        >>> model.predict_gate_proba([[0.0]]).round(2)
        array([[0.5, 0.5]])
        >>> np.sort(model.responsibilities([[0.0]], [3.0])).round(2)
        array([[0., 1.]])
        """
        rows = self._check_rows(X)
        answers = self._sized_answers(rows, self._sizes(rows, sizes))
        if groups is not None:
            data = self._grouped(rows, groups)
            shares = normalise(self._log_joint_of_groups(data, answers, y))[1]
            return shares[data.groups.codes]
        return answers.of_all(normalise(self._log_joint(answers, y))[1])

    def score_samples(self, X, y=None, groups=None, **sizes):
        """Log-likelihood log p(y | x) of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to ask about.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            What was observed there. Without it, what the gate knows of x itself: log p(x)
            of a generative gate, and zero of one that models experts given x alone.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, as in ``fit``. Each row then has the
            log-likelihood of its group (:eq:`eq-groups`) divided by the group's number
            of rows, so that the sum over all rows is the log-likelihood.
        **sizes : dict
            ``exposure`` or ``trials`` of the rows, as in ``fit`` of a regressor.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Log-density of :eq:`eq-mixture`, in nats; it shifts with the unit of y. Of
            counts and classes, log-probabilities.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, X has other columns than in ``fit``, or y is
            not what the likelihood takes, such as a class that was not fitted.

        See Also
        --------
        skmoe.metrics.neg_log_likelihood_scorer : Its mean, for a search.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.tile(np.linspace(-1, 1, 50), 2)[:, None]
        >>> y = np.repeat([0.0, 3.0], 50) + 0.5 * np.sin(40 * X[:, 0])
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
        >>> likely, unlikely = model.score_samples([[0.0], [0.0]], [3.0, 1.5])
        >>> bool(likely > unlikely)
        True
        """
        rows = self._check_rows(X)
        if groups is not None:
            data = self._grouped(rows, groups)
            log_likelihood = self._log_likelihood_of_groups(data, rows, y, sizes)
            return data.groups.shared_out(log_likelihood)
        if y is None:
            return normalise(joint_log_proba(self.gate_, rows.X))[0]
        answers = self._sized_answers(rows, self._sizes(rows, sizes))
        return normalise(self._log_joint(answers, y))[0]

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

    def _sizes(self, rows, sizes):
        """What is passed of the rows' sizes, as numbers or None."""
        return sizes_of_rows(self.likelihood_, given_sizes(sizes), rows.X)

    def _sized_answers(self, rows, sizes):
        """The same of rows of different sizes, if they are."""
        answers = self._answers(rows)
        if sizes is None:
            return answers
        prediction, dispersion = self.likelihood_.sized(
            answers.prediction, answers.dispersion, sizes
        )
        return replace(answers, prediction=prediction, dispersion=dispersion, sizes=sizes)

    def _log_joint(self, answers, y):
        """log g_k(x) + log f_k(y | x), of shape (n_samples, n_columns)."""
        return answers.log_gate + self._log_prob(answers, y)

    def _log_prob(self, answers, y):
        """log f_k(y | x), of shape (n_samples, n_columns)."""
        target = self._encode_known(y)
        check_length(answers.log_gate, target)
        check_sized_target(self.likelihood_, target, answers.sizes)
        return self.likelihood_.log_prob(target, answers.prediction, answers.dispersion)

    def _grouped(self, rows, groups):
        """Rows in the groups that a user names."""
        if self._is_routed:
            raise ValueError(
                "groups: with top_k each row is sent to experts of its own; fit with "
                "top_k=None."
            )
        ones = np.ones(num_samples(rows.X))
        return GroupedData(rows.X, None, ones, groups=Groups.of(groups, rows.X))

    def _log_joint_of_groups(self, data, answers, y):
        """log g_k(x) + log f_k(y | x) of all rows together: (n_groups, n_experts)."""
        log_gate = self.gate_.predict_log_proba(data.table_for(self.gate_))
        log_prob = self._log_prob(answers, y)
        return data.added_up(data.joint(log_gate[data.groups.codes], log_prob))

    def _log_likelihood_of_groups(self, data, rows, y, sizes):
        if y is None:
            log_gate = joint_log_proba(self.gate_, data.table_for(self.gate_))
            return normalise(log_gate)[0]
        answers = self._sized_answers(rows, self._sizes(rows, sizes))
        return normalise(self._log_joint_of_groups(data, answers, y))[0]

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
        return self._parts_of(self._check_rows(X))

    def _parts_of(self, rows):
        if self._is_routed:  # arrays are small, and each expert is to be called once
            return [rows]
        return rows.chunks(_CHUNK_CELLS // (len(self.experts_) * self._n_columns) + 1)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "experts_")

    @property
    def _n_features_out(self):
        return len(self.experts_)
