"""The mixture of experts for classification."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if

from skmoe._base import BaseMixtureOfExperts
from skmoe._block_targets import LabelTarget
from skmoe._partial_fit import learns_from_batches
from skmoe._validation import check_classes, check_labels
from skmoe.experts import (
    make_classifier_pool,
    make_incremental_classifier_pool,
    predict_experts_proba,
    predict_experts_proba_routed,
)
from skmoe.likelihoods import CategoricalLikelihood


class MixtureOfExpertsClassifier(ClassifierMixin, BaseMixtureOfExperts):
    r"""Mixture of experts for classification.

    .. math:: P(c \mid x) = \sum_{k=1}^K g_k(x)\, P_k(c \mid x)

    A gate :math:`g` learns which regime a row is in, experts learn what holds there: any
    scikit-learn classifier with ``predict_proba``. Both are fitted together by
    expectation-maximisation [1]_; see :eq:`eq-mixture`. There is no ``shared_expert``, as
    class probabilities do not add up; :class:`MixtureOfExpertsRegressor` has one.

    Parameters
    ----------
    experts : estimator or list of (str, estimator), default=None
        One classifier, cloned ``n_experts`` times, or a named list of classifiers, one
        expert each. None stands for ``LogisticRegression()``. A classifier whose ``fit``
        takes no ``sample_weight`` is fitted to whole rows that are drawn, always in the
        same way, by their responsibilities.
    n_experts : int or "auto", default=3
        Number of clones; not used with a list. "auto" begins with one and adds another as
        long as it pays: while the held-out log-likelihood rises by more than two standard
        errors or, without cross-fitting, while the BIC falls.
    gate : {"softmax", "constant"}, gate or classifier, default="softmax"
        What decides between the experts. A classifier with ``predict_proba`` becomes a
        :class:`~skmoe.gates.ClassifierGate`; a pipeline that ends in a gate is a gate.
    solver : {"em", "hard-em", "stochastic-em", "gradient"}, default="em"
        Whether rows are shared by the experts, given to one each, or drawn. With "em",
        logistic experts and a softmax or constant gate are solved together, to the same
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
        it, so that time and memory do not grow with the number of experts [2]_. While
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
    init : str or array-like of shape (n_samples, n_experts), default="auto"
        Where to start: "auto", "k-plane", "k-means" or "random". "auto" goes on from the
        best of six plain starts where experts are logistic, and otherwise from the best
        of twenty short runs of linear experts on the classes' indicators; "k-plane",
        which "auto" is with cross-fitting, makes one; an array holds responsibilities.
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
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    experts_ : list of estimators
        The fitted experts. One that was left with a single class is a
        ``DummyClassifier``. Clones of one are numbered by their load, the largest first;
        equal loads by the mean of the classes' indicators over their rows, then by those
        of the columns. A list keeps its order, as do ``init`` given as an array, priors,
        a gate without ``permuted`` and fits that go on from an earlier one. See
        :meth:`align_to`.
    gate_ : gate
        The fitted gate.
    likelihood_ : CategoricalLikelihood
        What answers are scored by: the probability of the observed class.
    dispersion_ : None
        There is none.
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
    MixtureOfExpertsRegressor : The same for regression.
    skmoe.inspection.export_text : Who goes where, and what holds there, as text.

    References
    ----------
    .. [1] M. I. Jordan and R. A. Jacobs (1994). Hierarchical mixtures of experts and the
       EM algorithm. Neural Computation 6, 181-214.
    .. [2] N. Shazeer et al. (2017). Outrageously large neural networks: the
       sparsely-gated mixture-of-experts layer. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsClassifier
    >>> X = np.random.RandomState(0).uniform(-1, 1, size=(400, 2))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    >>> model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _least_start_variance = 2.0

    def __init__(
        self,
        experts=None,
        n_experts=3,
        *,
        gate="softmax",
        solver="em",
        cv="auto",
        pooling="auto",
        top_k=None,
        load_balancing=None,
        auxiliary_strength=0.01,
        capacity_factor=None,
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
        self.solver = solver
        self.cv = cv
        self.pooling = pooling
        self.top_k = top_k
        self.load_balancing = load_balancing
        self.auxiliary_strength = auxiliary_strength
        self.capacity_factor = capacity_factor
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

    @available_if(learns_from_batches)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from one batch of rows, in one step of gate and experts.

        Whatever ``solver`` is (:eq:`eq-gradient-step`). The first call starts from its
        batch; as long as there are few rows, they are kept, and starts are made again of
        all of them. After ``fit``, the fitted model is gone on from. It is there where
        gate and experts have ``partial_fit`` or are linear.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows that have come in, with the columns of the earlier ones.
        y : array-like of shape (n_samples,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes that will come. Asked for by the first call; later ones may leave
            it out.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights; one each by default.

        Returns
        -------
        self : MixtureOfExpertsClassifier
            The estimator, a step further.

        Raises
        ------
        ValueError
            If ``classes`` are missing in the first call or change later, if the batch
            does not match the earlier ones, if the first batch has fewer rows than there
            are experts, or if ``n_experts`` is "auto" or ``init`` is an array, which take
            all rows. The model stays what it was.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsClassifier
        >>> rng = np.random.RandomState(0)
        >>> model = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
        >>> for _ in range(20):
        ...     X = rng.uniform(-1, 1, size=(100, 2))
        ...     y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
        ...     model = model.partial_fit(X, y, classes=["other", "same"])
        >>> model.predict([[0.5, 0.5], [-0.5, 0.5]]).tolist()
        ['same', 'other']
        """
        known = getattr(self, "classes_", None)
        learned = {"classes_": check_classes(classes, known)}
        return self._learn(X, y, sample_weight, learned)

    def predict(self, X):
        """Class with the largest probability.

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
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsClassifier
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
        >>> MixtureOfExpertsClassifier(n_experts=1).fit(X, y).predict([[0.2]]).tolist()
        ['low']
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def predict_proba(self, X):
        """Class probabilities, in the order of ``classes_``.

        :eq:`eq-mixture`, with the experts' class probabilities as densities.

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
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsClassifier
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
        >>> model = MixtureOfExpertsClassifier(n_experts=1).fit(X, y)
        >>> model.predict_proba([[1.5]]).round(2)
        array([[0.5, 0.5]])
        """
        return np.concatenate([self._mix_proba(rows) for rows in self._chunks(X)])

    def _mix_proba(self, rows):
        answers = self._answers(rows)
        proba = np.einsum("nk,nkc->nc", np.exp(answers.log_gate), answers.prediction)
        return proba / proba.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X):
        """Log of the class probabilities, in the order of ``classes_``.

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
            If the model is not fitted yet, or X has other columns than in ``fit``.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict_experts(self, X):
        """Class probabilities of each expert, in the order of ``classes_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_experts, n_classes)
            Probabilities; all experts are asked, also with ``top_k``.

        Raises
        ------
        NotFittedError, ValueError
            If the model is not fitted yet, or X has other columns than in ``fit``.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsClassifier
        >>> X = np.random.RandomState(0).uniform(-1, 1, size=(400, 2))
        >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
        >>> model = MixtureOfExpertsClassifier(n_experts=2, random_state=0).fit(X, y)
        >>> model.predict_experts(X).shape
        (400, 2, 2)
        """
        return self._predict_rows(self._check_rows(X))

    def _predict_rows(self, rows):
        return predict_experts_proba(
            self.experts_, rows, self.classes_, self._expert_names
        )

    def _predict_routed(self, rows, routes):
        return predict_experts_proba_routed(
            self.experts_, rows, routes, self.classes_, self._expert_names,
            n_jobs=self.n_jobs,
        )  # fmt: skip

    @property
    def _n_columns(self):
        return len(self.classes_)

    def _default_expert(self):
        return LogisticRegression()

    def _make_likelihood(self):
        return CategoricalLikelihood()

    def _make_pool(self, experts, data, learned, draw, random_state):
        return make_classifier_pool(
            experts, data.X, data.target, learned["classes_"],
            draw=draw, n_jobs=self.n_jobs,
        )  # fmt: skip

    def _strata(self, data):
        """What folds are balanced by: the classes."""
        return data.target

    def _check_y(self, y):
        return check_labels(y)

    def _encode(self, y):
        """Target of the likelihood, columns for a start, and what to remember."""
        classes, codes = np.unique(y, return_inverse=True)
        return codes, np.eye(len(classes))[codes], {"classes_": classes}

    def _columns_of(self, target):
        """Indicators of the classes, of which a start is made."""
        return np.eye(int(target.max()) + 1)[target]

    def _block_target(self, y_shape):
        """The target of rows in blocks."""
        return LabelTarget(y_shape)

    def _encode_known(self, y):
        return self._encode_like(y, {"classes_": self.classes_})

    def _encode_like(self, y, learned):
        """Numbers of the classes that were learned of."""
        y, classes = check_labels(y), learned["classes_"]
        unknown = ~np.isin(y, classes)
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise ValueError(
                f"y: row {row} has the class {str(y[row])!r}, which was not fitted; "
                f"classes_ is {classes}."
            )
        return np.searchsorted(classes, y)

    def _make_incremental_pool(self, experts, X, y, learned, random_state):
        return make_incremental_classifier_pool(
            experts, X, learned["classes_"], random_state=random_state,
            n_jobs=self.n_jobs,
        )  # fmt: skip
