"""What the regressor and the classifier share: parameters and training."""

import warnings
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, get_tags

from skmoe._predictions import PredictionsMixin
from skmoe._progress import Progress
from skmoe._sklearn_compat import (
    BaseComposition,
    CallbackSupportMixin,
    Interval,
    StrOptions,
    safe_indexing,
    with_callbacks,
)
from skmoe._threads import limited_threads
from skmoe._validation import (
    check_features,
    check_init,
    check_length,
    check_weights,
    check_X,
    check_y_present,
)
from skmoe.experts import check_experts
from skmoe.gates import check_gate
from skmoe.training import (
    E_STEPS,
    Parts,
    RowDraws,
    RowSummary,
    TrainingData,
    continue_fit,
    evaluate,
    fit_starts,
)


class BaseMixtureOfExperts(PredictionsMixin, CallbackSupportMixin, BaseComposition):
    """Parameters and training of a mixture of experts.

    A subclass says what its target is (``_check_y``, ``_encode``), which pool fits its
    experts (``_default_expert``, ``_make_pool``) and how an answer is scored
    (``_make_likelihood``).
    """

    _parameter_constraints: dict = {
        # Gates, experts and likelihoods check these, and name what is wrong.
        "experts": "no_validation",
        "gate": "no_validation",
        "n_experts": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions(set(E_STEPS))],
        "init": [StrOptions({"auto", "k-plane", "k-means", "random"}), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
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

        Returns
        -------
        params : dict
        """
        return self._get_params("experts", deep=deep)

    def set_params(self, **params):
        """Set parameters; an expert of a list can be replaced by its name.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : estimator
        """
        self._set_params("experts", **params)
        return self

    @with_callbacks
    def fit(self, X, y, sample_weight=None):
        """Fit gate and experts.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Passed to gate and experts as it is.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target; several outputs in regression only.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two is a row twice, a weight of zero a row that is not there.

        Returns
        -------
        self : estimator
        """
        self._validate_params()
        check_y_present(self, y)
        X, y = check_X(X), self._check_y(y)
        features = check_features(self, X)
        check_length(X, y)
        weights = check_weights(sample_weight, X)
        present = np.flatnonzero(weights > 0)
        if present.size < weights.size:
            X, y, weights = safe_indexing(X, present), y[present], weights[present]
        target, columns, learned = self._encode(y)
        data = TrainingData(X, target, weights)
        random_state = check_random_state(self.random_state)
        with limited_threads(columns.shape[0] * features["n_features_in_"]):
            summary = RowSummary(X, columns, weights, self._least_start_variance)
            parts, names = self._make_parts(data, summary, learned, random_state)
            results = self._train(parts, data, summary, present, random_state)
        best = max(results, key=lambda result: result.lower_bound)
        self._report(best, names)
        # Nothing is set before all has succeeded: an earlier fit stays usable.
        self._publish(best, results, data, {**features, **learned}, names)
        return self

    def _make_parts(self, data, summary, learned, random_state):
        """Unfitted gate, pool and likelihood, and the experts' names."""
        experts = check_experts(
            self.experts, self.n_experts, self._default_expert(), random_state
        )
        names = [name for name, _ in experts]
        if isinstance(self.experts, list):
            self._validate_names(names)
        if len(experts) > len(data.weights):
            raise ValueError(
                f"n_experts={len(experts)} is larger than n_samples="
                f"{len(data.weights)}, the rows with positive weight; use fewer experts."
            )
        gate = check_gate(self.gate, random_state)
        data.bind(gate)
        draw = RowDraws(summary).steady
        pool = self._make_pool(experts, data, learned, draw)
        return Parts(gate, pool, self._make_likelihood()), names

    def _train(self, parts, data, summary, present, random_state):
        """One result for each start."""
        continued = self.warm_start and hasattr(self, "experts_")
        n_starts = 1 if continued else self.n_init
        progress = Progress(self, self.verbose, n_starts, self.max_iter)
        options = {
            "solver": self.solver,
            "max_iter": self.max_iter,
            "tol": self.tol,
            "random_state": random_state,
            "watch": progress.start,
        }
        draws = RowDraws(summary)
        if continued:
            earlier = self._resume(parts, data)
            results = [continue_fit(earlier, parts, data, summary, draws, **options)]
        else:
            init = check_init(self.init, present, parts.pool.n_experts)
            results = fit_starts(
                parts, data, summary, draws,
                init=init, n_init=self.n_init, n_jobs=self.n_jobs, **options,
            )  # fmt: skip
        progress.end()
        return results

    def _resume(self, parts, data):
        """The earlier fit, seen as a result on the new data; parts go on from it."""
        n_features = check_features(self, data.X)["n_features_in_"]
        shape = (len(self.experts_), self.n_features_in_)
        if shape != (parts.pool.n_experts, n_features):
            raise ValueError(
                "warm_start: the earlier fit has (n_experts, n_features) = "
                f"{shape}, this one {(parts.pool.n_experts, n_features)}; set "
                "warm_start=False to start afresh."
            )
        parts.gate = deepcopy(self.gate_)
        parts.pool.resume(data.X, data.target, data.weights, self.experts_)
        parts.dispersion = self.dispersion_
        return evaluate(parts, parts.log_joint(data), data, E_STEPS[self.solver])

    def _report(self, best, names):
        """Warn of what a user should know about the fit."""
        if not best.converged:
            warnings.warn(
                f"{type(self).__name__} did not converge in max_iter={self.max_iter} "
                "iterations; raise max_iter, or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if best.lost:
            lost = ", ".join(repr(names[k]) for k in best.lost)
            warnings.warn(
                f"experts: {lost} ended with less than a hundredth of an even share of "
                "the rows, also after a revival; use fewer experts, or n_init > 1.",
                UserWarning,
                stacklevel=3,
            )

    def _publish(self, best, results, data, learned, names):
        """Set the fitted attributes, all of them and at once."""
        fitted = {
            "experts_": best.parts.pool.estimators(),
            "gate_": best.parts.gate,
            "likelihood_": best.parts.likelihood,
            "dispersion_": best.parts.dispersion,
            "n_iter_": len(best.lower_bounds),
            "converged_": best.converged,
            "lower_bound_": best.lower_bound,
            "lower_bounds_": np.array(best.lower_bounds),
            "expert_load_": best.load,
            "init_results_": {
                "lower_bound": np.array([r.lower_bound for r in results]),
                "n_iter": np.array([len(r.lower_bounds) for r in results]),
                "converged": np.array([r.converged for r in results]),
            },
            "_expert_names": names,
            **learned,
        }
        # Names of an earlier fit on a dataframe do not outlive one on an array.
        vars(self).pop("feature_names_in_", None)
        vars(self).update(fitted)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        parts = [part for part in self._input_parts() if hasattr(part, "fit")]
        inputs = [get_tags(part).input_tags for part in parts]
        for name in ("sparse", "allow_nan", "categorical", "string"):
            setattr(tags.input_tags, name, all(getattr(tag, name) for tag in inputs))
        return tags

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
