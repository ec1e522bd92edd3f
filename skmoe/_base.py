"""What the regressor and the classifier share: parameters and training."""

from contextlib import closing
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skmoe._align import AlignMixin
from skmoe._block_fit import block_source, fit_blocks
from skmoe._fitting import is_linear
from skmoe._gradient_search import check_validation, gradient_search
from skmoe._hard_router import hard_router
from skmoe._known_rows import KnownRows, check_no_blocks
from skmoe._partial_fit import PartialFitMixin
from skmoe._predictions import PredictionsMixin
from skmoe._progress import Progress
from skmoe._search import Search
from skmoe._sklearn_compat import (
    BaseComposition,
    CallbackSupportMixin,
    Interval,
    StrOptions,
    declines,
    raise_for_params,
    routing_enabled,
    safe_indexing,
    with_callbacks,
)
from skmoe._threads import limited_threads
from skmoe._validation import (
    check_features,
    check_length,
    check_split_params,
    check_weights,
    check_X,
    check_y_present,
)
from skmoe.gates import check_gate
from skmoe.training import E_STEPS, takes_groups


class BaseMixtureOfExperts(
    PartialFitMixin, PredictionsMixin, AlignMixin, CallbackSupportMixin, BaseComposition
):
    """Parameters and training of a mixture of experts.

    A subclass says what its target is (``_check_y``, ``_encode``), which pool fits its
    experts (``_default_expert``, ``_make_pool``) and how an answer is scored
    (``_make_likelihood``).
    """

    _parameter_constraints: dict = {
        # Gates, experts and likelihoods check these, and name what is wrong.
        "experts": "no_validation",
        "gate": "no_validation",
        "n_experts": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "solver": [StrOptions(set(E_STEPS))],
        "cv": ["cv_object", StrOptions({"auto"})],
        "pooling": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "load_balancing": [StrOptions({"bias", "auxiliary"}), None],
        "auxiliary_strength": [Interval(Real, 0, None, closed="left")],
        "capacity_factor": [Interval(Real, 1, None, closed="left"), None],
        "init": [StrOptions({"auto", "k-plane", "k-means", "random"}), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "forgetting_rate": [Interval(Real, 0, 1, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: See ``RowSummary``.
    _least_start_variance = 1e-3

    _doc_link_module = "skmoe"
    _doc_link_template = (
        "https://skmoe.readthedocs.io/en/stable/api/skmoe.{estimator_name}.html"
    )

    def get_params(self, deep=True):
        """Get parameters, also those of the experts and the gate.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the parameters of nested estimators: ``experts__alpha`` of one
            that is cloned, ``<name>__alpha`` of one in a list, ``gate__alpha`` of a gate.

        Returns
        -------
        params : dict
            Values by name.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> model = MixtureOfExpertsRegressor(Ridge(alpha=3.0))
        >>> model.get_params()["experts__alpha"]
        3.0
        """
        if isinstance(self.experts, list):
            return self._get_params("experts", deep=deep)
        # A single expert may be something to iterate over, as forests are.
        return super().get_params(deep=deep)

    def set_params(self, **params):
        """Set parameters; an expert of a list can be replaced by its name.

        Parameters
        ----------
        **params : dict
            Values by name, with the names that :meth:`get_params` gives.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no parameter of such a name.

        Examples
        --------
        >>> from sklearn.linear_model import LinearRegression, Ridge
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> experts = [("low", LinearRegression()), ("high", LinearRegression())]
        >>> model = MixtureOfExpertsRegressor(experts)
        >>> model.set_params(high=Ridge(), high__alpha=0.5).experts
        [('low', LinearRegression()), ('high', Ridge(alpha=0.5))]
        """
        self._set_params("experts", **params)
        return self

    @with_callbacks
    def fit(
        self, X, y, sample_weight=None, *, groups=None, responsibilities_prior=None,
        X_val=None, y_val=None, sample_weight_val=None, **params,
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
            Labels. For rows in blocks, in the same
            blocks.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two is a row twice, a weight of zero a row that is not there. For
            rows in blocks, in the same blocks.
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
        )  # fmt: skip

    def _fit(
        self, X, y, sample_weight, validation, groups, responsibilities_prior, params,
        sizes=None,
    ):  # fmt: skip
        """As :meth:`fit`; ``sizes`` are what a regressor calls by other names."""
        self._validate_params()
        check_y_present(self, y)
        groups, split_params = self._split_params(groups, params)
        check_validation(self, *validation[:2])
        source = block_source(X, y, sample_weight)
        if source is not None:
            check_no_blocks(source, groups, responsibilities_prior, sizes)
            with closing(source):
                fitted = fit_blocks(self, source, split_params)
            if fitted.found is not None:
                fitted.found.report(self)
                fitted.search.publish(fitted.found, self)
                fitted.search.progress.end()
                return self
            X, y, sample_weight = fitted.rows
        X, y = check_X(X), self._check_y(y)
        features = check_features(self, X)
        check_length(X, y)
        y = self._with_sizes(X, y, sizes)
        check_split_params(split_params, X)
        weights = given = check_weights(sample_weight, X)
        known = KnownRows.of(self, groups, responsibilities_prior, X)
        present = np.flatnonzero(weights > 0)
        if present.size < weights.size:
            X, y, weights = safe_indexing(X, present), y[present], weights[present]
            known = known.subset(present)
        target, columns, learned = self._encode(y)
        data = known.data(X, target, weights)
        data.present = given > 0
        random_state = check_random_state(self.random_state)
        observed = self._observed(y)
        progress = Progress(self, X, observed, None if sample_weight is None else weights)
        with limited_threads(columns.shape[0] * features["n_features_in_"]):
            summary = known.summary(data, columns, self._least_start_variance)
            task = (
                self, data, summary, present, {**features, **learned}, split_params,
                random_state, progress,
            )  # fmt: skip
            if self.solver == "gradient":
                search = gradient_search(*task, *validation)
            else:
                search = Search(*task)
            found = search.run()
        found.report(self)
        known.report(found.cross)
        # Nothing is set before all has succeeded: an earlier fit stays usable.
        search.publish(found, self)
        progress.end()
        return self

    def _with_sizes(self, X, y, sizes):
        """The target of rows of different sizes; there are none in classification."""
        return y

    def _observed(self, y):
        """The target as it was passed, of one to which sizes may have been added."""
        return y

    def _split_params(self, groups, params):
        """The groups of the model, and what is sent to the splitter.

        Parameters
        ----------
        groups : array-like or None
            For the model and for a splitter that asks for them. With metadata routing,
            ``set_fit_request(groups=False)`` leaves them to the splitter alone.
        params : dict
            Anything else.
        """
        if not routing_enabled():
            raise_for_params(params, self, "fit")
            to_splitter = groups is not None and takes_groups(self.cv)
            return groups, {"groups": groups} if to_splitter else {}
        if groups is not None:
            params = {**params, "groups": groups}
        split_params = process_routing(self, "fit", **params).splitter.split
        return None if declines(self, "fit", "groups") else groups, split_params

    def get_metadata_routing(self):
        """Tell what metadata ``fit`` takes, and what the splitter of ``cv`` takes.

        Returns
        -------
        routing : MetadataRouter
            Requests of the estimator and of its splitter, as scikit-learn's metadata
            routing reads them.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        is_splitter = hasattr(self.cv, "split") and not isinstance(self.cv, str)
        splitter = self.cv if is_splitter else KFold()
        return router.add(
            splitter=splitter,
            method_mapping=MethodMapping().add(caller="fit", callee="split"),
        )

    def _publish(self, found, data, learned):
        """Set the fitted attributes, all of them and at once."""
        best, results = found.best, found.results
        fitted = {
            "experts_": best.parts.pool.estimators(),
            "n_experts_": best.parts.pool.n_experts,
            "gate_": best.parts.gate,
            "likelihood_": best.parts.likelihood,
            "dispersion_": best.parts.dispersion,
            "n_iter_": len(best.lower_bounds),
            "converged_": best.converged,
            "cross_fitted_": found.cross is not None,
            "lower_bound_": best.lower_bound,
            "lower_bounds_": np.array(best.lower_bounds),
            "expert_load_": best.load,
            "top_k_": best.parts.pool.n_experts,
            "routing_bias_": None,
            "gate_entropy_": best.gate_entropy,
            "validation_scores_": best.validation_scores,
            "n_samples_seen_": data.total,
            "init_results_": {
                "lower_bound": np.array([r.lower_bound for r in results]),
                "n_iter": np.array([len(r.lower_bounds) for r in results]),
                "converged": np.array([r.converged for r in results]),
                "lower_bounds": [np.array(r.lower_bounds) for r in results],
            },
            "_expert_names": found.names,
            **learned,
        }
        router = best.parts.router
        if router is not None:
            fitted.update(top_k_=router.top_k, routing_bias_=router.bias)
        # Names of an earlier fit on a dataframe do not outlive one on an array.
        vars(self).pop("feature_names_in_", None)
        vars(self).pop("_rows_hash", None)
        vars(self).pop("_stream_state", None)
        vars(self).update(fitted)

    def to_hard_router(self):
        """Export the fitted model for serving: one expert answers for each row.

        It is the expert of the largest gate probability (``routing_bias_``, where there
        is one, takes part in the choice, as it does for ``top_k=1``). There are no
        weights and no density, so that a prediction costs what the gate and one expert
        do. With ``top_k=1`` it is the model's own.

        Returns
        -------
        router : HardRouterRegressor or HardRouterClassifier
            With ``predict`` and ``apply``; a classifier's with ``predict_proba`` and
            ``predict_log_proba``, too. It shares gate and experts with the model, and
            keeps them when that is fitted again. For a small file, pickle it in the
            model's place.

        Raises
        ------
        NotFittedError
            If the model is not fitted yet.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X, y = [[-2.0], [-1.0], [1.0], [2.0]], [2.0, 1.0, 1.0, 2.0]
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> model.to_hard_router().predict([[0.0]])
        array([1.5])
        """
        check_is_fitted(self)
        return hard_router(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        parts = [part for part in self._input_parts() if hasattr(part, "fit")]
        inputs = [get_tags(part).input_tags for part in parts]
        for name in ("sparse", "allow_nan", "categorical", "string"):
            setattr(tags.input_tags, name, all(getattr(tag, name) for tag in inputs))
        return tags

    def _is_linear(self, experts):
        """Whether no expert is flexible enough to memorise its rows."""
        return all(is_linear(estimator) for _, estimator in experts)

    def _input_parts(self):
        """What X is passed to, as far as the parameters tell before they are checked."""
        experts = self._default_expert() if self.experts is None else self.experts
        if not isinstance(experts, list):
            experts = [("", experts)]
        try:
            gate = check_gate(self.gate, check_random_state(0))
            return [gate, *(estimator for _, estimator in experts)]
        except (TypeError, ValueError):
            return []
