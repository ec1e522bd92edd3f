"""Many small tasks, in processes; each result is kept as soon as it is there.

A task is a key, the columns that name it, and a function of them that returns the
columns that answer. A run that is broken off goes on where it was. Progress and estimates
go to the standard error, so that they are not among the results.
"""

import argparse
import csv
import multiprocessing
import os
import sys
import threading
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

ERROR = "error"


@dataclass(frozen=True)
class Task:
    """What to do, and what it may cost.

    ``key`` holds pairs (column, value); ``kind`` names tasks of the same sort, and
    ``cost`` is a guess of the seconds, right up to a factor that all of a kind share.
    """

    key: tuple
    kind: str
    cost: float

    @property
    def values(self):
        """The key as the strings that a file holds."""
        return tuple(str(value) for _, value in self.key)


def parser(text):
    """The options that all scripts with tasks have."""
    result = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("--quick", action="store_true", help="little data, nothing kept")
    result.add_argument("--jobs", type=int, default=1, help="processes, of one thread")
    result.add_argument(
        "--force", nargs="*", metavar="NAME",
        help="again, though they are done: all, or those with this set, expert or model",
    )  # fmt: skip
    result.add_argument(
        "--only", nargs="+", default=[], metavar="NAME",
        help="some sets, experts or models; the names of one sort are alternatives",
    )  # fmt: skip
    result.add_argument(
        "--longest", type=float, default=float("inf"), metavar="SECONDS",
        help="leave out tasks that may take longer, each by its estimate",
    )  # fmt: skip
    return result


def chosen(tasks, names):
    """The tasks that ``--only`` leaves: of each column, those it names, if any."""
    names = set(names)
    known = {value for task in tasks for value in task.values}
    if names - known:
        sys.exit(f"not known: {', '.join(sorted(names - known))}")
    wanted = defaultdict(set)
    for task in tasks:
        for (column, _), value in zip(task.key, task.values, strict=True):
            wanted[column] |= {value} & names
    return [
        task
        for task in tasks
        if all(
            not wanted[column] or value in wanted[column]
            for (column, _), value in zip(task.key, task.values, strict=True)
        )
    ]


def run(tasks, work, answers, file, options):
    """Do what is not done yet, cheap tasks first.

    Parameters
    ----------
    tasks : list of Task
    work : callable
        Called with a task's key as keywords; returns a dict. It must be importable.
    answers : list of str
        The columns of that dict.
    file : Path or None
        Where rows are kept; None keeps nothing.
    options : argparse.Namespace

    Returns
    -------
    rows : list of dict
        Of the given tasks, numbers as floats and the rest as str. Rows of failed tasks
        have their reason in the column "error"; the next run tries them again. Tasks
        that are left out have no row.
    """
    names = [column for column, _ in tasks[0].key]
    done = _kept(file, names)
    if options.force is not None:
        again = [t for t in tasks if not options.force or {*options.force} & {*t.values}]
        for task in again:
            done.pop(task.values, None)
    columns = [*names, *answers, ERROR]
    if file is not None:
        _rewrite(file, columns, done.values())
    tasks = sorted(tasks, key=lambda task: task.cost)
    seconds = _estimates(tasks, done)
    left = [
        task
        for task in tasks
        if task.values not in done and seconds[task] <= options.longest
    ]
    _tell_estimates(left, seconds, options.jobs)
    for number, (task, answer) in enumerate(_finished(left, work, options.jobs), 1):
        strings = {column: _written(value) for column, value in answer.items()}
        row = dict(zip(names, task.values, strict=True)) | strings
        done[task.values] = row
        if file is not None:
            with file.open("a", newline="") as handle:
                _writer(handle, columns).writerow(row)
        _tell(f"{number}/{len(left)} {' '.join(task.values)}: {_outcome(row)}")
    return [_read(done[task.values], columns) for task in tasks if task.values in done]


def succeeded(rows, report):
    """The rows without an error; the others are named."""
    for row in rows:
        if row[ERROR]:
            key = list(row.values())[:4]
            where = " ".join(v if isinstance(v, str) else f"{v:g}" for v in key)
            report.note(f"FAILED {where}: {row[ERROR]}")
    return [row for row in rows if not row[ERROR]]


def _finished(tasks, work, n_jobs):
    """Pairs of a task and its answer, as they come."""
    if n_jobs == 1:
        for task in tasks:
            yield task, _attempt(work, task.key)
        return
    # Fresh processes: a fork of one that has run OpenMP may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, context, initializer=_end_with_parent) as pool:
        futures = {pool.submit(_attempt, work, task.key): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _end_with_parent():
    """A worker whose parent was killed would wait for its next task for ever."""

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _attempt(work, key):
    try:
        return work(**dict(key))
    except Exception as error:
        return {ERROR: f"{type(error).__name__}: {error}".replace("\n", " ")}


def _kept(file, names):
    """Rows of an earlier run by their keys, but for failed ones and one cut off."""
    if file is None or not file.exists():
        return {}
    with file.open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row.get(ERROR) == ""]
    return {tuple(row[name] for name in names): row for row in rows}


def _rewrite(file, columns, rows):
    """Whole rows only, at once."""
    new = file.with_suffix(".new")
    with new.open("w", newline="") as handle:
        writer = _writer(handle, columns)
        writer.writeheader()
        writer.writerows(rows)
    new.replace(file)


_writer = partial(
    csv.DictWriter, restval="", extrasaction="ignore", lineterminator="\n"
)  # fmt: skip


def _written(value):
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _read(row, columns):
    return {column: _number(row.get(column, "")) for column in columns}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


def _outcome(row):
    return row.get(ERROR) or f"{float(row['seconds']):.1f} s"


def _estimates(tasks, done):
    """Seconds of each task: its guess, set right by what is done of its kind."""
    taken, guessed = defaultdict(float), defaultdict(float)
    for task in tasks:
        if task.values in done:
            taken[task.kind] += float(done[task.values]["seconds"])
            guessed[task.kind] += task.cost
    factors = {kind: taken[kind] / guessed[kind] for kind in taken}
    return {task: task.cost * factors.get(task.kind, 1.0) for task in tasks}


def _tell_estimates(tasks, seconds, n_jobs):
    """What is to do of each kind."""
    kinds = defaultdict(list)
    for task in tasks:
        kinds[task.kind].append(seconds[task])
    for kind, found in sorted(kinds.items(), key=lambda item: sum(item[1])):
        longest = f"{max(found):.3g} s the longest"
        _tell(f"{kind}: {len(found)} tasks, about {sum(found):.3g} s, {longest}")
    whole = sum(map(sum, kinds.values()))
    _tell(f"{len(tasks)} tasks to do, about {whole / n_jobs:.3g} s by {n_jobs} processes")


def _tell(text):
    print(text, file=sys.stderr, flush=True)
