"""A Sphinx extension that mends what the theme and docutils write.

- The theme brings its icons as a font and as a script of 1.6 MB; the font is enough.
- docutils calls the bibliography a list, but not its entries list items; MyST-NB names
  the button of a hidden cell other than it reads. Screen readers stumble over both.
- A line may break between a number and its percent sign, which stay together here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes

MENDS = (
    (
        re.compile(
            r"\s*<(script|link)[^>]*scripts/fontawesome\.js[^>]*>(</script>)?"
        ),
        "",
    ),
    (
        re.compile(r'<div role="list" class="citation-list">'),
        '<div class="citation-list">',
    ),
    (
        re.compile(r'<summary aria-label="Toggle hidden content">'),
        "<summary>",
    ),
)
"""What is looked for in every page, and what takes its place."""


def mend_pages(app: Any, exception: Exception | None) -> None:
    """Mend every page that was written."""
    if exception is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = mended = page.read_text(encoding="utf-8")
        for pattern, replacement in MENDS:
            mended = pattern.sub(replacement, mended)
        if mended != text:
            page.write_text(mended, encoding="utf-8")


def keep_percent_signs(
    app: Any, doctree: nodes.document, docname: str
) -> None:
    """Keep each percent sign in prose with its number; code stays as it is."""
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(
            text.parent, (nodes.literal, nodes.literal_block, nodes.raw)
        ):
            continue
        kept = re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)
        if kept != text:
            text.parent.replace(text, nodes.Text(kept))


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", keep_percent_signs)
    app.connect("build-finished", mend_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
