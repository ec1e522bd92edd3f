"""Inspection: what a fitted mixture says, for people to read and to look at."""

from skmoe.inspection._coefficients import CoefficientsDisplay
from skmoe.inspection._colors import expert_colors
from skmoe.inspection._convergence import ConvergenceDisplay
from skmoe.inspection._criteria import InformationCriteriaDisplay
from skmoe.inspection._density_fan import DensityFanDisplay
from skmoe.inspection._expert_curves import ExpertCurvesDisplay
from skmoe.inspection._export_text import export_text
from skmoe.inspection._gate_display import GateDisplay
from skmoe.inspection._load import ExpertLoadDisplay
from skmoe.inspection._pit import PITDisplay
from skmoe.inspection._report import expert_report
from skmoe.inspection._responsibilities import ResponsibilitiesDisplay
from skmoe.inspection._routing import RoutingDisplay
from skmoe.inspection._unwrap import unwrap

__all__ = [
    "CoefficientsDisplay",
    "ConvergenceDisplay",
    "DensityFanDisplay",
    "ExpertCurvesDisplay",
    "ExpertLoadDisplay",
    "GateDisplay",
    "InformationCriteriaDisplay",
    "PITDisplay",
    "ResponsibilitiesDisplay",
    "RoutingDisplay",
    "expert_colors",
    "expert_report",
    "export_text",
    "unwrap",
]
