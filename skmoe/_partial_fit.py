"""``partial_fit``: one batch after the other, between calls as plain arrays."""

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from skmoe._gradient_search import check_likelihood_learns
from skmoe._search import Found, expert_names, make_router
from skmoe._sklearn_compat import safe_indexing
from skmoe._threads import limited_threads
from skmoe._validation import (
    check_features,
    check_known_features,
    check_length,
    check_weights,
    check_X,
    check_y_present,
)
from skmoe.experts import check_experts, check_learns
from skmoe.gates import check_gate, check_gate_learns
from skmoe.training import (
    Batch,
    FirstRows,
    Learner,
    Pace,
    Parts,
    Result,
    Stream,
    TrainingData,
)


def learns_from_batches(model):
    """Whether a model has ``partial_fit``; the error tells which part has not."""
    parts = model._input_parts()
    try:
        for place, part in enumerate(parts):
            if place == 0:
                check_gate_learns(part)
            else:
                check_learns(f"expert{place - 1}", part)
        check_likelihood_learns(model._make_likelihood())
    except ValueError as error:
        raise AttributeError(str(error)) from error
    return True


class PartialFitMixin:
    """Learning from a stream, for regression and classification."""

    def _learn(self, X, y, sample_weight, learned):
        """Learn from one batch; ``learned`` is what is known of the target."""
        self._validate_params()
        check_y_present(self, y)
        is_first = not hasattr(self, "experts_")
        X, target = check_X(X), self._encode_like(y, learned)
        if is_first:
            features = check_features(self, X)
        else:
            check_known_features(self, X)
            names = ("n_features_in_", "feature_names_in_")
            features = {name: vars(self)[name] for name in names if name in vars(self)}
        learned = {**learned, **features}
        check_length(X, target)
        weights = check_weights(sample_weight, X)
        present = np.flatnonzero(weights > 0)
        if present.size < weights.size:
            X, target = safe_indexing(X, present), target[present]
            weights = weights[present]
        batch = Batch(X, target, weights)
        with limited_threads(len(batch) * X.shape[1]):
            if is_first:
                seed = int(check_random_state(self.random_state).randint(2**31))
                stream, names = self._fresh_stream(batch, learned, seed)
            else:
                stream, seed = self._known_stream(batch, learned)
                names = self._expert_names
            # Another state for each batch, which need not be kept.
            n_before = 0 if is_first else self.n_iter_
            stream, log_likelihood = stream.followed_by(
                batch, self._first_rows(), np.random.RandomState(seed + n_before)
            )
        self._publish_stream(stream, seed, names, batch, log_likelihood, learned)
        return self

    def _fresh_stream(self, batch, learned, seed):
        """A stream before its first batch, and the experts' names."""
        if self.n_experts == "auto" and not isinstance(self.experts, list):
            raise ValueError(
                "n_experts='auto' is found on all rows, not on the first batch; set a "
                "number, or fit with solver='em'."
            )
        if not isinstance(self.init, str):
            raise ValueError(
                "init: responsibilities are those of all rows, not of the first batch; "
                "name a strategy instead."
            )
        random_state = np.random.RandomState(seed)
        experts = check_experts(
            self.experts, self.n_experts, self._default_expert(), random_state
        )
        gate, likelihood = check_gate(self.gate, random_state), self._make_likelihood()
        check_likelihood_learns(likelihood)
        names = expert_names(self, experts, likelihood)
        pool = self._make_incremental_pool(
            experts, batch.X, batch.target, learned, random_state
        )
        if len(names) > len(batch):
            raise ValueError(
                f"n_experts={len(names)} is larger than the {len(batch)} rows with "
                "positive weight of the first batch; begin with more rows, or use fewer "
                "experts."
            )
        parts = Parts(
            gate, pool, likelihood, pooling=self._stream_pooling,
            router=make_router(self, len(names), likelihood),
        )  # fmt: skip
        return Stream(Learner(parts, self._pace, random_state).forgotten), names

    def _known_stream(self, batch, learned):
        """The stream as the last call, or ``fit``, has left it, and its seed."""
        state = getattr(self, "_stream_state", None) or {
            "seed": int(check_random_state(self.random_state).randint(2**31)),
            "pool": None,
            "residuals": (),
            "n_new": 0,
            "rests": None,
            "held": None,
            "next_start": 0,
        }
        learner = Learner(
            self._known_parts(batch, learned, state["pool"]), self._pace,
            np.random.RandomState(state["seed"]),
        ).forgotten  # fmt: skip
        window = replace(
            learner.residuals, batches=tuple(state["residuals"]), n_new=state["n_new"]
        )
        learner = replace(
            learner, seen=self.n_samples_seen_, load=self.expert_load_,
            residuals=window, iteration=self.n_iter_, rests=state["rests"],
        )  # fmt: skip
        held, fresh = state["held"], learner
        if held is not None:
            held = tuple(Batch(*part) for part in held)
            fresh = self._fresh_stream(held[0], learned, state["seed"])[0].fresh
        return Stream(fresh, learner, held, state["next_start"]), state["seed"]

    def _known_parts(self, batch, learned, pool_state):
        """Fitted gate, experts and dispersions."""
        experts = list(zip(self._expert_names, self.experts_, strict=True))
        pool = self._make_incremental_pool(
            experts, batch.X, batch.target, learned, np.random.RandomState(self.n_iter_)
        )
        rows = batch.X, batch.target, batch.weights
        if getattr(self, "shared_expert_", None) is not None:
            pool.resume_shared(*rows, self.shared_expert_, pool_state)
        pool.resume(*rows, self.experts_, pool_state)
        router = make_router(self, len(experts), self.likelihood_)
        if router is not None:
            router.resume(self.routing_bias_)
        return Parts(
            self.gate_, pool, self.likelihood_, self.dispersion_,
            pooling=self._stream_pooling, router=router,
        )  # fmt: skip

    @property
    def _stream_pooling(self):
        return 0.0 if self.pooling == "auto" else self.pooling

    @property
    def _pace(self):
        return Pace(self.learning_rate_init, self.forgetting_rate)

    def _first_rows(self):
        likelihood = self._make_likelihood()

        def columns_of(target, weights):
            if hasattr(likelihood, "start_target"):
                target = likelihood.start_target(target, weights)
            return self._columns_of(target)

        return FirstRows(self.init, self.n_init, columns_of, self._least_start_variance)

    def _publish_stream(self, stream, seed, names, batch, log_likelihood, learned):
        """Set the fitted attributes, and what the next call goes on from."""
        learner = stream.learner
        score = float(batch.weights @ log_likelihood / batch.total)
        bounds = getattr(self, "lower_bounds_", ())
        result = Result(
            learner.parts, load=learner.load, lower_bound=score,
            lower_bounds=(*bounds, score),
        )  # fmt: skip
        window = learner.residuals.batches
        held = stream.held
        state = {
            "seed": seed,
            "pool": learner.parts.pool.state,
            "residuals": window,
            "n_new": learner.residuals.n_new,
            "rests": learner.rests,
            "held": held and [(part.X, part.target, part.weights) for part in held],
            "next_start": stream.next_start,
        }
        seen = TrainingData(
            None,
            np.concatenate([part[0] for part in window]),
            np.concatenate([part[2].sum(axis=1) for part in window]),
        )
        more = {"_stream_state": state, "n_samples_seen_": learner.seen}
        self._publish(Found(result, [result], names, None), seen, {**learned, **more})
