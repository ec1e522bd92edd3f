"""The tables of what goes with what."""

from importlib import import_module
from pathlib import Path

import pytest
from combinations import COMBINATIONS, EXPERTS, GATES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_extensions")
    return import_module("combinations_table")


@pytest.mark.parametrize("expert", EXPERTS)
def test_table_counts_what_fits(tables, expert):
    own = [c for c in COMBINATIONS if c.expert == expert]
    table = tables.table(expert)
    assert table.splitlines()[0] == f"| likelihood | {' | '.join(GATES)} |"
    assert len(table.splitlines()) == 2 + len({c.likelihood for c in own})
    # Dense and with top_k are one mark.
    marked = 2 * table.count(tables.FITS) + table.count(tables.FITS_PARTLY)
    assert marked == sum(c.refusal is None for c in own)
    for number, note in enumerate(tables.NOTES, start=1):
        marks = {(c.gate, c.likelihood, c.solver) for c in own if c.refusal == note}
        assert table.count(str(number).translate(tables.RAISED)) == len(marks)


def test_page_has_all_tables_and_notes(tables):
    page = (DOCS / "user_guide" / "combinations.md").read_text(encoding="utf-8")
    assert set(tables.PLACE.findall(page)) == {*EXPERTS, "notes"}
    filled = tables.fill(page)
    assert not tables.PLACE.search(filled)
    assert all(note in filled for note in tables.NOTES)
