"""The window of last rows that dispersions follow from."""

import numpy as np
import pytest

from skmoe._routes import Routes
from skmoe.likelihoods import GaussianLikelihood, fit_dispersion_of_pairs
from skmoe.training import _residuals as module
from skmoe.training._residuals import Residuals


def batch(rng, n_rows=100, n_slots=3):
    y = rng.standard_normal(n_rows)
    weights = rng.dirichlet(np.ones(n_slots), size=n_rows)
    return y, y[:, None] + rng.standard_normal((n_rows, n_slots)), weights


def routes(rng, n_rows=100, n_slots=2):
    experts = np.array([rng.permutation(3)[:n_slots] for _ in range(n_rows)])
    return Routes(experts, 3)


@pytest.fixture
def small(monkeypatch):
    """Windows of 300 rows."""
    monkeypatch.setattr(module, "_ROWS_PER_EXPERT", 100)
    monkeypatch.setattr(module, "_LEAST_ROWS", 0)


def test_the_last_rows_are_kept(rng, small):
    window, batches = Residuals(3), [batch(rng, 90) for _ in range(8)]
    for number, part in enumerate(batches):
        window = window.followed_by(*part, None)
        # As few batches as have 300 rows.
        kept = batches[max(number - 3, 0) : number + 1]
        assert len(window.batches) == len(kept)
        for own, given in zip(window.batches, kept, strict=True):
            assert own[0] is given[0]
            assert own[3] is None


@pytest.mark.parametrize(("most", "n_kept"), [(1.0, 1), (150.0, 2), (1e9, 3)])
def test_no_more_rows_are_kept_than_asked_for(rng, small, most, n_kept):
    window = Residuals(3, most)
    for _ in range(9):
        window = window.followed_by(*batch(rng), None)
    assert len(window.batches) == n_kept


def test_memory_is_bounded(rng, monkeypatch):
    monkeypatch.setattr(module, "_MOST_CELLS", 600)
    window = Residuals(3)
    for _ in range(5):
        window = window.followed_by(*batch(rng), None)
    assert len(window.batches) == 2


def test_a_window_is_never_changed(rng):
    first = Residuals(3).followed_by(*batch(rng), None)
    second = first.followed_by(*batch(rng), None)
    second.dispersion(GaussianLikelihood(), None)
    assert len(first.batches) == 1
    assert (first.n_new, second.n_new) == (100, 200)


def test_dispersions_are_due_when_a_part_is_new(rng):
    window = Residuals(3)
    due = []
    for _ in range(40):
        window = window.followed_by(*batch(rng), None)
        due.append(window.is_due)
        if window.is_due:
            _, window = window.dispersion(GaussianLikelihood(), None)
            assert window.n_new == 0
    first = round(1 / module._NEW_PART)  # batches of which one is such a part
    assert due[:first] == [True] * first
    n_new, expected = 0, []
    for number in range(1, 41):
        n_new += 1
        expected.append(n_new >= number * module._NEW_PART)
        n_new *= not expected[-1]
    assert due == expected


def test_dispersions_of_dense_rows(rng):
    window, batches = Residuals(3), [batch(rng) for _ in range(3)]
    for part in batches:
        window = window.followed_by(*part, None)
    y, prediction, weights = (np.concatenate(part) for part in zip(*batches, strict=True))
    squares = (weights * (y[:, None] - prediction) ** 2).sum(axis=0)
    found, _ = window.dispersion(GaussianLikelihood(), None)
    assert np.allclose(found, squares / weights.sum(axis=0))


def test_dispersions_of_routed_rows(rng):
    window, parts = Residuals(3), [(batch(rng, n_slots=2), routes(rng)) for _ in range(3)]
    for part, own in parts:
        window = window.followed_by(*part, own)
    found, _ = window.dispersion(GaussianLikelihood(), None)
    for k in range(3):
        squares = mass = 0.0
        for (y, prediction, weights), own in parts:
            is_own = own.experts == k
            squares += (weights * (y[:, None] - prediction) ** 2)[is_own].sum()
            mass += weights[is_own].sum()
        assert np.isclose(found[k], squares / mass)


def test_an_expert_without_rows_keeps_its_dispersion(rng):
    y, prediction, weights = batch(rng, n_slots=1)
    own = Routes(rng.integers(2, size=(100, 1)), 3)
    window = Residuals(3).followed_by(y, prediction, weights, own)
    earlier = np.array([7.0, 8.0, 9.0])
    found, _ = window.dispersion(GaussianLikelihood(), earlier)
    assert found[2] == 9.0
    expected = fit_dispersion_of_pairs(
        GaussianLikelihood(), None, y, prediction, weights, own, None, earlier
    )
    assert np.allclose(found, expected)


def test_rows_of_other_slots_are_let_go(rng):
    window = Residuals(3).followed_by(*batch(rng, n_slots=3), routes(rng, n_slots=3))
    window = window.followed_by(*batch(rng, n_slots=2), routes(rng))
    assert len(window.batches) == 1
    window = window.followed_by(*batch(rng, n_slots=2), routes(rng))
    assert len(window.batches) == 2
    window = window.followed_by(*batch(rng, n_slots=3), None)
    assert len(window.batches) == 1


def test_all_asked_is_not_sent_to_all(rng):
    """Of rows that are sent to all experts, these are in another order."""
    window = Residuals(3).followed_by(*batch(rng), None)
    window = window.followed_by(*batch(rng), routes(rng, n_slots=3))
    assert len(window.batches) == 1
    window = window.followed_by(*batch(rng), None)
    assert len(window.batches) == 1
