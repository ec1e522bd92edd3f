"""What a fit tells while it runs: printed lines, and scikit-learn's callbacks."""

from contextlib import contextmanager

from skmoe._sklearn_compat import HAS_CALLBACKS


class Progress:
    """Reports iterations, and passes on a callback's wish to stop.

    Parameters
    ----------
    estimator : estimator
        Whose callbacks are called.
    verbose : int
    n_starts, max_iter : int
    """

    def __init__(self, estimator, verbose, n_starts, max_iter):
        self.estimator = estimator
        self.verbose = verbose
        self.max_iter = max_iter
        self.root = None
        if HAS_CALLBACKS:
            # Starts may run side by side, so their numbers are given.
            self.root = estimator._init_callback_context(
                max_subtasks=n_starts, sequential_subtasks=False
            )
            self.root.call_on_fit_task_begin(estimator=estimator)

    @contextmanager
    def start(self, number):
        """Give the function to call after each iteration of a start."""
        context = None
        if self.root is not None:
            context = self.root.subcontext(
                "start", task_id=number, max_subtasks=self.max_iter
            ).call_on_fit_task_begin(estimator=self.estimator)

        def on_iteration(iteration, lower_bound, gain):
            if self.verbose:
                print(
                    f"start {number + 1}, iteration {iteration}: "
                    f"lower bound {lower_bound:.6f}, gain {gain:.2e}"
                )
            if context is None:
                return False
            step = context.subcontext("iteration").call_on_fit_task_begin(
                estimator=self.estimator
            )
            return step.call_on_fit_task_end(estimator=self.estimator)

        yield on_iteration
        if context is not None:
            context.call_on_fit_task_end(estimator=self.estimator)

    def end(self):
        """Tell that the fit is over."""
        if self.root is not None:
            self.root.call_on_fit_task_end(estimator=self.estimator)
