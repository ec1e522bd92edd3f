"""Every combination of parts either fits, or an error says what to change."""

from functools import cache

import numpy as np
import pytest
from combinations import COMBINATIONS, FAMILIES, X

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* did not converge in max_iter=3"),
    pytest.mark.filterwarnings("ignore:experts. .* ended with less than"),
    pytest.mark.filterwarnings("ignore:the held-out log-likelihood per row"),
]
# Nats per row by which a mixture, after so few iterations, may be worse than one expert.
SLACK = 0.1
FEW = slice(0, None, 50)


def cases(is_refused):
    combinations = [c for c in COMBINATIONS if (c.refusal is not None) == is_refused]
    return {"argvalues": combinations, "ids": map(str, combinations)}


@cache
def log_likelihood_of_one_expert(likelihood, expert):
    family = FAMILIES[likelihood]
    solver = "gradient" if expert == "partial_fit" else "em"
    model = family.fit(1, expert, solver=solver)
    return model.score_samples(X, family.target, **family.sizes).mean()


def sum_of_probabilities(model, family):
    """Over all values of y, for a few rows."""
    if family.likelihood is None:
        return model.predict_proba(X[FEW]).sum(axis=1)
    sizes = {name: values[FEW] for name, values in family.sizes.items()}
    density = model.predict_distribution(X[FEW], **sizes)
    n_rows, reach = len(density), np.ptp(family.target)
    if family.is_discrete:
        values = np.arange(100 * reach)
        told = density[np.repeat(np.arange(n_rows), len(values))]
        return told.pmf(np.tile(values, n_rows)).reshape(n_rows, -1).sum(axis=1)
    low = 0.0 if family.is_positive else family.target.min() - reach
    values = np.linspace(low, family.target.max() + reach, 4001)[1:]
    told = density[np.repeat(np.arange(n_rows), len(values))]
    pdf = told.pdf(np.tile(values, n_rows)).reshape(n_rows, -1)
    beyond = density.cdf(values[0]) + 1 - density.cdf(values[-1])
    return beyond + ((pdf[:, 1:] + pdf[:, :-1]) / 2 @ np.diff(values))


@pytest.mark.parametrize("combination", **cases(is_refused=False))
def test_fits(combination):
    family = combination.family
    model = combination.fit()
    log_likelihood = model.score_samples(X, family.target, **family.sizes)
    assert log_likelihood.shape == family.target.shape
    assert np.isfinite(log_likelihood).all()
    # Experts with rows of their own know nothing of those that a constant gate mixes in.
    shares_rows = ("linear", "em", "dense")
    own = (combination.expert, combination.solver, combination.routing)
    if combination.gate != "constant" or own == shares_rows:
        alone = log_likelihood_of_one_expert(combination.likelihood, combination.expert)
        assert log_likelihood.mean() > alone - SLACK
    prediction = model.predict(X, **family.sizes)
    assert prediction.shape == family.target.shape
    if family.likelihood is not None:
        assert np.isfinite(prediction).all()
    np.testing.assert_allclose(sum_of_probabilities(model, family), 1.0, atol=2e-3)


@pytest.mark.parametrize("combination", **cases(is_refused=True))
def test_says_what_to_change(combination):
    with pytest.raises(
        ValueError, match=r"^(gate|experts|likelihood|top_k=2): .* use "
    ) as caught:
        combination.fit()
    assert str(caught.value) == combination.refusal
