"""Inspection: what a fitted mixture says, for people to read."""

from skmoe.inspection._export_text import export_text

__all__ = ["export_text"]
