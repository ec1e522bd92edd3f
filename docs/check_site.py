"""Look for links, anchors and pictures of the built site that lead nowhere.

Usage: ``python docs/check_site.py docs/_build/html``. Links to other sites are left to
``make linkcheck``.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.references = {"", "top"}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {
            attributes[name] for name in ("id", "name") if attributes.get(name)
        }
        for name in ("href", "src"):
            if attributes.get(name) is not None:
                self.references.append(attributes[name])
        for candidate in (attributes.get("srcset") or "").split(","):
            if candidate.strip():
                self.references.append(candidate.split()[0])


def pages_of(root):
    """Files of the site's pages; the theme keeps templates among its own files."""
    paths = sorted(root.rglob("*.html"))
    return [path for path in paths if "_static" not in path.relative_to(root).parts]


def broken(root):
    """Each reference of the site at ``root`` that leads nowhere, as (page, reference)."""
    pages = {path.resolve(): Page(path) for path in pages_of(root)}
    for path, page in pages.items():
        for reference in page.references:
            parts = urlsplit(reference)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            anchors = pages[target].anchors if target in pages else {fragment}
            if not target.is_file() or fragment not in anchors:
                yield path, reference


def main(root):
    root = Path(root)
    found = sorted(
        {(str(path.relative_to(root.resolve())), to) for path, to in broken(root)}
    )
    n_pages = len(pages_of(root))
    for page, reference in found:
        print(f"{page}: {reference} leads nowhere")
    print(f"{n_pages} pages, {len(found)} broken references")
    return bool(found) or not n_pages


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
