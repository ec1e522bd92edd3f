"""Tables of what goes with what, made of the cases of a test.

On a page, ``<!-- combinations: linear -->`` becomes the table of these experts, and
``<!-- combinations: notes -->`` what errors say. See ``tests/combinations.py``.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from combinations import COMBINATIONS, EXPERTS, FAMILIES, GATES

PLACE = re.compile(r"^<!-- combinations: (\w+) -->$", re.M)
FITS, FITS_PARTLY = "●", "◐"
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTES = list(dict.fromkeys(c.refusal for c in COMBINATIONS if c.refusal is not None))


def table(expert):
    """Likelihoods by gates, with a mark for each solver in a cell."""
    own = [c for c in COMBINATIONS if c.expert == expert]
    likelihoods = [name for name in FAMILIES if any(c.likelihood == name for c in own)]
    lines = [["likelihood", *GATES], ["---"] * (len(GATES) + 1)]
    for likelihood in likelihoods:
        of_row = [c for c in own if c.likelihood == likelihood]
        lines.append([likelihood, *(_cell(of_row, expert, gate) for gate in GATES)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(combinations, expert, gate):
    own = [c for c in combinations if c.gate == gate]
    marks = (_mark([c for c in own if c.solver == solver]) for solver in EXPERTS[expert])
    return "\N{NO-BREAK SPACE}".join(marks)


def _mark(combinations):
    """Of one solver, dense and with ``top_k``."""
    refusals = {c.refusal for c in combinations} - {None}
    numbers = sorted(NOTES.index(refusal) + 1 for refusal in refusals)
    raised = " ".join(map(str, numbers)).translate(RAISED)
    if not refusals:
        return FITS
    return (
        FITS_PARTLY + raised if any(c.refusal is None for c in combinations) else raised
    )


def notes():
    """What the errors say, numbered."""
    return "\n".join(f"{number}. {note}" for number, note in enumerate(NOTES, start=1))


def fill(text):
    """A page with its tables."""
    return PLACE.sub(
        lambda place: notes() if place[1] == "notes" else table(place[1]), text
    )


def fill_page(app, docname, source):
    """Fill the places of a page before it is parsed."""
    source[0] = fill(source[0])


def setup(app):
    app.connect("source-read", fill_page)
    return {"parallel_read_safe": True}
