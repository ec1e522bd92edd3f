"""From an estimator's parameters to fitted parts: how many experts, from which starts."""

import warnings
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmoe._criteria import free_parameters, gain_is_clear
from skmoe._known_rows import check_n_experts_known
from skmoe._order import in_order
from skmoe._sklearn_compat import FRAMES_TO_USER
from skmoe._validation import check_features, check_init, check_n_experts_is_open
from skmoe.experts import check_experts
from skmoe.gates import check_gate
from skmoe.likelihoods import component_of, experts_of
from skmoe.training import (
    E_STEPS,
    CrossFitting,
    Parts,
    Result,
    Router,
    continue_fit,
    evaluate,
    evaluate_routed,
    fit_starts,
    make_folds,
)

# Of "auto"; the value was chosen on data, see docs/design.md.
_POOLING = 0.3


# No more experts than this are named in a warning.
_N_NAMED = 5


@dataclass
class Found:
    """The fitted parts, and how they were found.

    ``results`` has one entry for each start, ``best`` among them; ``cross`` tells how
    rows were held out, and is None where they were not.
    """

    best: Result
    results: list
    names: list
    cross: CrossFitting | None

    def report(self, model):
        """Warn of what a user should know about the fit."""
        if not self.best.converged:
            warnings.warn(
                f"{type(model).__name__} did not converge in max_iter={model.max_iter} "
                "iterations; raise max_iter, or tol.",
                ConvergenceWarning,
                stacklevel=FRAMES_TO_USER,
            )
        if self.best.lost:
            warnings.warn(self._of_lost(), UserWarning, stacklevel=FRAMES_TO_USER)
        if self.cross is None or self.best.parts.n_own == 1:
            return
        alone = self.cross.alone_bounds
        if self.best.lower_bound <= alone.max() + model.tol:
            warnings.warn(
                "the held-out log-likelihood per row of the mixture, "
                f"{self.best.lower_bound:.4f}, is no better than that of "
                f"{self.names[alone.argmax()]!r} alone, {alone.max():.4f}; use "
                "n_experts=1, or n_experts='auto'.",
                UserWarning,
                stacklevel=FRAMES_TO_USER,
            )

    def _of_lost(self):
        lost = self.best.lost
        names = ", ".join(repr(self.names[k]) for k in lost[:_N_NAMED])
        if len(lost) > _N_NAMED:
            names += f" and {len(lost) - _N_NAMED} more of {len(self.names)}"
        part, remedy = "a hundredth of an even share", "use fewer experts, or n_init > 1"
        router = self.best.parts.router
        if router is not None:
            part = "they need"
            if router.load_balancing != "bias":
                remedy = "use load_balancing='bias', or fewer experts"
        return (
            f"experts: {names} ended with less than {part} of the rows, also after a "
            f"revival; {remedy}."
        )


