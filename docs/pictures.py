"""Renew the README's images: the Allure report of a run and the status page, as headless Chromium shows them.

Call it as `make pictures`. It breaks the lab, makes both pages from the results, and replaces
`docs/pictures/*.png`. The status page's 90 days repeat two results documents at different times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import time_machine

from runbook_checks.cli import allure_report
from runbook_checks.monitor import command
from runbook_checks.probes.web import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[1]
PICTURES = PROJECT / "docs" / "pictures"
SYSTEM = "ai-customer-service"
FAULT = "webhook.signature-rejected:secret-mismatch"
WIDTH, HEIGHT = 1280, 800
NOW = datetime(2026, 5, 4, 13, 44, tzinfo=UTC)
ROUND_MIN = 240
# Begin and end of each incident, in minutes before NOW.
INCIDENTS = ((61 * 1440, 61 * 1440 - 960), (23 * 1440, 23 * 1440 - 720), (5 * 1440, 5 * 1440 - 1440))
ENVIRONMENT = {
    "name": "lab",
    "tier": "staging",
    "systems": {SYSTEM: {"http": {"base_url": "https://cs.example.com"}}},
    "monitoring": {"every_min": ROUND_MIN, "page": "page.html"},
}


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clear, broken = run(folder / "clear"), run(folder / "broken", "--fault", FAULT)
        report = allure_report.generate([broken.parent / "allure"], folder / "report", is_single=True)
        page = status_page(folder, *(json.loads(path.read_text()) for path in (clear, broken)))
        with browser() as view:
            view.goto(report.as_uri())
            view.get_by_text("webhook.signature-rejected").first.click()
            view.wait_for_timeout(1500)
            view.screenshot(path=str(PICTURES / "allure.png"))
            view.clock.set_fixed_time(NOW)
            view.goto(page.as_uri())
            view.screenshot(path=str(PICTURES / "status-page.png"))
    return 0


def run(out: Path, *options: str) -> Path:
    """Run the checks against the lab, and return the path of the results document."""
    words = [sys.executable, "-m", "pytest", "--env", "lab", "--system", SYSTEM, "--out", str(out), *options]
    subprocess.run(words, cwd=PROJECT, check=False, stdout=subprocess.DEVNULL)
    return (out / "latest" / "results.json").resolve()


def status_page(folder: Path, clear: dict[str, Any], broken: dict[str, Any]) -> Path:
    """Return the status page of an environment that is broken now, and was clear for 90 days except INCIDENTS."""
    environment, document = folder / "lab.yaml", folder / "results.json"
    environment.write_text(json.dumps(ENVIRONMENT))
    with time_machine.travel(NOW, tick=False) as clock, redirect_stdout(StringIO()):
        for before in range(90 * 1440, -1, -ROUND_MIN):
            clock.move_to(NOW - timedelta(minutes=before))
            is_broken = before < 2 * ROUND_MIN or any(begin >= before > end for begin, end in INCIDENTS)
            document.write_text(json.dumps(broken if is_broken else clear))
            command.main([str(environment), "--state", str(folder / "state"), "--document", str(document)])
    return folder / "page.html"


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = chromium.find()
    quiet = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=found.path, args=quiet, env={**found.environment})
        yield launched.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        launched.close()


if __name__ == "__main__":
    sys.exit(main())
