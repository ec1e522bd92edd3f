"""The code of README and pages runs, one page after the other as a reader would."""

import doctest
import re
import shutil
from pathlib import Path

import pytest

from skmoe._sklearn_compat import HAS_CALLBACKS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md"] + sorted(
    page
    for page in DOCS.rglob("*.md")
    if not {"_build", "auto_examples"} & set(page.relative_to(DOCS).parts)
)
# "<!-- not run -->" stands before a block that needs what is not here. What can be made,
# such as a file, a block makes that is a comment, and not shown.
BLOCK = re.compile(
    r"^(?P<skip><!-- not run -->\n)?(?:```python|<!-- python)\n"
    r"(?P<code>.*?)^(?:```|-->)$",
    re.M | re.S,
)


def blocks(page):
    """First line and code of each block that is to run."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if not found["skip"]:
            line = text.count("\n", 0, found.start("code"))
            yield line, found["code"]


def run_doctest(code, names, page, line):
    """Run lines with prompts; what they print must be what is written below them."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
    printed = []
    runner = doctest.DocTestRunner(optionflags=flags)
    runner.run(test, out=printed.append, clear_globs=False)
    assert not printed, "".join(printed)
    names.update(test.globs)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="pages are about current versions")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(blocks(page))], ids=lambda page: page.stem
)
def test_code_of_page(page, tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    # It is what a script calls at the end; here there is no screen.
    monkeypatch.setattr(plt, "show", lambda: None)
    for table in DOCS.glob("data/*.csv"):
        shutil.copy(table, tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for line, code in blocks(page):
        if code.startswith(">>>"):
            run_doctest(code, names, page, line)
        else:
            # The file name and lines of the page are what a traceback shows.
            exec(compile("\n" * line + code, page, "exec"), names)
    plt.close("all")
