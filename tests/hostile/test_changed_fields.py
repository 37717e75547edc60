"""Healthy services of which every JSON response is changed in one place: no check crashes on it."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.harness import PROJECT, started_lab
from tests.hostile.product import check, must_be_orderly
from tests.misbehaving.field_changer import field_changer
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

SYSTEMS = ("ai-customer-service", "reverseai", "aura-flow", "sales-ai")
# The sources that are read over HTTP; other protocols have their own tests.
OVER_HTTP = ("http", "web", "auth", "ai", "prometheus", "logs", "workspaces", "abuse", "queue", "slack", "slack_bot",
             "groq", "providers", "backups", "rollback", "webhook")  # fmt: skip
VARIANTS = int(os.environ.get("CHANGED_VARIANTS", "3"))  # more when run by hand
DEADLINE_S = 8.0


def twisted(settings: dict[str, Any], variables: dict[str, str], number: int, stack: ExitStack) -> dict[str, Any]:
    """Return a system's settings, with a changing proxy in front of every address."""

    def seen(value: Any) -> Any:
        if isinstance(value, list):
            return [seen(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        url = variables.get(str(value.get("env")), "") if set(value) == {"env"} else ""
        if url.startswith("http"):
            return stack.enter_context(FakeServer(field_changer(url, number))).url
        return {name: seen(entry) for name, entry in value.items()}

    return {name: seen(value) for name, value in settings.items() if name in OVER_HTTP}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_check_crashes_on_a_changed_field(tmp_path: Path) -> None:
    lab_file = yaml.safe_load((PROJECT / "environments" / "lab.yaml").read_text())
    with ExitStack() as stack:
        lab = stack.enter_context(started_lab(tmp_path, *SYSTEMS))
        systems = {}
        for name in SYSTEMS:
            for number in range(VARIANTS):
                made = twisted(lab_file["systems"][name], lab.variables, 1009 * number, stack)
                made["logs"] = {key: value for key, value in made.get("logs", {}).items() if key == "loki"} or None
                if name == "reverseai":
                    made["workspaces"] = {"ids": ["a71c05e2"], "recover": ["a71c05e2"]}
                made["runbook"] = str(PROJECT / "runbooks" / f"{name}.yaml")
                whole = {"deadline_s": DEADLINE_S, **{key: value for key, value in made.items() if value}}
                systems[f"{name}-{number}"] = whole
        ran = check(
            tmp_path / "run", systems, "-m", "not drill and not contract and not preflight", "-k",
            "not browser and not slowed and not taken", effects="write", variables=lab.variables, timeout_s=240,
        )  # fmt: skip
    must_be_orderly(ran, deadline_s=120, at_most_s=200, max_rss_kib=512 << 10)
    # Some responses were changed, and some were not.
    seen = Counter(result["outcome"] for result in ran.document["results"])
    assert min(seen["clear"], seen["found"], seen["unknown"]) > 5 * VARIANTS, seen
