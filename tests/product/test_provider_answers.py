"""A status page or an API without an answer to the question gives unknown, and neither clear nor a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.hostile.product import DEADLINE_S, Settings, check, outcomes
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer


def component(name: str, status: str = "operational") -> dict[str, Any]:
    return {"id": name.lower(), "name": name, "status": status}


def page(*components: dict[str, Any], incident: dict[str, Any] | None = None) -> dict[str, Any]:
    late = {"name": "Late messages", "impact": "major", "status": "investigating"}
    found = [] if incident is None else [late | incident]
    return {"page": {"url": "https://status.example.com"}, "components": list(components), "incidents": found}


QUEUES, PAGES = component("Queue Service"), component("Pages")
UPDATE = {"affected_components": [{"code": "pages", "name": "Pages"}]}
# The page, the components that matter, the outcome, words of the reason.
STATUS_PAGES: dict[str, tuple[dict[str, Any], list[str], str, str]] = {
    "renamed": (page(component("Queue Service", "major_outage")), ["Queues"], "unknown", "did you mean Queue Service?"),
    "unlike": (page(QUEUES, PAGES), ["Database"], "unknown", "it has Pages, Queue Service"),
    "one-of-two": (page(QUEUES, PAGES), ["Pages", "Queues"], "unknown", "no component Queues"),
    "found-beside": (page(QUEUES, component("Pages", "major_outage")), ["Pages", "Queues"], "found:outage", ""),
    "in-any-case": (page(QUEUES, PAGES), ["queue service"], "clear", ""),
    "in-trouble": (page(component("Queue Service", "degraded_performance")), ["Queue Service"], "found:degraded", ""),
    "another-by-update": (
        page(QUEUES, PAGES, incident={"components": [], "incident_updates": [UPDATE]}), ["Queue Service"], "clear", "",
    ),
    "ours-by-update": (
        page(QUEUES, PAGES, incident={"components": [], "incident_updates": [UPDATE]}), ["Pages"], "found:outage", "",
    ),
    "unattributed": (page(QUEUES, incident={}), ["Queue Service"], "unknown", "without naming its components: Late"),
    "unattributed-all-matter": (page(QUEUES, incident={}), [], "found:outage", ""),
    "resolved": (page(QUEUES, incident={"status": "resolved"}), ["Queue Service"], "clear", ""),
    "postmortem": (page(QUEUES, incident={"status": "postmortem"}), [], "clear", ""),
}  # fmt: skip


def groq(status: str, message: str, code: str = "") -> bytes:
    return document({"error": {"message": message, "code": code}}, status=status)


GROQ = {
    "invalid-key": (groq("401 Unauthorized", "Invalid API Key", "invalid_api_key"), "found:key-rejected"),
    "expired-key": (groq("403 Forbidden", "The API key has expired", "expired_api_key"), "found:key-rejected"),
    "network": (groq("403 Forbidden", "Access denied. Please check your network settings."), "unknown"),
    "model": (groq("403 Forbidden", "The model is blocked", "model_permission_blocked_project"), "unknown"),
    "wall": (document("<html>Attention Required</html>", status="403 Forbidden"), "unknown"),
}


def run(folder: Path, answers: dict[str, bytes], settings: Any, *arguments: str) -> Any:
    (folder / "run").mkdir()
    (folder / "run" / "shop.yaml").write_text("symptoms: {dependency.provider-incident: , dependency.groq-limited: }\n")
    servers = {name: FakeServer(always(answer)) for name, answer in answers.items()}
    try:
        systems: dict[str, Settings] = {
            name: {"runbook": "shop.yaml", "deadline_s": DEADLINE_S} | settings(name, server.__enter__().url)
            for name, server in servers.items()
        }
        return check(folder / "run", systems, *arguments, variables={"GROQ_KEY": "gsk-planted-key"})
    finally:
        for server in servers.values():
            server.__exit__(None, None, None)


def test_status_page_is_attributed_or_unknown(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        {name: document(told) for name, (told, *_) in STATUS_PAGES.items()},
        lambda name, url: {"providers": {"pages": {"Cloud": {"url": url, "components": STATUS_PAGES[name][1]}}}},
        "-m", "dependency",
    )  # fmt: skip
    for name, (_, _, wanted, words) in STATUS_PAGES.items():
        result = ran.of(name)["dependency.provider-incident"]
        assert outcomes(ran.of(name))["dependency.provider-incident"] == wanted, f"{name}\n{ran.output()}"
        assert words in json.dumps(result), f"{name}\n{result}"


def test_only_an_error_about_the_key_is_a_rejected_key(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        {name: answer for name, (answer, _) in GROQ.items()},
        lambda _, url: {"groq": {"key": {"env": "GROQ_KEY"}, "api_url": url, "least_left_percent": None}},
        "-m", "dependency",
    )  # fmt: skip
    got = {name: outcomes(ran.of(name))["dependency.groq-limited"] for name in GROQ}
    assert got == {name: wanted for name, (_, wanted) in GROQ.items()}, ran.output()
