"""From the ``likelihood`` parameter to a likelihood."""

from skmoe.likelihoods._binomial import BinomialLikelihood
from skmoe.likelihoods._gamma import GammaLikelihood
from skmoe.likelihoods._gaussian import GaussianLikelihood
from skmoe.likelihoods._laplace import LaplaceLikelihood
from skmoe.likelihoods._negative_binomial import NegativeBinomialLikelihood
from skmoe.likelihoods._poisson import PoissonLikelihood
from skmoe.likelihoods._student_t import StudentTLikelihood

_NAMED = {
    "binomial": BinomialLikelihood,
    "gamma": GammaLikelihood,
    "gaussian": GaussianLikelihood,
    "laplace": LaplaceLikelihood,
    "negative_binomial": NegativeBinomialLikelihood,
    "poisson": PoissonLikelihood,
    "student_t": StudentTLikelihood,
}


def check_likelihood(likelihood):
    """Return the likelihood object of the ``likelihood`` parameter.

    Parameters
    ----------
    likelihood : str or likelihood
        A name, such as "gaussian", or an object.

    Returns
    -------
    likelihood : likelihood
        The object that the name stands for, with its defaults, or the object given.

    Raises
    ------
    ValueError
        If the name is unknown, or the object has no ``fit_dispersion``.

    See Also
    --------
    skmoe.MixtureOfExpertsRegressor : Whose parameter it is.

    Examples
    --------
    >>> from skmoe.likelihoods import check_likelihood
    >>> check_likelihood("student_t")
    StudentTLikelihood()
    """
    if isinstance(likelihood, str) and likelihood in _NAMED:
        return _NAMED[likelihood]()
    if not isinstance(likelihood, type) and hasattr(likelihood, "fit_dispersion"):
        return likelihood
    raise ValueError(
        f"likelihood: {likelihood!r} is unknown; use one of {sorted(_NAMED)} or an "
        "object with log_prob and fit_dispersion."
    )
