"""The mixture of experts for regression."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from skmoe._base import BaseMixtureOfExperts
from skmoe._partial_fit import learns_from_batches
from skmoe._regressor_parts import RegressorPartsMixin
from skmoe._regressor_predictions import RegressorPredictionsMixin
from skmoe._row_sizes import given_sizes
from skmoe._sklearn_compat import with_callbacks
from skmoe._validation import check_y_present


class MixtureOfExpertsRegressor(
    RegressorPartsMixin, RegressorPredictionsMixin, RegressorMixin, BaseMixtureOfExperts
):
    r"""Mixture of experts for regression.

    .. math:: p(y \mid x) = \sum_{k=1}^K g_k(x)\, f_k(y \mid x)

    A gate :math:`g` learns which regime a row is in, experts learn what holds there: any
    scikit-learn regressor predicts the mean of :math:`f_k`. Both are fitted together by
    expectation-maximisation [1]_ [2]_; see :eq:`eq-mixture`.

    Parameters
    ----------
    experts : estimator or list of (str, estimator), default=None
        One regressor, cloned ``n_experts`` times, or a named list of regressors, one
        expert each. None stands for ``LinearRegression()``; with the likelihoods
        "poisson" and "negative_binomial" for ``PoissonRegressor(alpha=0)``, with "gamma"
        for ``GammaRegressor(alpha=0)``. With "binomial" experts are classifiers, and None
        is ``LogisticRegression(C=np.inf)``. One whose ``fit`` takes no ``sample_weight``
        is fitted to whole rows that are drawn, always in the same way, by their
        responsibilities.
    n_experts : int or "auto", default=3
        Number of clones; not used with a list. "auto" begins with one and adds another as
        long as it pays: while the held-out log-likelihood rises by more than two standard
        errors or, without cross-fitting, while the BIC falls.
    gate : {"softmax", "constant"}, gate or classifier, default="softmax"
        What decides between the experts. A classifier with ``predict_proba`` becomes a
        :class:`~skmoe.gates.ClassifierGate`; a pipeline that ends in a gate is a gate.
    likelihood : str or likelihood, default="gaussian"
        How an expert's answer is scored: by a likelihood of :mod:`skmoe.likelihoods`, or
        "gaussian", "laplace", "student_t", "poisson", "negative_binomial", "binomial" or
        "gamma". "laplace" and "student_t" are for targets with outliers, which pull their
        experts less (:class:`~skmoe.likelihoods.NoiseLikelihood` gives them a component
        of their own). "poisson" is for counts, "negative_binomial" for counts that vary
        more, "gamma" for positive numbers whose spread grows with their mean; they need
        experts whose predictions are positive. "binomial" is for successes of trials. All
        but "gaussian" take one output.
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
        The fitted experts. Clones of one are numbered by their load, the largest first;
        equal loads by the mean of the target over their rows, then by those of the
        columns. A list keeps its order, as do ``init`` given as an array, priors, a gate
        without ``permuted`` and fits that go on from an earlier one. See
        :meth:`align_to`. One whose rows are all zero, which some regressors of counts
        refuse, is a ``DummyRegressor``.
    gate_ : gate
        The fitted gate.
    likelihood_ : likelihood
        What answers are scored by; an object, also where a name was given.
    dispersion_ : ndarray of shape (n_experts,) or (n_experts, n_outputs), list or None
        Variance of each expert's errors, in squared units of y. With "laplace" their
        squared scale; with "student_t", of shape (n_experts, 2), their squared scale and
        degrees of freedom; with "gamma" the squared coefficient of variation; with
        "negative_binomial" what multiplies the squared mean in the variance; with
        "poisson" and "binomial" there is none. A likelihood object tells the shape of its
        own; where dispersions depend on x, a list of models.
    dispersion_floor_ : float or ndarray of shape (n_outputs,), or None
        Smallest dispersion that an expert could have; None where there is none. It is
        that of rounding where y lies on a grid, such as marks or counts; see
        :class:`~skmoe.likelihoods.GaussianLikelihood`.
    n_experts_ : int
        Number of experts; of ``n_experts="auto"``, what was found. A component that the
        likelihood has besides them, such as noise, is counted, too: it is the last in
        all that there is for each expert.
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
    inlier_mask_ : ndarray of bool, of shape (n_samples,), or None
        With :class:`~skmoe.likelihoods.NoiseLikelihood`, which rows of ``fit`` are more
        likely an expert's than noise; true where the weight is zero. With
        cross-fitting, as judged when they were held out.
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

    @with_callbacks
    def fit(
        self, X, y, sample_weight=None, *, exposure=None, trials=None, groups=None,
        responsibilities_prior=None, X_val=None, y_val=None, sample_weight_val=None,
        **params,
    ):  # fmt: skip
        """Fit gate and experts.

        They maximise the mean log-likelihood of the rows, less the penalties of gate and
        experts; with cross-fitting, that of rows held out (:eq:`eq-lower-bound`,
        :eq:`eq-cross-fitting`). The fitted attributes are set at the end, all at once: a
        fit that fails or is interrupted leaves an earlier one as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to learn from, passed to gate and experts as they are. Linear experts
            that maximise the likelihood also take rows in blocks: a list of tables, a
            large ``np.memmap``, or a Dask array or dataframe. The model is that of the
            same rows in memory.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target. For rows in blocks, in the same
            blocks.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two is a row twice, a weight of zero a row that is not there. For
            rows in blocks, in the same blocks.
        exposure : array-like of shape (n_samples,), default=None
            How long, or how much, each row was observed, above zero: with the likelihoods
            "poisson", "negative_binomial" and "gamma", means are in proportion to it, and
            experts predict what there is per unit. The exponential of what others call an
            offset. Pass it to ``predict`` and other methods, too.
        trials : array-like of shape (n_samples,), default=None
            With ``likelihood="binomial"``, what y is out of, one by default. Pass it to
            ``predict`` and other methods, too.
        groups : array-like of shape (n_samples,), default=None
            What rows belong together, numbers or strings: all rows of a group come from
            one expert, such as repeated measures of one unit (:eq:`eq-groups`). The gate
            counts each group once, and sees the mean of its numbers; columns of anything
            else must not vary within a group. A splitter that asks for groups is given
            them, too; a number of folds does not tear groups apart.
        responsibilities_prior : array-like of shape (n_samples, n_experts), default=None
            What is known of the rows' experts before y is seen: probabilities that
            multiply those of the gate while training (:eq:`eq-prior`). Zero excludes an
            expert; equal ones say nothing.
        X_val : {array-like, sparse matrix, dataframe} of shape (n_val, n_features), \
                default=None
            Rows to stop by, with ``solver="gradient"`` and ``early_stopping=True``,
            instead of a part of X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        **params : dict
            For the splitter of ``cv``; only with metadata routing enabled.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter, the data or their combination cannot be used. The message
            names the parameter, the row or the expert, and what to do. An expert's own
            error, of whatever type, is raised with its name and the iteration.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` iterations were too few.
        UserWarning
            If experts lost all their rows, if the mixture is no better than an expert
            alone on rows held out, or if ``cv`` tears ``groups`` apart.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(-1, 1, 101)[:, None]
        >>> model = MixtureOfExpertsRegressor(n_experts=2, random_state=0)
        >>> model.fit(X, np.abs(X[:, 0])).converged_
        True
        """
        return self._fit(
            X, y, sample_weight, (X_val, y_val, sample_weight_val), groups,
            responsibilities_prior, params,
            given_sizes({"exposure": exposure, "trials": trials}),
        )  # fmt: skip

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        experts = self._input_parts()[1:]
        tags.target_tags.multi_output = not self._takes_one_output and all(
            get_tags(expert).target_tags.multi_output
            for expert in experts
            if hasattr(expert, "fit")
        )
        return tags
