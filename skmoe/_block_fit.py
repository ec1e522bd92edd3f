"""Fits to rows in blocks, which give the model of a fit in memory.

First a pass over the blocks checks them and takes their census, so that units are those
of all rows. Then the samples that a fit begins with are drawn as in memory, and brought
here. Only the last climb looks at all rows, and all it asks for are sums.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state

from skmoe._block_sources import (
    ListBlocks,
    MappedBlocks,
    is_list_of_blocks,
)
from skmoe._dask_blocks import DaskBlocks, is_dask
from skmoe._memory_maps import is_large_map
from skmoe._progress import Progress
from skmoe._search import Found, Search
from skmoe._threads import limited_threads
from skmoe._validation import check_features
from skmoe.experts import check_experts
from skmoe.gates import check_gate
from skmoe.likelihoods import component_of
from skmoe.training import (
    Block,
    BlockData,
    Blocks,
    BlockSummary,
    Census,
    FewDistinctRowsError,
    Parts,
    Result,
    TrainingData,
    joined_blocks,
    joint_problem,
    joint_terms,
    without_copies,
    worth_a_sample,
)

# Rows without content that stand in for those in blocks: they only tell shapes.
_N_STAND_INS = 4


@dataclass
class BlockFit:
    """What a fit to blocks found; or ``rows`` (X, y, weights) to be fitted in memory."""

    found: Found | None = None
    search: Search | None = None
    rows: tuple | None = None


def block_source(X, y, sample_weight):
    """The rows as blocks; None where X is one table in memory.

    Parameters
    ----------
    X : list of tables, memory-mapped array, or Dask collection
    y, sample_weight
        The same for the target and the weights; None for no weights.
    """
    if is_dask(X):
        return DaskBlocks(X, y, sample_weight)
    if is_list_of_blocks(X):
        return ListBlocks(X, y, sample_weight)
    if is_large_map(X):
        return MappedBlocks(X, y, sample_weight)
    return None


def fit_blocks(model, source, split_params):
    """Fit ``model`` to the rows of ``source``.

    Few rows, or rows that are mostly copies of others, are brought here instead.
    """
    target = model._block_target(source.y_shape)
    why_not = _why_not(model, split_params) or _without_terms(model, source, target)
    if why_not is not None:
        if source.in_memory is None:
            return BlockFit(rows=source.table)
        raise ValueError(
            f"{source.name}: {why_not}. Rows in blocks are for solver='em' with linear "
            "experts that maximise the likelihood (LinearRegression, LogisticRegression, "
            "PoissonRegressor(alpha=0), GammaRegressor(alpha=0)) and gate='softmax' or "
            f"'constant'; otherwise {source.in_memory}, if memory is large enough."
        )
    census = Blocks(source, Reader(target, source)).merge(
        partial(_census, target), _merged
    )
    if not census.columns.mass > 0:
        raise ValueError("sample_weight: all weights are zero, no row is left to fit.")
    target = target.known(census)
    blocks = Blocks(source, Reader(target, source))
    whole = target.statistics(census, blocks)
    data = BlockData(blocks, census, *_stand_ins(source, target), whole)
    is_table = hasattr(source.meta, "columns")
    summary = BlockSummary(data, target, is_table, model._least_start_variance)
    if not worth_a_sample(data.n_samples, summary, _n_experts(model)):
        return BlockFit(rows=_gathered(source, blocks, target, _all_rows))
    random_state = check_random_state(model.random_state)
    state = random_state.get_state()
    features = check_features(model, data.X)
    # Callbacks are shown no rows, as these are elsewhere.
    search = BlockSearch(
        model, data, summary, None, {**features, **target.learned}, {}, random_state,
        LateProgress(model, None, None, None),
    )  # fmt: skip
    try:
        with limited_threads(data.n_samples * source.n_features):
            found = search.run()
    except FewDistinctRowsError:
        random_state.set_state(state)
        distinct = partial(without_copies, summary.place(0.0))
        return BlockFit(rows=_gathered(source, blocks, target, distinct))
    return BlockFit(found, search)


def _stand_ins(source, target):
    """Rows without content, which only tell names and shapes."""
    y, meta = target.stand_in(_N_STAND_INS), source.meta
    if issparse(meta):
        return csr_matrix((_N_STAND_INS, source.n_features)), y
    if not hasattr(meta, "columns"):
        return np.zeros((_N_STAND_INS, source.n_features)), y
    return _frame_like(meta, np.zeros((_N_STAND_INS, source.n_features))), y


def _frame_like(meta, X):
    """A dataframe of the kind of ``meta``, and with its names."""
    return type(meta)(dict(zip(meta.columns, np.asarray(X).T, strict=True)))


def _all_rows(block):
    return {block.number: block}


def _union(first, second):
    return first | second


def _gathered(source, blocks, target, rows_of):
    """X, y and weights of rows of all blocks, in memory."""
    found = blocks.merge(rows_of, _union)
    block = joined_blocks([found[number] for number in sorted(found)])
    X = _frame_like(source.meta, block.X) if hasattr(source.meta, "columns") else block.X
    return X, target.decoded(block.target), block.weights


class LateProgress(Progress):
    """Begins with the first start: until then, rows may prove to be too few."""

    def begin(self, n_starts):
        """Remember how many starts there are to be."""
        self.n_starts, self.is_begun = n_starts, False

    def start(self, number, attributes_of):
        """Give the :class:`Start` to tell of."""
        if not self.is_begun:
            super().begin(self.n_starts)
            self.is_begun = True
        return super().start(number, attributes_of)


class BlockSearch(Search):
    """The same search, in which an earlier fit is judged by all blocks."""

    def _evaluate(self, parts):
        problem = joint_problem(parts, self.data)
        value, _ = problem.evaluate(problem.vector_of(parts))
        load = problem.mass / problem.total
        return Result(parts, load=load, lower_bound=value)


class Reader:
    """Brings raw blocks into the form in which they are looked at.

    Parameters
    ----------
    target : NumberTarget or LabelTarget
    source : object
        Whose width, and names, all blocks are to have.
    """

    def __init__(self, target, source):
        self.target, self.n_features = target, source.n_features
        self.names = list(getattr(source.meta, "columns", [])) or None

    def __call__(self, function, raw):
        """What ``function`` says of a raw block; errors name the block."""
        try:
            return function(self.read(raw))
        except (TypeError, ValueError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"{raw.name}: {error}") from error

    def read(self, raw):
        """The rows of a raw block that have weight."""
        self._check_columns(raw.X)
        X = check_array(
            raw.X, accept_sparse="csr", dtype=(np.float64, np.float32),
            ensure_all_finite=False, ensure_min_samples=0, input_name="X",
        )  # fmt: skip
        y = np.asarray(raw.y)
        weights = _weights(raw.weights, len(y))
        if not X.shape[0] == len(y) == len(weights):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"[{X.shape[0]}, {len(y)}, {len(weights)}] of X, y and sample_weight."
            )
        present = weights > 0
        if not present.all():
            X, y, weights = X[present], y[present], weights[present]
        return Block(raw.number, X, self.target.read(y), weights)

    def _check_columns(self, X):
        if X.shape[1] != self.n_features:
            raise ValueError(f"X has {X.shape[1]} features, not {self.n_features}.")
        if self.names is not None and list(getattr(X, "columns", ())) != self.names:
            raise ValueError("X: the columns are not those of the first block.")


def _weights(weights, n_samples):
    if weights is None:
        return np.ones(n_samples)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 1:
        raise ValueError("sample_weight: weights must be 1D array or scalar.")
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"sample_weight: row {row} holds {weights[row]}; weights are finite numbers "
            "from 0 on."
        )
    return weights


def _census(target, block):
    """Check a block and count it."""
    values = block.X.data if issparse(block.X) else block.X
    with np.errstate(all="ignore"):
        is_finite = np.isfinite(values.sum()) or np.isfinite(values).all()
    if not is_finite:
        raise ValueError(
            "Input X contains NaN or infinity, which linear "
            "experts cannot use; impute the missing values, or leave these rows out."
        )
    target.check(block.target)
    return Census.of(block, target)


def _merged(first, second):
    return first.merged(second)


def _n_experts(model):
    return len(model.experts) if isinstance(model.experts, list) else model.n_experts


def _why_not(model, split_params):
    """The parameter that asks for more than sums over rows, or None."""
    likelihood = getattr(model, "likelihood", None)
    experts = model.experts if isinstance(model.experts, list) else [("", model.experts)]
    reasons = {
        f"solver={model.solver!r} looks at each row": model.solver != "em",
        f"cv={model.cv!r} holds rows out": model.cv is not None and model.cv != "auto",
        f"pooling={model.pooling!r} is not 0": model.pooling not in ("auto", 0),
        f"top_k={model.top_k!r} sends each row to its experts": model.top_k is not None,
        "init holds responsibilities of each row": not isinstance(model.init, str),
        "n_experts='auto' compares fits": _n_experts(model) == "auto",
        "shared_expert is fitted to each row": (
            getattr(model, "shared_expert", None) is not None
        ),
        "experts holds pipelines": any(
            isinstance(item[-1], Pipeline) for item in experts if isinstance(item, tuple)
        ),
        f"{type(likelihood).__name__} has a component of its own": (
            component_of(likelihood) is not None
        ),
        f"{', '.join(split_params)} is for a splitter": bool(split_params),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _without_terms(model, source, target):
    """Why gate and experts cannot be solved by sums, or None."""
    X, y = _stand_ins(source, target)
    random_state = np.random.RandomState(0)
    experts = check_experts(
        model.experts, model.n_experts, model._default_expert(), random_state
    )
    gate = check_gate(model.gate, random_state)
    likelihood = model._make_likelihood()
    data = TrainingData(X, y, np.ones(len(y)))
    data.bind(gate)
    pool = model._make_pool(experts, data, target.learned, None, random_state)
    parts = Parts(gate, pool, likelihood)
    if hasattr(pool, "in_units") and joint_terms(parts, data) is not None:
        return None
    kinds = sorted({type(expert).__name__ for _, expert in experts})
    return (
        f"with experts={', '.join(kinds)}, gate={type(gate).__name__} and the likelihood "
        f"{type(likelihood).__name__}, the likelihood is not a sum of that kind"
    )
