"""The mixture of experts for regression."""

from dataclasses import replace

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from skmoe._base import BaseMixtureOfExperts
from skmoe._block_targets import NumberTarget
from skmoe._fitting import is_linear
from skmoe._mixture import ConditionalMixture
from skmoe._naming import naming
from skmoe._partial_fit import learns_from_batches
from skmoe._validation import check_regression_target, check_y_present
from skmoe.experts import (
    SharedPool,
    ask_shared,
    check_shared_expert,
    make_incremental_regressor_pool,
    make_incremental_shared_pool,
    make_regressor_pool,
    predict_experts,
    predict_experts_routed,
)
from skmoe.likelihoods import check_likelihood


class MixtureOfExpertsRegressor(RegressorMixin, BaseMixtureOfExperts):
    r"""Mixture of experts for regression.

    .. math:: p(y \mid x) = \sum_{k=1}^K g_k(x)\, f_k(y \mid x)

    A gate :math:`g` learns which regime a row is in, experts learn what holds there: any
    scikit-learn regressor predicts the mean of :math:`f_k`. Both are fitted together by
    expectation-maximisation [1]_ [2]_; see :eq:`eq-mixture`.

    Parameters
    ----------
    experts : estimator or list of (str, estimator), default=None
        One regressor, cloned ``n_experts`` times, or a named list of regressors, one
        expert each. None stands for ``LinearRegression()``; with the likelihood "poisson"
        or "gamma" for ``PoissonRegressor(alpha=0)`` or ``GammaRegressor(alpha=0)``. A
        regressor whose ``fit`` takes no ``sample_weight`` is fitted to whole rows that
        are drawn, always in the same way, by their responsibilities.
    n_experts : int or "auto", default=3
        Number of clones; not used with a list. "auto" begins with one and adds another as
        long as it pays: while the held-out log-likelihood rises by more than two standard
        errors or, without cross-fitting, while the BIC falls.
    gate : {"softmax", "constant"}, gate or classifier, default="softmax"
        What decides between the experts. A classifier with ``predict_proba`` becomes a
        :class:`~skmoe.gates.ClassifierGate`; a pipeline that ends in a gate is a gate.
    likelihood : str or likelihood, default="gaussian"
        How an expert's answer is scored: by a likelihood of :mod:`skmoe.likelihoods`, or
        "gaussian", "laplace", "student_t", "poisson" or "gamma". "laplace" and
        "student_t" are for targets with outliers, which pull their experts less;
        "poisson" is for counts, "gamma" for positive numbers whose spread grows with
        their mean, and both need experts whose predictions are positive. All but
        "gaussian" take one output.
    solver : {"em", "hard-em", "stochastic-em", "gradient"}, default="em"
        Whether rows are shared by the experts, given to one each, or drawn. With "em",
        linear experts and a softmax or constant gate are solved together, to the same
        optimum. "gradient" learns from mini-batches, in epochs: for experts and gates
        that have ``partial_fit``, and for linear ones. No folds are held out then.
    cv : "auto", None, int, splitter or iterable of (train, test), default="auto"
        How rows are held out in the E-step. A flexible expert has memorised its rows, so
        its errors there tell nothing; with folds, errors, dispersions and gate
        probabilities come from fits to the other folds, and in the end all is fitted to
        all rows. "auto" takes three folds, and none where all experts are linear models
        (also at the end of a pipeline). A number of folds is drawn by the content of the
        rows: copies of a row share one. With "auto", an expert with ``oob_score`` set is
        held out by its bags instead. At most four rounds are made: with three folds, no
        more than ``13 * n_experts + 3`` fits of an expert; with ``top_k`` at most ten,
        which fit an expert to its own rows only. None is the textbook E-step.
    pooling : "auto" or float, default="auto"
        What is added to every responsibility when experts are fitted, so that they know
        rows besides their own. "auto" is 0 but where flexible experts are cross-fitted;
        there it is 0.3, raised where the mean on held-out rows gets worse than that of
        the expert alone, and lowered where a round gains much. With ``top_k`` it is 0,
        and adds to a row's own experts only.
    top_k : int, default=None
        How many experts each row is sent to: those of its largest gate probabilities,
        which are scaled up to one. No other expert is fitted to the row, or asked about
        it, so that time and memory do not grow with the number of experts [3]_. While
        training, rows meet up to four times as many experts in the first iterations. None
        sends every row to all experts.
    load_balancing : {"bias", "auxiliary"}, default=None
        How rows are shared out evenly among the experts, with ``top_k``. "bias" finds a
        number for each expert that is added to the gate's log-probabilities for the
        choice of experts alone, not for their weights, and no more of it than keeps the
        coefficient of variation of ``expert_load_`` at 0.23. "auxiliary" adds the load
        loss of the Switch transformer to the objective of a softmax gate.
    auxiliary_strength : float, default=0.01
        Strength of that loss: per row, ``n_experts`` times the sum over experts of the
        share of rows times the mean probability.
    capacity_factor : float, default=None
        With ``top_k``, no expert takes more than ``capacity_factor`` times an even share
        of the rows while training, by weight; the rows that it wants least go to their
        next choice.
    shared_expert : regressor, default=None
        An expert that always answers: a prediction is the sum of its own and that of the
        gate's experts, which model what it leaves of y [4]_. Its ``fit`` takes
        ``sample_weight``. Not with "poisson" or "gamma", whose means are positive.
    init : str or array-like of shape (n_samples, n_experts), default="auto"
        Where to start: "auto", "k-plane", "k-means" or "random". "auto" makes twenty
        short runs of linear experts and goes on from the best, or, for counts and
        positive targets, from the best of six plain starts; "k-plane" makes one; an array
        holds responsibilities. With cross-fitting, "auto" looks at what the expert alone
        leaves of y on held-out rows.
    n_init : int, default=1
        Number of starts; the best objective is kept. Of several "auto" starts the
        second and the fourth of five are plain "k-plane" and "random", for variety.
    max_iter : int, default=100
        Most iterations of a start; with ``solver="gradient"``, epochs.
    tol : float, default=1e-6
        What the objective per row may still gain, about, when a start has converged.
    learning_rate_init : float, default=10.0
        With ``solver="gradient"`` and :meth:`partial_fit`, how much more the last rows
        count than the others: a batch moves gate and linear experts by a part of Newton's
        step that is this times its share of all rows so far, at most by a whole one.
        Other experts have learning rates of their own.
    forgetting_rate : float, default=0.0
        Share of what is known that each row replaces at least, so that a model follows
        regimes that drift: with 1e-4, little is left of rows more than 20,000 rows ago.
    batch_size : int or "auto", default="auto"
        Rows of a batch, with ``solver="gradient"``. "auto" is 1024, or all of fewer rows.
    early_stopping : bool, default=False
        Whether ``solver="gradient"`` stops, and picks the best epoch, by rows that are
        held out (or by ``X_val``) instead of by those of training. What flexible experts
        gain on their own rows tells little.
    validation_fraction : float, default=0.1
        Part of the rows that is held out, drawn by their content.
    n_iter_no_change : int, default=10
        Epochs without a gain of ``tol`` after which ``solver="gradient"`` ends.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last fit, in one start.
    n_jobs : int, default=None
        Starts, or experts where there is one start, that are fitted at the same time.
        The model does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws starts, and fills open ``random_state`` parameters of gate and experts.
    verbose : int, default=0
        Whether to print a line per iteration.

    Attributes
    ----------
    experts_ : list of estimators
        The fitted experts.
    gate_ : gate
        The fitted gate.
    likelihood_ : likelihood
        What answers are scored by; an object, also where a name was given.
    dispersion_ : ndarray of shape (n_experts,) or (n_experts, n_outputs), list or None
        Variance of each expert's errors, in squared units of y. With "laplace" their
        squared scale; with "student_t", of shape (n_experts, 2), their squared scale and
        degrees of freedom; with "gamma" the squared coefficient of variation; with
        "poisson" there is none. A likelihood object tells the shape of its own; where
        dispersions depend on x, a list of models.
    dispersion_floor_ : float or ndarray of shape (n_outputs,), or None
        Smallest dispersion that an expert could have; None where there is none. It is
        that of rounding where y lies on a grid, such as marks or counts; see
        :class:`~skmoe.likelihoods.GaussianLikelihood`.
    n_experts_ : int
        Number of experts; of ``n_experts="auto"``, what was found.
    cross_fitted_ : bool
        Whether rows were held out in the E-step.
    n_iter_ : int
        Iterations of the best start; with ``solver="gradient"`` epochs, after
        :meth:`partial_fit` batches.
    converged_ : bool
        Whether the best start ended because the objective no longer rose. False where
        ``max_iter`` ended it, and after :meth:`partial_fit`.
    lower_bound_ : float
        The objective of the model per unit of weight: the mean log-likelihood, less the
        penalties of gate and experts. With cross-fitting or ``early_stopping``, the mean
        log-likelihood of held-out rows; after :meth:`partial_fit`, that of the last batch
        before it was learnt from.
    lower_bounds_ : ndarray of shape (n_iter,)
        The objective after each iteration (or epoch, or batch) of the best start. With
        ``solver="gradient"`` it is the best one so far. With cross-fitting, the
        first is that of a mixture whose experts are all fitted to all rows. With
        ``top_k``, it is as it was, and may fall, as the choice of experts is no part of
        its maximisation; the best model with the final ``top_k`` is kept.
    expert_load_ : ndarray of shape (n_experts,)
        Share of the weight that each expert is responsible for; with ``top_k``, its share
        of the rows that are sent to experts, by weight.
    top_k_ : int
        Experts of each row; ``n_experts_`` where all are asked.
    routing_bias_ : ndarray of shape (n_experts,) or None
        What is added to log-probabilities for the choice of experts: what balances their
        load, and minus infinity for those that no row is sent to.
    gate_entropy_ : float or None
        With ``top_k``, the mean entropy of the weights of each row's experts, in nats:
        zero where one always decides, the logarithm of ``top_k`` where all are alike.
    shared_expert_ : regressor or None
        The fitted shared expert. ``experts_`` and :meth:`predict_experts` are without it.
    init_results_ : dict
        ``lower_bound``, ``n_iter`` and ``converged`` of each start, ndarrays of shape
        (n_init,), and ``lower_bounds``, a list of the objectives after each iteration.
    validation_scores_ : ndarray of shape (n_iter,) or None
        With ``early_stopping``, the objective on held-out rows after each epoch.
    n_samples_seen_ : float
        Weight of the rows that were learnt from, each counted once.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X was a dataframe whose columns have strings as names.

    See Also
    --------
    MixtureOfExpertsClassifier : The same for classification.
    skmoe.inspection.export_text : Who goes where, and what holds there, as text.
    skmoe.metrics.crps : How good a predictive density is.

    References
    ----------
    .. [1] R. A. Jacobs, M. I. Jordan, S. J. Nowlan and G. E. Hinton (1991). Adaptive
       mixtures of local experts. Neural Computation 3, 79-87.
    .. [2] M. I. Jordan and R. A. Jacobs (1994). Hierarchical mixtures of experts and the
       EM algorithm. Neural Computation 6, 181-214.
    .. [3] N. Shazeer et al. (2017). Outrageously large neural networks: the
       sparsely-gated mixture-of-experts layer. ICLR.
    .. [4] D. Dai et al. (2024). DeepSeekMoE: towards ultimate expert specialization in
       mixture-of-experts language models. ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X = np.linspace(-1, 1, 101)[:, None]
    >>> y = np.abs(X[:, 0])
    >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0).fit(X, y)
    >>> model.predict([[-0.5], [0.8]]).round(2)
    array([0.5, 0.8])
    >>> sorted(expert.coef_.round(2).item() for expert in model.experts_)
    [-1.0, 1.0]
    """

    def __init__(
        self,
        experts=None,
        n_experts=3,
        *,
        gate="softmax",
        likelihood="gaussian",
        solver="em",
        cv="auto",
        pooling="auto",
        top_k=None,
        load_balancing=None,
        auxiliary_strength=0.01,
        capacity_factor=None,
        shared_expert=None,
        init="auto",
        n_init=1,
        max_iter=100,
        tol=1e-6,
        learning_rate_init=10.0,
        forgetting_rate=0.0,
        batch_size="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.experts = experts
        self.n_experts = n_experts
        self.gate = gate
        self.likelihood = likelihood
        self.solver = solver
        self.cv = cv
        self.pooling = pooling
        self.top_k = top_k
        self.load_balancing = load_balancing
        self.auxiliary_strength = auxiliary_strength
        self.capacity_factor = capacity_factor
        self.shared_expert = shared_expert
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate_init = learning_rate_init
        self.forgetting_rate = forgetting_rate
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints: dict = {
        **BaseMixtureOfExperts._parameter_constraints,
        "likelihood": "no_validation",
        "shared_expert": "no_validation",
    }

    @available_if(learns_from_batches)
    def partial_fit(self, X, y, sample_weight=None):
        """Learn from one batch of rows, in one step of gate and experts.

        Whatever ``solver`` is (:eq:`eq-gradient-step`). The first call starts from its
        batch; as long as there are few rows, they are kept, and starts are made again of
        all of them. After ``fit``, the fitted model is gone on from. It is there where
        gate and experts have ``partial_fit`` or are linear.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that have come in, with the columns of the earlier ones.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights; one each by default.

        Returns
        -------
        self : MixtureOfExpertsRegressor
            The estimator, a step further.

        Raises
        ------
        ValueError
            If the batch does not match the earlier ones, if the first batch has fewer
            rows than there are experts, or if ``n_experts`` is "auto" or ``init`` is an
            array, which take all rows. The model stays what it was.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> rng = np.random.RandomState(0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
        >>> for _ in range(20):
        ...     X = rng.uniform(-1, 1, size=(100, 1))
        ...     model = model.partial_fit(X, np.abs(X[:, 0]))
        >>> model.predict([[-0.5], [0.8]]).round(1)
        array([0.5, 0.8])
        """
        if hasattr(self, "experts_"):
            learned = {"_n_outputs": self._n_outputs}
        else:
            check_y_present(self, y)
            learned = {"_n_outputs": np.shape(y)[1] if np.ndim(y) == 2 else None}
        return self._learn(X, y, sample_weight, learned)

    def predict(self, X, return_std=False):
        """Mean of the predictive density, and its standard deviation.

        :eq:`eq-mean` and :eq:`eq-variance`.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.
        return_std : bool, default=False
            Whether to return the standard deviation as well.

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
        densities = map(self._density, self._chunks(X))
        if not return_std:
            return np.concatenate([density.mean() for density in densities])
        moments = [(density.mean(), density.std()) for density in densities]
        mean, std = map(np.concatenate, zip(*moments, strict=True))
        return mean, std

    def predict_distribution(self, X):
        """Predictive density of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

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
        return self._density(self._check_rows(X))

    def sample(self, X, random_state=None):
        """Draw y for each row from its predictive density.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to draw for.
        random_state : int, RandomState instance or None, default=None
            An int gives the same draws each time.

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
        return self.predict_distribution(X).rvs(random_state=random_state)

    def _density(self, rows):
        answers = self._answers(rows)
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
        return predict_experts(self.experts_, rows, self._n_outputs, self._expert_names)

    def _predict_routed(self, rows, routes):
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
    def _n_columns(self):
        return self._n_outputs or 1

    def _default_expert(self):
        try:
            likelihood = self._make_likelihood()
        except ValueError:  # to be told when it is fitted, not by a tag
            likelihood = None
        offer = getattr(likelihood, "default_expert", LinearRegression)
        return offer()

    def _make_likelihood(self):
        return check_likelihood(self.likelihood)

    def _make_pool(self, experts, data, learned, draw, random_state):
        shared = check_shared_expert(self.shared_expert, random_state)
        target = data.target
        if shared is not None:  # what it leaves is of either sign
            target = target - target.mean(axis=0)
            self._check_additive()

        def make(experts):
            return make_regressor_pool(
                experts, data.X, target, draw=draw, n_jobs=self.n_jobs
            )

        return make(experts) if shared is None else SharedPool(shared, experts, make)

    def _check_additive(self):
        likelihood = self._make_likelihood()
        if hasattr(likelihood, "is_positive") or hasattr(likelihood, "is_discrete"):
            raise ValueError(
                "shared_expert: predictions of the shared expert and of another are "
                f"added, and {type(likelihood).__name__} asks for positive ones; use "
                "likelihood='gaussian', 'student_t' or 'laplace', or no shared expert."
            )

    def _is_linear(self, experts):
        shared = self.shared_expert
        return super()._is_linear(experts) and (shared is None or is_linear(shared))

    def _strata(self, data):
        """What folds are balanced by: nothing."""

    def _publish(self, found, data, learned):
        own = {
            "dispersion_floor_": data.floor(found.best.parts.likelihood),
            "shared_expert_": getattr(found.best.parts.pool, "shared_fitted", None),
        }
        super()._publish(found, data, {**learned, **own})

    def _check_y(self, y):
        return self._check_range(check_regression_target(y), self._make_likelihood())

    def _check_range(self, y, likelihood):
        if hasattr(likelihood, "check_target"):
            likelihood.check_target(y)
        return y

    def _encode(self, y):
        """Target of the likelihood, columns for a start, and what to remember."""
        n_outputs = y.shape[1] if y.ndim == 2 else None
        return y, self._columns_of(y), {"_n_outputs": n_outputs}

    @staticmethod
    def _columns_of(target):
        """The target as columns, of which a start is made."""
        return target.reshape(len(target), -1)

    def _block_target(self, y_shape):
        """The target of rows in blocks."""
        return NumberTarget(self._make_likelihood(), y_shape)

    def _encode_known(self, y):
        return self._encode_like(y, {"_n_outputs": self._n_outputs})

    def _encode_like(self, y, learned):
        """The target, of as many outputs as were learned of."""
        y, known = check_regression_target(y), learned["_n_outputs"]
        n_outputs = y.shape[1] if y.ndim == 2 else None
        if n_outputs != known:
            raise ValueError(
                f"y has shape {y.shape}; the model was fitted with "
                f"{known or 'one column of'} outputs."
            )
        return self._check_range(y, self._make_likelihood())

    def _make_incremental_pool(self, experts, X, y, learned, random_state):
        options = {"random_state": random_state, "n_jobs": self.n_jobs}
        shared = check_shared_expert(self.shared_expert, random_state)
        if shared is None:
            return make_incremental_regressor_pool(experts, X, y, **options)
        self._check_additive()
        return make_incremental_shared_pool(shared, experts, X, y, **options)

    def _input_parts(self):
        parts = super()._input_parts()
        return parts if self.shared_expert is None else [*parts, self.shared_expert]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        experts = self._input_parts()[1:]
        tags.target_tags.multi_output = all(
            get_tags(expert).target_tags.multi_output
            for expert in experts
            if hasattr(expert, "fit")
        )
        return tags
