"""The browser that pages are looked at in: headless Chromium, the machine's own or the toolbox's."""

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
    """A page from disk, at a size, light or dark; an error in its log, or a request to elsewhere, fails the test."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are looked at with playwright")
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
    """What axe finds wrong with the page's accessibility."""
    view.evaluate((from_npm() / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = view.evaluate("async () => (await axe.run()).violations")
    return [f"{entry['id']}: {node['html'][:200]}" for entry in found for node in entry["nodes"]]


def is_too_wide(view: Any) -> bool:
    """Whether the page has to be scrolled sideways."""
    return bool(view.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
