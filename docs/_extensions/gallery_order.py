"""Examples stand in one order everywhere: that of the gallery's front page."""

from pathlib import Path

from sphinx.errors import ExtensionError

_PAGE = Path(__file__).parents[2] / "examples" / "index.rst"


def position(path):
    """Where the front page names an example."""
    place = _PAGE.read_text(encoding="utf-8").find(Path(path).name)
    if place < 0:
        raise ExtensionError(f"{path}: no section of examples/index.rst names it.")
    return place