class Search:
    """Fits the number of experts that is asked for, or that pays.

    Parameters
    ----------
    model : estimator
        Whose parameters say what to fit.
    data : TrainingData
    summary : RowSummary
    present : ndarray of int
        Numbers of the rows with weight in the user's table.
    learned : dict
        What the model has learned of X and its target.
    split_params : dict
        For the splitter.
    random_state : RandomState
    progress : Progress
        Is told how the fit goes.
    """

    def __init__(
        self, model, data, summary, present, learned, split_params, random_state, progress
    ):
        self.model = model
        self.data = data
        self.summary = summary
        self.present = present
        self.learned = learned
        self.split_params = split_params
        self.random_state = random_state
        self.progress = progress
        self.columns = summary.raw_target
        self.likelihood = model._make_likelihood()
        if hasattr(self.likelihood, "start_target"):
            seen = self.likelihood.start_target(data.target, data.weights)
            summary.raw_target = seen.reshape(len(seen), -1)
        self.cross = None
        self.is_cross_fitted = False
        self.n_attempts = 0
        self.accepted = None

    def run(self):
        """Fit, and return what is :class:`Found`."""
        model = self.model
        is_continued = model.warm_start and hasattr(model, "experts_")
        n_experts = model.n_experts
        is_open = n_experts == "auto" and not isinstance(model.experts, list)
        if is_open and is_continued:
            n_experts = len(experts_of(model.likelihood_, model.experts_))
            is_open = False
        n_starts = 1 if is_continued else model.n_init
        self.progress.begin(None if is_open else n_starts)
        with warnings.catch_warnings():
            # Of rows that are in all bags, which folds take care of.
            warnings.filterwarnings("ignore", message="Some inputs do not have OOB")
            found = self._grow() if is_open else self._attempt(n_experts, is_continued)
        return self._numbered(found)

    def _numbered(self, found):
        """The same with its experts in the order in which they are published."""
        best = in_order(found.best, self.model, self.data, self.summary)
        return replace(found, best=best)

    def _grow(self):
        """One expert more as long as it pays."""
        check_n_experts_is_open(self.model.init, self.data.log_prior)
        self.accepted = self._attempt(1, False)
        for n_experts in range(2, len(self.data.unit_weights) + 1):
            more = self._attempt(n_experts, False)
            if not self._pays(more, self.accepted):
                break
            self.accepted = more
        return self.accepted

    def _pays(self, more, best):
        """By held-out rows, or else by the Bayesian information criterion."""
        if self.is_cross_fitted:
            return gain_is_clear(
                more.best.held_out, best.best.held_out, self.data.unit_weights
            )
        return self._bic(more) < self._bic(best)

    def _bic(self, found):
        parts, total = found.best.parts, self.data.total
        n_free = free_parameters(
            "n_experts='auto', without cross-fitting", parts.gate,
            parts.pool.estimators(), found.names, parts.likelihood, parts.dispersion,
        )  # fmt: skip
        log_likelihood = found.best.lower_bound * total + parts.penalty
        return n_free * np.log(total) - 2 * log_likelihood

    def _attempt(self, n_experts, is_continued):
        """Starts with a fixed number of experts."""
        parts, names = self._make_parts(n_experts)
        check_n_experts_known(self.data, parts.pool.n_experts)
        watch, self.n_attempts = self._watch(names), self.n_attempts + 1
        if is_continued:
            results = [self._go_on(self._resume(parts), parts, watch)]
        else:
            init = check_init(self.model.init, self.present, parts.pool.n_experts)
            results = self._start(parts, init, watch)
        return _best_of(results, names, self.cross)

    def _start(self, parts, init, watch):
        """Results of all starts."""
        model = self.model
        return fit_starts(
            parts, self.data, self.summary, self.summary.draws,
            init=init, n_init=model.n_init, n_jobs=model.n_jobs, **self._options(watch),
        )  # fmt: skip

    def _go_on(self, earlier, parts, watch):
        """What comes after an earlier fit."""
        return continue_fit(
            earlier, parts, self.data, self.summary, self.summary.draws,
            **self._options(watch),
        )  # fmt: skip

    def _options(self, watch):
        model = self.model
        return {
            "solver": model.solver,
            "max_iter": model.max_iter,
            "tol": model.tol,
            "random_state": self.random_state,
            "watch": watch,
            "cross": self.cross,
        }

    def _watch(self, names):
        """Starts are numbered through, over all numbers of experts."""
        first, seen = self.n_attempts * self.model.n_init, {}
        return lambda number: self.progress.start(
            first + number, partial(self._attributes, names, seen, number)
        )

    def _attributes(self, names, seen, number, result):
        """Fitted attributes as if the fit stopped, start ``number`` having led so far.

        ``seen`` are the results that were asked for, by their starts.
        """
        seen[number] = result
        found = _best_of([seen[start] for start in sorted(seen)], names, self.cross)
        if self.accepted is not None and not self._pays(found, self.accepted):
            found = self.accepted
        model = copy(self.model)
        self.publish(self._numbered(found), model)
        # What an earlier fit has set does not outlive this one.
        gone = vars(self.model).keys() - vars(model).keys()
        return {**vars(model), **dict.fromkeys(gone)}

    def publish(self, found, model):
        """Set the fitted attributes of ``model``."""
        learned = self.learned
        if self.is_cross_fitted:
            learned = {**learned, "_rows_hash": self.rows_hash}
        model._publish(found, self.data, learned)

    def _make_parts(self, n_experts):
        """Unfitted gate, pool and likelihood, and the experts' names."""
        model, data = self.model, self.data
        experts = check_experts(
            model.experts, n_experts, model._default_expert(), self.random_state
        )
        names = expert_names(model, experts, self.likelihood)
        if len(experts) > data.n_samples:
            raise ValueError(
                f"n_experts={len(experts)} is larger than n_samples="
                f"{data.n_samples}, the rows with positive weight; use fewer experts."
            )
        gate = check_gate(model.gate, self.random_state)
        self._bind(gate)
        are_linear = model._is_linear(experts)
        if self.n_attempts == 0:
            folds = self._folds(are_linear)
            self.is_cross_fitted = folds is not None
        router = make_router(model, len(experts), self.likelihood)
        pooling = model.pooling
        if pooling == "auto":
            pools = self.is_cross_fitted and not are_linear and router is None
            pooling = _POOLING if pools else 0.0
        pool = self._pool(experts)
        parts = Parts(gate, pool, self.likelihood, pooling=pooling, router=router)
        if self.is_cross_fitted and self.cross is None:
            n_kinds = len(experts) if isinstance(model.experts, list) else 1
            cross = CrossFitting(folds, self.columns, model.pooling == "auto")
            self.cross = cross.with_alone(parts, data, n_kinds)
        return parts, names

    def _bind(self, gate):
        """Let the gate prepare for the rows."""
        self.data.bind(gate)

    def _folds(self, are_linear):
        """How rows are held out, or None."""
        model = self.model
        return make_folds(
            model.cv, are_linear, self.data, self.summary, self.present,
            model._strata(self.data), self.random_state, self.split_params,
        )  # fmt: skip

    def _pool(self, experts):
        """An unfitted pool."""
        draw = self.summary.draws.steady
        pool = self.model._make_pool(
            experts, self.data, self.learned, draw, self.random_state
        )
        # A splitter of the user's own knows of groups; bags do not.
        pool.trusts_bags = isinstance(self.model.cv, str) and self.data.groups is None
        return pool

    def _resume(self, parts):
        """The earlier fit, seen as a result on the new data; parts go on from it."""
        model, data = self.model, self.data
        n_features = check_features(model, data.X)["n_features_in_"]
        shape = (len(model.experts_), model.n_features_in_)
        if shape != (parts.pool.n_experts, n_features):
            raise ValueError(
                "warm_start: the earlier fit has (n_experts, n_features) = "
                f"{shape}, this one {(parts.pool.n_experts, n_features)}; set "
                "warm_start=False to start afresh."
            )
        for name, what in (("classes_", "classes"), ("_n_outputs", "outputs")):
            was, now = getattr(model, name, None), self.learned.get(name)
            if not np.array_equal(was, now):
                raise ValueError(
                    f"warm_start: the earlier fit has the {what} {was}, this one {now}; "
                    "set warm_start=False to start afresh."
                )
        _check_same_likelihood(model.likelihood_, parts.likelihood)
        parts.gate = deepcopy(model.gate_)
        if getattr(model, "shared_expert_", None) is not None:
            parts.pool.resume_shared(
                data.X, data.target, data.weights, model.shared_expert_
            )
        parts.pool.resume(data.X, data.target, data.weights, model.experts_)
        parts.dispersion = model.dispersion_
        earlier = self._evaluate(parts)
        if not self.is_cross_fitted:
            return earlier
        # What fitted experts say of their own rows is not held out. What the earlier fit
        # found on held-out rows is, but of no use if these are others.
        is_same = getattr(model, "_rows_hash", None) == self.rows_hash
        bound = model.lower_bound_ if is_same else -np.inf
        return replace(earlier, lower_bound=bound)

    def _evaluate(self, parts):
        """Fitted parts as a result on the new data."""
        data, e_step = self.data, E_STEPS[self.model.solver]
        if parts.router is None:
            return evaluate(parts, parts.log_joint(data), data, e_step)
        parts.router.resume(self.model.routing_bias_)
        keys = self.summary.places(self.random_state)
        return evaluate_routed(parts, data, keys, e_step)

    @cached_property
    def rows_hash(self):
        """Tells whether a later fit is to the same rows."""
        data = self.data
        groups = None if data.groups is None else data.groups.codes
        return joblib.hash((data.X, data.target, data.weights, groups, data.log_prior))


