"""Pictures are drawn without a screen, and closed."""

import pytest


@pytest.fixture(autouse=True)
def _without_screen():
    plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")
    plt.switch_backend("agg")
    yield
    plt.close("all")
