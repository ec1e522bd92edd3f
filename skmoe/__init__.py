"""Mixtures of experts as scikit-learn estimators."""

from skmoe._checkpoint import Checkpoint
from skmoe._classifier import MixtureOfExpertsClassifier
from skmoe._hard_router import HardRouterClassifier, HardRouterRegressor
from skmoe._mixture import ConditionalMixture
from skmoe._regressor import MixtureOfExpertsRegressor

__version__ = "0.1.0.dev0"

#: Types of this package in a fitted model, for ``skops.io.load(..., trusted=...)`` and
#: for mlflow. Types of your own experts come on top.
TRUSTED_TYPES = [
    "skmoe._classifier.MixtureOfExpertsClassifier",
    "skmoe._hard_router.HardRouterClassifier",
    "skmoe._hard_router.HardRouterRegressor",
    "skmoe._regressor.MixtureOfExpertsRegressor",
    "skmoe.gates._classifier.ClassifierGate",
    "skmoe.gates._constant.ConstantGate",
    "skmoe.gates._gaussian.GaussianGate",
    "skmoe.gates._hierarchical.HierarchicalGate",
    "skmoe.gates._softmax.SoftmaxGate",
    "skmoe.likelihoods._binomial.BinomialLikelihood",
    "skmoe.likelihoods._categorical.CategoricalLikelihood",
    "skmoe.likelihoods._gamma.GammaLikelihood",
    "skmoe.likelihoods._gaussian.GaussianLikelihood",
    "skmoe.likelihoods._laplace.LaplaceLikelihood",
    "skmoe.likelihoods._negative_binomial.NegativeBinomialLikelihood",
    "skmoe.likelihoods._noise.NoiseLikelihood",
    "skmoe.likelihoods._poisson.PoissonLikelihood",
    "skmoe.likelihoods._student_t.StudentTLikelihood",
    "skmoe.likelihoods._variance_model.VarianceModel",
    "skmoe.likelihoods._zero_inflated.ZeroInflatedLikelihood",
]

__all__ = [
    "TRUSTED_TYPES",
    "Checkpoint",
    "ConditionalMixture",
    "HardRouterClassifier",
    "HardRouterRegressor",
    "MixtureOfExpertsClassifier",
    "MixtureOfExpertsRegressor",
    "__version__",
]
