"""Open pages in headless Chromium, from PATH or from the toolbox."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.web.chromium import find
from tests.ci.tools import from_npm

if TYPE_CHECKING:
    from collections.abc import Iterator

LAPTOP, PHONE = (1366, 768), (390, 844)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextmanager
def shown(page: Path, size: tuple[int, int] = LAPTOP, scheme: str = "light") -> Iterator[Any]:
    """Open a page from disk, at a size, light or dark; a console error or a request to another host fails the test."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are opened with playwright")
    try:
        chromium = find()
    except NoReading as missing:
        pytest.skip(str(missing))
    errors: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium.path, args=QUIET, env=chromium.environment)
        view = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        view.on("pageerror", lambda error: errors.append(str(error)))
        view.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        view.on("request", lambda asked: errors.append(asked.url) if not asked.url.startswith(_LOCAL) else None)
        view.goto(page.as_uri())
        yield view
        browser.close()
    assert errors == []


_LOCAL = ("file:", "data:", "blob:")


def violations(view: Any) -> list[str]:
    """Return axe's accessibility violations of the page."""
    view.evaluate((from_npm() / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = view.evaluate("async () => (await axe.run()).violations")
    return [f"{entry['id']}: {node['html'][:200]}" for entry in found for node in entry["nodes"]]


def is_too_wide(view: Any) -> bool:
    """Whether the page needs horizontal scrolling."""
    return bool(view.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
