"""A callback that saves the model while it is fitted."""

import os
import uuid
import warnings
from numbers import Integral
from pathlib import Path

import joblib
import sklearn

from skmoe._base import BaseMixtureOfExperts
from skmoe._sklearn_compat import HAS_CALLBACKS, without_callbacks


class Checkpoint:
    """Save the best model so far every few iterations of a fit.

    A fit that was stopped, by Ctrl-C or by a machine that went down, is gone on with from
    the file: ``joblib.load(path).set_params(warm_start=True).fit(X, y)``.

    The file is replaced at once, by one that is complete: whatever happens while it is
    written, what is at ``path`` can be loaded. It holds the model as if the fit had
    stopped there, ready to predict, and without its callbacks. It is also written at the
    end of the fit and, where there are several starts, of each of these.

    Parameters
    ----------
    path : str or path-like
        Of the file, in a folder that exists; written by :func:`joblib.dump`. One path is
        for one fit at a time.
    every : int, default=10
        Iterations of a start from one writing to the next. Where rows are held out (see
        ``cv``), gate and experts have to be fitted to all rows to be saved, which costs a
        part of a round; of these there are few, so use 1 or 2.

    Raises
    ------
    ImportError
        With scikit-learn before 1.9, which has no callbacks.
    ValueError, TypeError
        When a fit begins: if it is one of many in a search, which would overwrite one
        another's file, or if the estimator is no mixture of experts.
    FileNotFoundError, NotADirectoryError, PermissionError
        When a fit begins, if ``path`` cannot be written.

    Warns
    -----
    RuntimeWarning
        If writing fails later on. The fit goes on, and the last file stays: hours of
        training are worth more than a copy of what they have come to.

    See Also
    --------
    MixtureOfExpertsRegressor : What it saves; ``warm_start`` goes on from the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import joblib
    >>> from skmoe import Checkpoint, MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_moe_regression
    >>> X, y = make_moe_regression(n_samples=200, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "model.joblib")
    >>> model = MixtureOfExpertsRegressor(random_state=0)
    >>> model.set_callbacks(Checkpoint(path, every=5)).fit(X, y).converged_
    True
    >>> loaded = joblib.load(path)
    >>> bool(loaded.lower_bound_ == model.lower_bound_)
    True
    >>> resumed = loaded.set_params(warm_start=True).fit(X, y)
    >>> bool(resumed.lower_bound_ >= model.lower_bound_)
    True
    >>> folder.cleanup()
    """

    def __init__(self, path, every=10):
        if not HAS_CALLBACKS:
            raise ImportError(
                "Checkpoint needs the callbacks of scikit-learn >= 1.9, this is "
                f"{sklearn.__version__}; upgrade, or fit a few iterations at a time: "
                "with warm_start=True and a small max_iter, call fit and joblib.dump in "
                "turns."
            )
        if not isinstance(every, Integral) or every < 1:
            raise ValueError(
                f"every={every!r} is no number of iterations; use 1 or more."
            )
        # Where the process goes later on has nothing to do with where this is.
        self.path = Path(path).absolute()
        self.every = every

    def setup(self, estimator, context):
        """Refuse what could not be saved, before anything is fitted.

        Parameters
        ----------
        estimator : estimator
            About to be fitted.
        context : sklearn.callback.CallbackContext
            Of the fit.

        Raises
        ------
        TypeError
            If the estimator is no mixture of experts.
        ValueError
            If it is one of many that are fitted, as in a search.
        FileNotFoundError, NotADirectoryError, PermissionError
            If no file can be made at ``path``.
        """
        if not isinstance(estimator, BaseMixtureOfExperts):
            raise TypeError(
                f"Checkpoint: {type(estimator).__name__} is no mixture of experts; set "
                "it on the mixture itself, by model.set_callbacks(...)."
            )
        owner = _maker_of_many(context)
        if owner is not None:
            raise ValueError(
                f"Checkpoint: {owner} fits many models, each saved over the last "
                f"as {str(self.path)!r}; search without it, and set it on the "
                "best_estimator_ to fit that again."
            )
        self._check_path()

    def _check_path(self):
        folder = self.path.parent
        if not folder.exists():
            raise FileNotFoundError(
                f"Checkpoint: there is no folder {str(folder)!r}; create it."
            )
        if self.path.is_dir() or not folder.is_dir():
            raise NotADirectoryError(
                f"Checkpoint: {str(self.path)!r} is no path of a file in a folder; name "
                "the file, as in 'folder/model.joblib'."
            )
        if not os.access(folder, os.W_OK):
            raise PermissionError(
                f"Checkpoint: no file may be made in {str(folder)!r}; use another folder."
            )

    def teardown(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            Fitted, or stopped.
        context : sklearn.callback.CallbackContext
            Of the fit.
        """

    def on_fit_task_begin(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            Being fitted.
        context : sklearn.callback.CallbackContext
            Of the task.
        """

    def wants_fitted(self, context):
        """Whether the model is to be saved at the end of this task.

        Parameters
        ----------
        context : sklearn.callback.CallbackContext
            Of the task: the fit, a start or an iteration.

        Returns
        -------
        wants : bool
            True every ``every`` iterations, and at the end of a start and of the fit.
        """
        if context.task_name == "iteration":
            return (context.task_id + 1) % self.every == 0
        # After the only start, the fit ends at once.
        return context.task_name == "fit" or context.parent.max_subtasks != 1

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Save the model, if it is time to.

        Parameters
        ----------
        estimator : estimator
            Being fitted.
        context : sklearn.callback.CallbackContext
            Of the task: the fit, a start or an iteration.
        fitted_estimator : estimator, optional
            As if the fit had stopped here.

        Warns
        -----
        RuntimeWarning
            If the file cannot be written. The fit goes on.
        """
        if fitted_estimator is None or not self.wants_fitted(context):
            return
        try:
            _write(without_callbacks(fitted_estimator), self.path)
        except Exception as error:  # an expert that cannot be pickled may raise anything
            warnings.warn(
                f"Checkpoint: {str(self.path)!r} was not written "
                f"({type(error).__name__}: {error}); the fit goes on, and what was "
                "written before is still there.",
                RuntimeWarning,
                stacklevel=2,
            )


def _maker_of_many(context):
    """Name of the estimator that fits many of this one, or None."""
    above = context.parent
    while above is not None:
        # Steps of a pipeline come one after the other, models of a search in any order.
        if not above.sequential_subtasks:
            return above.estimator_name
        above = above.parent
    return None


def _write(model, path):
    """Put a file with the model in the place of ``path``, complete or not at all."""
    path = Path(os.path.realpath(path))  # a link stays one
    # In the same folder: a file can be moved at once only within a file system.
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(draft, "xb") as file:
            joblib.dump(model, file)
            file.flush()
            # Or else the name may be on the disk before what it stands for.
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
