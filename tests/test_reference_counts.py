"""Optima of the log-likelihood of counts and rates that others have published.

As in ``test_reference``: natural-log totals over the rows, no penalty.
"""

import numpy as np
import pytest
from reference_fits import (
    assert_lines,
    diabetes,
    fit_counts,
    gate_against,
    load,
    read,
)
from sklearn.linear_model import LogisticRegression

from skmoe import MixtureOfExpertsRegressor


def test_diabetes_counts_two_experts():
    X, y = diabetes()
    model = fit_counts(X[:, :1], y, 2)
    assert model.score_samples(X[:, :1], y).sum() == pytest.approx(
        -3507.0639684, abs=1e-4
    )
    order = np.argsort([expert.intercept_ for expert in model.experts_])
    lines = [(expert.intercept_, expert.coef_[0]) for expert in model.experts_]
    expected = [[3.114888, 0.054981], [4.325727, 0.037760]]
    np.testing.assert_allclose(np.array(lines)[order], expected, atol=1e-4)
    prior = model.predict_gate_proba(X[:1, :1])[0, order]
    np.testing.assert_allclose(prior, [0.523934, 0.476066], atol=1e-4)


def test_diabetes_counts_three_experts():
    X, y = diabetes()
    model = fit_counts(X, y, 3, [0], [2])
    assert model.score_samples(X, y).sum() == pytest.approx(-2758.0235498, abs=1e-4)
    expected = [[3.155535, 0.042589], [3.599491, 0.048880], [4.528293, 0.032929]]
    assert_lines(model, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("n_experts", "optimum"), [(1, -316.691463), (2, -218.490769), (3, -197.6750214303)]
)
def test_patent(n_experts, optimum):
    X, y = load("patent")
    model = fit_counts(X, y, n_experts, ["lgRD"], ["RDS"])
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)
    if n_experts == 3:
        expected = [[-2.646899, 1.588645], [0.506366, 0.880085], [1.961958, 0.671929]]
        order = assert_lines(model, expected)
        np.testing.assert_allclose(
            gate_against(model, order[2], order[[1, 0]]),
            [[3.11208, -41.08392], [0.209201, -0.742890]],
            rtol=1e-3,
        )


def test_npreg_counts():
    X, y = load("npreg", "yp")
    model = fit_counts(X, y, 2)
    assert model.score_samples(X, y).sum() == pytest.approx(-440.6402943197, abs=1e-4)


@pytest.mark.parametrize(
    ("expert_columns", "gate_columns", "optimum"),
    [
        (["kid5", "mar", "ment"], ["fem"], -1565.9962562086),
        (None, None, -1561.070871),
    ],
)
def test_biochemists(expert_columns, gate_columns, optimum):
    X, y = load("biochemists")
    X = X.assign(fem=X["fem"] == "Women", mar=X["mar"] == "Married").astype(float)
    model = fit_counts(X, y, 2, expert_columns, gate_columns)
    assert model.score_samples(X, y).sum() == pytest.approx(optimum, abs=1e-4)
    if expert_columns:
        order = assert_lines(
            model,
            [
                [-0.271128, -0.206096, 0.258175, 0.027298],
                [0.981553, -0.150300, 0.102800, 0.033392],
            ],
        )
        log_odds = gate_against(model, order[0], order[1:])
        np.testing.assert_allclose(log_odds, [[-0.967002, -0.610841]], atol=1e-3)


def test_fabricfault():
    """Faults by the logarithm of the length; each expert has a slope of its own."""
    X, y = load("fabricfault")
    model = fit_counts(np.log(X), y, 2)
    assert model.score_samples(np.log(X), y).sum() == pytest.approx(-84.8882, abs=1e-4)


def test_fabricfault_with_an_exposure():
    """A slope that experts share is none of their parameters, but may be given.

    With the published one as the power of an exposure, intercepts, shares and likelihood
    are the published ones.
    """
    X, y = load("fabricfault")
    nothing = np.zeros((len(y), 1))
    exposure = X["Length"].to_numpy() ** 0.79913
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate="constant", likelihood="poisson", random_state=0
    ).fit(nothing, y, exposure=exposure)
    found = model.score_samples(nothing, y, exposure=exposure).sum()
    assert found == pytest.approx(-86.33109, abs=1e-4)
    intercepts = np.array([expert.intercept_ for expert in model.experts_])
    order = np.argsort(intercepts)
    np.testing.assert_allclose(intercepts[order], [-3.12797, -2.36202], atol=1e-3)
    np.testing.assert_allclose(model.gate_.prior_[order], [0.796, 0.204], atol=2e-3)


def test_betablocker():
    """Deaths out of patients; both arms of a centre come from one expert."""
    X, deaths, others = read("betablocker")
    X = (X[["Treatment"]] != "Control").astype(float)
    options = {"trials": others["Total"], "groups": others["Center"]}
    model = MixtureOfExpertsRegressor(
        LogisticRegression(C=np.inf),
        3,
        gate="constant",
        likelihood="binomial",
        random_state=0,
    ).fit(X, deaths, **options)
    found = model.score_samples(X, deaths, **options).sum()
    assert found == pytest.approx(-158.3094802863, abs=1e-4)
    lines = [[*expert.intercept_, *expert.coef_[0]] for expert in model.experts_]
    order = np.argsort([line[0] for line in lines])
    np.testing.assert_allclose(
        np.array(lines)[order],
        [[-2.916349, -0.080476], [-2.247684, -0.262994], [-1.579937, -0.324851]],
        atol=1e-3,
    )
    prior = model.gate_.prior_[order]
    np.testing.assert_allclose(prior, [0.2395, 0.5111, 0.2494], atol=1e-3)
    # 22 groups, and 44 rows: those count.
    assert model.bic(X, deaths, **options) == pytest.approx(346.8925, abs=1e-3)
