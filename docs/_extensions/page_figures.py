"""Figures that the code of a Markdown page draws.

Where ``<!-- figure: what it shows -->`` stands before a block of Python, its figure is
shown below it. All Python of such a page is run, in order, by matplotlib's directive.
"""

import re
from textwrap import indent

BLOCK = re.compile(
    r"^(?P<skip><!-- not run -->\n)?(?:<!-- figure: (?P<alt>.*?) -->\n)?"
    r"```python\n(?P<code>.*?)^```$",
    re.M | re.S,
)


def as_directive(block):
    """The block as matplotlib's directive, which is one of reST."""
    if block["skip"]:
        return block[0]
    shown = f":alt: {block['alt']}" if block["alt"] else ":nofigs:"
    content = f":context: close-figs\n{shown}\n\n{block['code']}"
    return "```{eval-rst}\n.. plot::\n" + indent(content, "   ") + "```"


def run_code(app, docname, source):
    """Let the code of a page with figures be run, before the page is parsed."""
    if "\n<!-- figure: " in source[0]:
        source[0] = BLOCK.sub(as_directive, source[0])


def setup(app):
    app.connect("source-read", run_code)
    return {"parallel_read_safe": True}
