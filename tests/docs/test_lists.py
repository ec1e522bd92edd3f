"""What is kept by hand is complete: lists of objects and examples, and links."""

import re
from pathlib import Path

import pytest
from public_names import public_objects

ROOT = Path(__file__).parents[2]


def listed_objects():
    """Full names in the autosummaries of the page on the API."""
    room = None
    for line in (ROOT / "docs" / "api" / "index.md").read_text().splitlines():
        if found := re.match(r"\.\. module:: (\S+)", line):
            room = found[1]
        elif found := re.fullmatch(r"   (\w+)", line):
            yield f"{room}.{found[1]}"


def test_api_lists_every_public_object_once():
    assert sorted(listed_objects()) == sorted(public_objects())


def test_gallery_lists_every_example_once():
    page = (ROOT / "examples" / "index.rst").read_text()
    listed = re.findall(r"^   \.\./examples/(plot_\w+\.py)$", page, re.M)
    assert sorted(listed) == sorted(path.name for path in ROOT.glob("examples/*.py"))


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("examples/plot_*.py")), ids=lambda path: path.stem
)
def test_title_of_example_is_a_question(path):
    title, rule = path.read_text().removeprefix("r").removeprefix('"""').split("\n")[1:3]
    assert title.endswith("?")
    assert set(rule) == {"="}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
