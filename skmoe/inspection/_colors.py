"""One palette for all pictures: an expert has the same colour everywhere."""

import numpy as np

# Okabe & Ito (2008), Color universal design: can be told apart by the colour-blind. Their
# yellow is too light for lines; grey and brown, which differ in lightness, stand in.
_PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7",
    "#56B4E9", "#E69F00", "#7F7F7F", "#8B5A2B",
)  # fmt: skip
#: Lines and text that belong to no expert.
INK = "#333333"
#: Bands and grids that belong to no expert.
NEUTRAL = "#8C8C8C"


def expert_colors(n_experts):
    """Tell the colours of the experts in all pictures, by their numbers.

    Up to eight can be told apart by the colour-blind as well [1]_. More than eight are
    taken from a map of colours, in which neighbours are alike.

    Parameters
    ----------
    n_experts : int
        How many experts there are.

    Returns
    -------
    colors : list of str
        Hexadecimal, such as ``"#0072B2"``.

    See Also
    --------
    GateDisplay, ExpertCurvesDisplay : Pictures that have them.

    References
    ----------
    .. [1] M. Okabe and K. Ito (2008). Color universal design: how to make figures and
       presentations that are friendly to colorblind people.

    Examples
    --------
    >>> from skmoe.inspection import expert_colors
    >>> expert_colors(2)
    ['#0072B2', '#D55E00']
    """
    if n_experts <= len(_PALETTE):
        return list(_PALETTE[:n_experts])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = colormaps["turbo"](np.linspace(0.05, 0.95, n_experts))
    return [to_hex(shade).upper() for shade in shades]


def blended(shares, colors):
    """Colours mixed by shares.

    Parameters
    ----------
    shares : ndarray of shape (..., n_experts)
        That add up to one.
    colors : list of colours of length n_experts

    Returns
    -------
    rgb : ndarray of shape (..., 3)
    """
    from matplotlib.colors import to_rgb

    return np.clip(shares @ np.array([to_rgb(color) for color in colors]), 0, 1)
