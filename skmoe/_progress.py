"""What a fit tells while it runs: printed lines, and scikit-learn's callbacks.

A callback may ask for the model as if the fit had stopped there (``fitted_estimator``).
It is built only then. scikit-learn sees by a hook's signature that it is asked for; as it
may cost as much as an iteration, a callback that needs it now and then can have a method
``wants_fitted(context)``, too. Where all callbacks say no, they get None.
"""

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import RLock

from skmoe._sklearn_compat import HAS_CALLBACKS, callbacks_of


class Progress:
    """Reports iterations, and passes on a callback's wish to stop.

    Parameters
    ----------
    model : estimator
        Whose callbacks are called.
    X, y : array-like
        The rows that are fitted, as callbacks are shown them.
    sample_weight : ndarray or None
    """

    def __init__(self, model, X, y, sample_weight):
        self.model = model
        self.shown = {
            "estimator": model,
            "X": X,
            "y": y,
            "metadata": {"sample_weight": sample_weight},
        }
        self.callbacks = callbacks_of(model)
        # Of starts that run side by side, one at a time is told of: what a callback is
        # given is then never older than what it was given before.
        self.lock = RLock()
        self.root = None

    def __getstate__(self):
        # Starts in another process cannot be told of here; lines are printed there.
        unknown = {"shown": dict.fromkeys(self.shown), "callbacks": [], "root": None}
        return {k: v for k, v in vars(self).items() if k != "lock"} | unknown

    def __setstate__(self, state):
        vars(self).update(state, lock=RLock())

    def begin(self, n_starts):
        """Tell that the fit begins; ``n_starts`` may be None."""
        if HAS_CALLBACKS:
            # Starts may run side by side, so their numbers are given.
            self.root = self.model._init_callback_context(
                max_subtasks=n_starts, sequential_subtasks=False
            )
            self.root.call_on_fit_task_begin(**self.shown)

    @contextmanager
    def start(self, number, attributes_of):
        """Give the :class:`Start` to tell of.

        Parameters
        ----------
        number : int
        attributes_of : callable
            ``attributes_of(result)`` are the fitted attributes of the best model so far,
            if ``result`` is what this start has led to.
        """
        start = Start(self, number, attributes_of)
        yield start
        start.end()

    def task_ends(self, context, attributes):
        """Call the hooks; ``attributes()`` of a model as if the fit had stopped here."""
        if attributes is not None and not self._is_wanted(context):
            attributes = None
        return context.call_on_fit_task_end(
            **self.shown, reconstruction_attributes=attributes
        )

    def _is_wanted(self, context):
        return any(
            getattr(callback, "wants_fitted", _always)(context)
            for callback in self.callbacks
        )

    def end(self):
        """Tell that the fit is over; the model is fitted by now."""
        if self.root is not None:
            self.task_ends(self.root, dict)


class Start:
    """What is told of one start; its ``result`` is set by whoever runs it.

    Parameters
    ----------
    progress : Progress
    number : int
    attributes_of : callable
        As in :meth:`Progress.start`.
    """

    def __init__(self, progress, number, attributes_of):
        self.progress, self.number = progress, number
        self.attributes_of = attributes_of
        self.result = self.context = None
        if progress.root is not None:
            with progress.lock:
                self.context = progress.root.subcontext(
                    "start", task_id=number, max_subtasks=progress.model.max_iter
                ).call_on_fit_task_begin(**progress.shown)

    def on_iteration(self, iteration, lower_bound, gain, so_far=None):
        """Tell of an iteration.

        Parameters
        ----------
        iteration : int
        lower_bound, gain : float
        so_far : callable, optional
            ``so_far()`` is the best result of the start until now.

        Returns
        -------
        stop : bool
        """
        if self.progress.model.verbose:
            print(
                f"start {self.number + 1}, iteration {iteration}: "
                f"lower bound {lower_bound:.6f}, gain {gain:.2e}"
            )
        if not self.progress.callbacks:
            return False
        with self.progress.lock:
            step = self.context.subcontext("iteration").call_on_fit_task_begin(
                **self.progress.shown
            )
            attributes = None if so_far is None else partial(self._attributes, so_far)
            return self.progress.task_ends(step, attributes)

    def _attributes(self, so_far):
        return self.attributes_of(replace(so_far(), converged=False))

    def end(self):
        """Tell that the start is over."""
        if self.context is not None:
            with self.progress.lock:
                attributes = partial(self.attributes_of, self.result)
                self.progress.task_ends(self.context, attributes)


def _always(context):
    return True
