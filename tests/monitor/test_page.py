"""The status page shows what happened, on a laptop and on a phone, light and dark, and accessibly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ci.browser import LAPTOP, PHONE, is_too_wide, shown, violations
from tests.harness import SYSTEM
from tests.monitor.stage import MIDNIGHT, Stage, Trouble

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 60
DATABASE = f"database.unreachable[{SYSTEM}]"
SCRIPT = [
    Trouble("database.unreachable", 10 * DAY, 10 * DAY + 40, cause="connection-refused"),
    Trouble("health.slow", 30 * DAY, 31 * DAY, subject="<b>not bold</b>"),
    Trouble("migration.missing", 50 * DAY, 51 * DAY, unknown="postgres"),
    Trouble("health.unreachable", 89 * DAY + 600, 90 * DAY),
    Trouble("health.degraded", 89 * DAY + 600, 90 * DAY, explained_by=f"health.unreachable[{SYSTEM}]"),
    Trouble("backup.stale", 89 * DAY, 90 * DAY),
]


MADE: list[str] = []  # the page's text, once it is made


@pytest.fixture
def page(stage: Stage) -> Path:
    """The page after 90 days, with a run every 20 minutes during incidents."""
    page = stage.folder / "status" / "index.html"
    if not MADE:
        make(stage, page)
        MADE.append(page.read_text())
    page.parent.mkdir(exist_ok=True)
    page.write_text(MADE[0])
    return page


def make(stage: Stage, page: Path) -> None:
    stage.environment["monitoring"] |= {
        "every_min": 20,
        "page": "status/index.html",
        "availability_percent": {SYSTEM: 99.9},
        "channels": {},
        "severities": {name: {"after": 2, "of": 3, "clear_after": 2} for name in ("P0", "P1", "P2")},
        "roles": {},
    }
    stage.write()
    stage.know(acknowledged=[{"symptom": "backup.*", "reason": "the host moves", "until": "2026-12-31", "by": "lee"}])
    for minute in range(0, 90 * DAY, 20):
        quiet = minute % DAY and not any(t.begins - 120 <= minute <= t.ends + 120 for t in SCRIPT)
        if not quiet and (minute < 89 * DAY or minute % 60 == 0 or minute > 90 * DAY - 120):
            stage.go(minute, SCRIPT)
    assert page.exists()


def test_page_shows_the_present_and_the_past(page: Path) -> None:
    text = page.read_text()
    assert "1 open: 1 P0." in text, "acknowledged incidents are not counted"
    assert f"health.unreachable[{SYSTEM}]" in text
    assert "Explains 1 other result: P1 health.degraded" in text
    assert "Acknowledged until 2026-12-31 by lee: the host moves" in text
    assert "<b>not bold</b>" not in text
    assert "&lt;b&gt;not bold&lt;/b&gt;" in text
    assert "migration.missing, 90 days: unknown on 1" in text
    assert "(missed)" in text
    assert "lasted 40 min, resolved" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_page_is_accessible(page: Path, size: tuple[int, int], scheme: str) -> None:
    with shown(page, size, scheme) as view:
        assert violations(view) == []
        assert not is_too_wide(view)
        bar = view.locator("svg").first.bounding_box()
        assert bar["width"] > size[0] / 2
        view.locator("summary").first.click()
        assert violations(view) == []


def test_page_shows_by_itself_that_it_is_stale(page: Path) -> None:
    text = page.read_text()
    with shown(page) as view:
        assert "Last check" in view.locator("#state").inner_text(), "the test's clock is not the browser's"
    made = text.partition('data-made="')[2].partition('"')[0]
    assert int(made) >= MIDNIGHT.timestamp()
