"""Roots of several functions at once."""

import numpy as np

from skmoe._roots import falling_roots


def test_each_function_has_its_own_root_or_none():
    shifts = np.array([0.5, 3.0, -2.0, 1e-12])
    asked = []

    def function(x):
        asked.append(x)
        return np.array([1e-9, 1.0, 1.0, 1.0]) * (np.exp(-x) - np.exp(-shifts))

    low, high = np.full(4, -1.0), np.full(4, 2.0)
    ends = np.array([9.0, 2.0, -1.0, 9.0])
    roots = falling_roots(
        function, low, high, function(low), function(high), ends, 1e-9, 100
    )
    np.testing.assert_allclose(roots, [0.5, 2.0, -1.0, 0.0], atol=1e-6)
    np.testing.assert_array_equal(asked[-1], roots)


def test_what_is_found_does_not_depend_on_the_others():
    def roots(shifts):
        low, high = np.full(len(shifts), -5.0), np.full(len(shifts), 5.0)

        def function(x):
            return np.arctan(shifts - x) ** 3

        ends = function(low), function(high)
        return falling_roots(function, low, high, *ends, low, 1e-6, 100)

    alone, both = roots(np.array([0.3])), roots(np.array([0.3, -4.9]))
    assert alone[0] == both[0]


def test_a_value_that_is_next_to_nothing_does_not_stop_it():
    def function(x):
        return np.where(x < 0.5, 1e-30, -1.0)

    low, high = np.zeros(1), np.ones(1)
    ends = function(low), function(high)
    roots = falling_roots(function, low, high, *ends, low, 1e-9, 100)
    np.testing.assert_allclose(roots, [0.5], atol=1e-8)