def _best_of(results, names, cross):
    best = max(results, key=lambda result: result.lower_bound)
    return Found(best, results, names, cross)


def expert_names(model, experts, likelihood):
    """Names of the experts, and last that of a component besides them."""
    names = [name for name, _ in experts]
    if isinstance(model.experts, list):
        model._validate_names(names)
    component = component_of(likelihood)
    if component is None:
        return names
    if component in names:
        raise ValueError(
            f"experts: {component!r} is what {type(likelihood).__name__} calls its "
            "own component; give the expert another name."
        )
    return [*names, component]


def make_router(model, n_experts, likelihood):
    """How rows are sent to experts, or None where all experts are asked."""
    top_k = model.top_k
    if top_k is not None and component_of(likelihood) is not None:
        raise ValueError(
            f"top_k={top_k}: every row may belong to the component of "
            f"{type(likelihood).__name__}, and with top_k a row is sent to few; use "
            "top_k=None, or another likelihood."
        )
    if top_k is not None and top_k > n_experts and model.n_experts != "auto":
        raise ValueError(
            f"top_k={top_k} is larger than the number of experts, {n_experts}; use "
            "fewer, or None to ask all experts about each row."
        )
    if top_k is None:
        for name in ("load_balancing", "capacity_factor"):
            if getattr(model, name) is not None:
                raise ValueError(
                    f"{name}={getattr(model, name)!r} is about the rows that are sent to "
                    "each expert, and without top_k all are sent to all; set top_k."
                )
    if top_k is None or top_k >= n_experts:
        return None
    return Router(
        n_experts, top_k, model.load_balancing, model.auxiliary_strength,
        model.capacity_factor,
    )  # fmt: skip


def _check_same_likelihood(earlier, now):
    # One of the user's own need not have parameters, nor print them.
    changed = hasattr(now, "get_params") and repr(earlier) != repr(now)
    if changed or type(earlier) is not type(now):
        raise ValueError(
            f"warm_start: the earlier fit has the likelihood {earlier!r}, this one "
            f"{now!r}, so that their dispersions and objectives cannot be compared; set "
            "warm_start=False to start afresh."
        )
