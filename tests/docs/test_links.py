"""The documents' links have a target."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import DOCUMENTS
from tests.harness import PROJECT

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes from a document's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_have_a_target(document: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in LINK.findall(text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), f"{document.name}: {target} does not exist"
        assert not anchor or anchor in anchors(file), f"{document.name}: {target}: no such heading"


def test_every_document_is_linked_to() -> None:
    linked = {
        (document.parent / target.partition("#")[0]).resolve()
        for document in DOCUMENTS
        for target in LINK.findall(document.read_text())
    }
    alone = [
        document.name for document in DOCUMENTS if document.resolve() not in linked and document.name != "README.md"
    ]
    assert not alone, "link to them from README.md"


def test_readme_is_short_and_its_images_are_small() -> None:
    words = (PROJECT / "README.md").read_text().split()
    assert len(words) <= 1000, f"README.md has {len(words)} words: move what is too much to docs/"
    large = [path.name for path in (PROJECT / "docs" / "pictures").glob("*.png") if path.stat().st_size > 200_000]
    assert not large, "make them smaller than 200 kB"
