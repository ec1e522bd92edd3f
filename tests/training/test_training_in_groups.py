"""Samples, draws and folds of whole groups; short runs that keep them together."""

import numpy as np
import pytest

from skmoe._group_table import Groups
from skmoe.gates import ConstantGate
from skmoe.training import GroupedData, GroupedSummary
from skmoe.training._start import starting_responsibilities


@pytest.fixture
def data(rng):
    codes = np.repeat(np.arange(200), 5)
    X = rng.standard_normal((1000, 2))
    slopes = np.where(np.arange(200) % 2, 1.0, -1.0)[codes]
    y = slopes * X[:, 0] + 0.8 * rng.standard_normal(1000)
    weights = rng.integers(1, 4, 1000).astype(float)
    return GroupedData(X, y, weights, groups=Groups(codes))


@pytest.fixture
def summary(data):
    return GroupedSummary(data, data.target[:, None])


def is_whole(values):
    """Whether all rows of a group have the same."""
    return (values == values[::5].repeat(5, axis=0)).all()


def test_samples_are_of_whole_groups(summary):
    part = summary.thinned(300, np.random.RandomState(0))
    assert 280 <= len(part.weights) <= 300
    assert set(part.groups.sizes) == {5}
    assert summary.thinned(2000, np.random.RandomState(0)) is summary


def test_draws_are_of_whole_groups(data, summary):
    shares = np.random.RandomState(0).dirichlet([1, 1, 1], 200).repeat(5, axis=0)
    mass = data.weights[:, None] * shares
    drawn = summary.draws.random(mass, np.random.RandomState(1)) / data.weights[:, None]
    assert is_whole(drawn)
    np.testing.assert_allclose(drawn, drawn.round())
    np.testing.assert_allclose(drawn.sum(axis=0), shares.sum(axis=0), atol=5)


def test_folds_are_of_whole_groups(summary):
    folds = summary.folds(4, np.random.RandomState(0), strata=np.arange(1000) % 2)
    assert is_whole(folds)
    assert set(np.bincount(folds)) == {250}


@pytest.mark.parametrize("init", ["auto", "k-plane", "k-means", "random"])
def test_starts_give_whole_groups(data, summary, init):
    start = starting_responsibilities(init, summary, 2, np.random.RandomState(0))
    start = data.started(start, start.shape[1])
    assert is_whole(start)
    np.testing.assert_allclose(start.sum(axis=1), 1.0)


def test_short_runs_find_groups_that_rows_do_not_tell(data, summary):
    start = starting_responsibilities("auto", summary, 2, np.random.RandomState(0))
    truth = data.groups.codes % 2
    found = start.argmax(axis=1)
    assert max((found == truth).mean(), (found != truth).mean()) > 0.9


def test_gate_is_fitted_to_groups_once(data):
    data.bind(ConstantGate())
    shares = np.random.RandomState(0).dirichlet([1, 1], 200).repeat(5, axis=0)
    gate = data.bound_gate.fit(ConstantGate(), shares)
    np.testing.assert_allclose(gate.prior_, shares[::5].mean(axis=0))
    assert gate.n_samples_seen_ == 200


def test_revival_takes_whole_groups(data):
    log_joint = np.random.RandomState(0).standard_normal((1000, 2))
    shares = np.tile([1.0, 0.0], (1000, 1))
    revived = data.revived(shares, log_joint, {1})
    assert is_whole(revived)
    sums = data.groups.sums(data.weights[:, None] * log_joint) / data.mass[:, None]
    worst = sums.max(axis=1).argsort()[:20]
    assert (revived[::5][worst, 1] > 0.5).all()
    assert 0.1 < data.weights @ revived[:, 1] / data.total < 0.4
