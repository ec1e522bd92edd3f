"""Likelihoods: how an answer is scored.

The likelihood protocol, duck-typed; ``K`` is the number of experts and a prediction has
shape (n_samples, K[, n_outputs or n_classes]):

``log_prob(y, prediction, dispersion)`` -> (n_samples, K)
    Log-density of y under each expert.
``fit_dispersion(y, prediction, weights)``
    Maximum-likelihood dispersions given weights (n_samples, K); None if there are none.
``mean``, ``variance`` ``(prediction, dispersion)``; ``cdf``, ``ppf``, ``rvs``
    Of each expert's density, under scipy.stats' names. The dispersion that these and
    ``log_prob`` are given has a leading axis of experts or, where each row is sent to
    some experts only, axes (n_samples, top_k, ...): it is then that of each row's own
    experts, as the prediction is, of shape (n_samples, top_k[, ...]).
``n_parameters(dispersion)``
    Number of free parameters of the dispersion; None where that is not known.

A likelihood may have, for what is not as for the Gaussian:

``default_expert()``
    What ``experts=None`` stands for, instead of ``LinearRegression()``.
``check_target(y)``
    Raises where y is out of its range, and names the first such row, or where one of its
    own parameters is.
``is_discrete``
    True where ``log_prob`` is a log-probability of integers. Its ``ppf`` is the smallest
    integer with cdf >= q.
``is_positive``
    True where y is positive and continuous.
``expert_weights(y, prediction, dispersion)`` -> (n_samples, K)
    What multiplies the responsibilities with which experts are fitted, given predictions
    and dispersions before the step. It makes experts that minimise squared errors raise
    a likelihood that is not the Gaussian one (EM with weights that are missing, or
    majorisation). Only proportions within an expert matter.
``start_target(y, weights)`` -> y
    y as a start should see it, which knows squared errors only.
``fit_dispersion_model(X, y, prediction, weights)`` -> list of models, one per expert
    With ``dispersion_at(models, X)`` -> (n_samples, K), instead of ``fit_dispersion``
    where dispersions depend on x. The models are what is published; all other methods
    are given the dispersions at the rows in question.
``smallest_dispersion(y, weights)``
    The floor of the dispersions, which becomes ``dispersion_floor_``. Where an expert's
    dispersion is fitted from its own rows only, ``fit_dispersion``, or
    ``fit_dispersion_model``, is given the floor of all rows as ``floor``, if it takes
    this keyword; by default it is None, the floor of the rows given.
``is_tied``
    True where all experts share one dispersion.
``covariances(prediction, dispersion)`` -> ([n_samples, ]n_experts, n_outputs, n_outputs)
    Where outputs may depend on one another given the expert.
``size_name``, ``sized(prediction, dispersion, sizes)``, ``expert_target(y)``
    The keyword of rows' sizes ("exposure", "trials"), what sizes make of predictions and
    dispersions, and what experts are fitted to. While a model is trained, y of such a
    likelihood may have a second column, the sizes.
``check_sizes(sizes)``, ``check_sized_target(y, sizes)``
    Raise where sizes, or y given these, are out of range. A likelihood with the second
    one is always given sizes, of ones if need be.
``is_by_row``
    True where what ``sized`` gives as dispersions has a leading axis of rows.
``experts_classify``
    True where experts are classifiers and a prediction is the probability of class one.
``mixture_crps(y, weights, prediction, dispersion)`` -> (n_samples,)
    Where the continuous ranked probability score of a mixture has a closed form.
``takes_one_output``
    True where y is one column: one of shape (n_samples, 1) is taken with a warning then.
``start_rows(y, weights)`` -> (n_samples,)
    Which rows a start is made of; it gives the others to the nearest expert.
``component``
    Name of one more component besides the experts, in the last column of all arrays,
    which then have K + 1. ``base`` is the likelihood of the experts by themselves,
    ``component_prediction(y)`` the constant that the last column holds, and
    ``starting_share(y, weights, residuals)`` -> (n_samples,) its part of the rows where
    training starts, residuals being those of K linear fits. ``rvs_of_columns(columns,
    n_columns, prediction, dispersion, random_state)`` draws, as columns are not of one
    kind. See ``_extra``.

A likelihood has no state: what is estimated is handed back.
"""

from skmoe.likelihoods._binomial import BinomialLikelihood
from skmoe.likelihoods._categorical import CategoricalLikelihood
from skmoe.likelihoods._dispersions import (
    dispersion_at,
    dispersion_of_pairs,
    fit_dispersion,
    fit_dispersion_of_pairs,
    permuted_dispersion,
    smallest_floor,
)
from skmoe.likelihoods._extra import (
    component_of,
    experts_of,
    likelihood_of_experts,
)
from skmoe.likelihoods._gamma import GammaLikelihood
from skmoe.likelihoods._gaussian import GaussianLikelihood
from skmoe.likelihoods._laplace import LaplaceLikelihood
from skmoe.likelihoods._negative_binomial import NegativeBinomialLikelihood
from skmoe.likelihoods._noise import NoiseLikelihood
from skmoe.likelihoods._poisson import PoissonLikelihood
from skmoe.likelihoods._resolve import check_likelihood
from skmoe.likelihoods._sizes import with_sizes
from skmoe.likelihoods._student_t import StudentTLikelihood
from skmoe.likelihoods._variance_model import VarianceModel
from skmoe.likelihoods._zero_inflated import ZeroInflatedLikelihood

__all__ = [
    "BinomialLikelihood",
    "CategoricalLikelihood",
    "GammaLikelihood",
    "GaussianLikelihood",
    "LaplaceLikelihood",
    "NegativeBinomialLikelihood",
    "NoiseLikelihood",
    "PoissonLikelihood",
    "StudentTLikelihood",
    "VarianceModel",
    "ZeroInflatedLikelihood",
    "check_likelihood",
    "component_of",
    "dispersion_at",
    "dispersion_of_pairs",
    "experts_of",
    "fit_dispersion",
    "fit_dispersion_of_pairs",
    "likelihood_of_experts",
    "permuted_dispersion",
    "smallest_floor",
    "with_sizes",
]
