"""Folds that depend on the content of the rows alone."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, StratifiedKFold

from skmoe.training import RowSummary, TrainingData, make_folds
from skmoe.training._rows import hashed


def folds_of(X, y, cv="auto", *, linear=False, weights=None, strata=None, **params):
    weights = np.ones(len(y)) if weights is None else weights
    data = TrainingData(X, y, weights)
    summary = RowSummary(X, y.reshape(len(y), -1).astype(float), weights)
    present, state = np.arange(len(y)), np.random.RandomState(0)
    return make_folds(cv, linear, data, summary, present, strata, state, params)


def labels(folds):
    """The number of each row's fold."""
    labels = np.empty(sum(len(test) for _, test in folds), dtype=int)
    for number, (_, test) in enumerate(folds):
        labels[test] = number
    return labels


@pytest.mark.parametrize("n_folds", [2, 3, 7])
def test_folds_are_a_balanced_partition(two_regimes, n_folds):
    X, y = two_regimes
    folds = folds_of(X, y, n_folds)
    assert len(folds) == n_folds
    for train, test in folds:
        np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(len(y)))
    assert np.ptp([len(test) for _, test in folds]) <= 1


def test_folds_follow_the_rows_wherever_they_stand(two_regimes, rng):
    X, y = two_regimes
    order = rng.permutation(len(y))
    np.testing.assert_array_equal(
        labels(folds_of(X, y))[order], labels(folds_of(X[order], y[order]))
    )


def test_copies_of_a_row_share_a_fold_as_does_a_weight(two_regimes, rng):
    X, y = two_regimes
    weights = rng.integers(1, 4, size=len(y))
    weighted = labels(folds_of(X, y, weights=weights.astype(float)))
    repeated = labels(folds_of(X.repeat(weights, axis=0), y.repeat(weights)))
    np.testing.assert_array_equal(weighted.repeat(weights), repeated)


def test_units_do_not_change_folds(two_regimes):
    X, y = two_regimes
    other = folds_of(X * [1000.0, 0.01] + 7.0, 3.0 * y + 1e4)
    np.testing.assert_array_equal(labels(folds_of(X, y)), labels(other))


def test_folds_of_a_grid_have_no_pattern():
    """Neighbours on a grid are in the same fold as often as chance has it."""
    grid = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1)
    fold = labels(folds_of(grid.reshape(-1, 2), np.zeros(900))).reshape(30, 30)
    for shifted in (fold[1:] == fold[:-1], fold[:, 1:] == fold[:, :-1]):
        # Six standard errors of a share of one third of 870.
        assert abs(shifted.mean() - 1 / 3) < 6 * np.sqrt(2 / 9 / 870)


def test_hash_is_uniform_and_depends_on_the_seed():
    numbers = np.arange(20_000)
    places = [hashed(numbers, seed) / 2.0**64 for seed in (0, 1)]
    for place in places:
        counts = np.histogram(place, bins=10, range=(0, 1))[0]
        assert np.abs(counts - 2000).max() < 6 * np.sqrt(2000)
    assert abs(np.corrcoef(places)[0, 1]) < 6 / np.sqrt(20_000)


def test_classes_are_spread_over_all_folds(rng):
    X, y = rng.standard_normal((90, 2)), np.repeat([0, 1, 2], [60, 24, 6])
    fold = labels(folds_of(X, y, strata=y))
    counts = np.array([np.bincount(fold[y == c], minlength=3) for c in range(3)])
    np.testing.assert_array_equal(counts, [[20] * 3, [8] * 3, [2] * 3])


def test_linear_experts_need_none(two_regimes):
    assert folds_of(*two_regimes, linear=True) is None
    assert folds_of(*two_regimes, cv=None) is None
    assert len(folds_of(*two_regimes, cv=4, linear=True)) == 4


def test_too_few_distinct_rows():
    X, y = np.repeat([[0.0], [1.0]], 5, axis=0), np.repeat([0.0, 1.0], 5)
    assert folds_of(X, y, "auto") is None
    with pytest.raises(ValueError, match="cv=3: there are only 2 distinct rows"):
        folds_of(X, y, 3)


def test_splitters_and_given_splits(two_regimes):
    X, y = two_regimes
    groups = np.arange(len(y)) % 5
    by_group = folds_of(X, y, GroupKFold(5), groups=groups)
    assert all(len(set(groups[test])) == 1 for _, test in by_group)
    given = list(KFold(4).split(X))
    for ours, theirs in zip(folds_of(X, y, given), given, strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])
    codes = (y > 0).astype(int)
    assert len(folds_of(X, codes, StratifiedKFold(3))) == 3


def test_given_splits_are_those_of_the_rows_with_weight(two_regimes):
    X, y = two_regimes
    present = np.arange(3, len(y), 2)
    data = TrainingData(X[present], y[present], np.ones(len(present)))
    summary = RowSummary(data.X, data.target[:, None], data.weights)
    splits = [(train, test) for train, test in KFold(3).split(X)]
    masks = [
        (np.isin(np.arange(len(y)), a), np.isin(np.arange(len(y)), b)) for a, b in splits
    ]
    for cv in (splits, masks):
        folds = make_folds(
            cv, False, data, summary, present, None, np.random.RandomState(0), {}
        )
        for (train, test), (_, all_test) in zip(folds, splits, strict=True):
            assert set(present[test]) == set(all_test) & set(present)
            assert len(train) + len(test) == len(present)


def test_a_split_that_tests_no_row_with_weight_is_left_out(two_regimes):
    X, y = two_regimes
    present = np.arange(80, len(y))
    data = TrainingData(X[present], y[present], np.ones(len(present)))
    summary = RowSummary(data.X, data.target[:, None], data.weights)
    splits = list(KFold(3).split(X))
    state = np.random.RandomState(0)
    folds = make_folds(splits, False, data, summary, present, None, state, {})
    assert len(folds) == 2
    with pytest.raises(ValueError, match="cv: split 0 trains on no row with weight"):
        make_folds(splits[:1], False, data, summary, np.arange(80), None, state, {})


def test_an_iterator_that_is_used_up_is_told(two_regimes):
    X, y = two_regimes
    splits = KFold(3).split(X)
    assert len(folds_of(X, y, splits)) == 3
    with pytest.raises(ValueError, match="cv: there is no split; an iterator is used up"):
        folds_of(X, y, splits)


def test_splits_that_train_on_their_tests_are_refused(two_regimes):
    X, y = two_regimes
    rows = np.arange(len(y))
    splits = [(np.r_[train, test[:1]], test) for train, test in KFold(3).split(X)]
    with pytest.raises(ValueError, match="cv: split 0 trains on rows of its own test"):
        folds_of(X, y, splits)
    with pytest.raises(ValueError, match="cv: split 0 trains on no row"):
        folds_of(X, y, [(rows[:0], rows)])


def test_splits_that_are_no_partition_are_refused(two_regimes):
    with pytest.raises(
        ValueError, match="cv: each row has to be in the test part of one"
    ):
        folds_of(*two_regimes, ShuffleSplit(3, random_state=0))
