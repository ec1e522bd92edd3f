"""From the ``likelihood`` parameter to a likelihood."""

from skmoe.likelihoods._gamma import GammaLikelihood
from skmoe.likelihoods._gaussian import GaussianLikelihood
from skmoe.likelihoods._poisson import PoissonLikelihood

_NAMED = {
    "gamma": GammaLikelihood,
    "gaussian": GaussianLikelihood,
    "poisson": PoissonLikelihood,
}


def check_likelihood(likelihood):
    """Return the likelihood object of the ``likelihood`` parameter."""
    if isinstance(likelihood, str) and likelihood in _NAMED:
        return _NAMED[likelihood]()
    if not isinstance(likelihood, type) and hasattr(likelihood, "fit_dispersion"):
        return likelihood
    raise ValueError(
        f"likelihood: {likelihood!r} is unknown; use one of {sorted(_NAMED)} or an "
        "object with log_prob and fit_dispersion."
    )
