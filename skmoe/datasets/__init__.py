"""Generated data whose true density is known."""

from skmoe.datasets._generators import make_moe_classification, make_moe_regression

__all__ = ["make_moe_classification", "make_moe_regression"]
