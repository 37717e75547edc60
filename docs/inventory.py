"""Which symptoms are looked for, and what does each need? The table of docs/symptoms.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.annotations import handles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runbook_checks.config.runbook import Symptom

HEAD = "| symptom | gravest | when | does | needs | causes |\n|---|---|---|---|---|---|"


def table(texts: Mapping[str, Symptom], checks: Iterable[Any]) -> str:
    """A row for each symptom that has a check."""
    by_symptom = {check.symptom: check for check in checks}
    return HEAD + "\n" + "\n".join(_row(name, texts[name], by_symptom[name]) for name in sorted(by_symptom))


def _row(name: str, text: Symptom, check: Any) -> str:
    does = {"read": "reads", "refused": "sends what must be refused", "write": "writes"}[text.effect]
    causes = ", ".join(text.causes)
    needs = ", ".join(needed(check))
    return f"| `{name}`<br>{text.title} | {text.severity} | {' '.join(text.when)} | {does} | {needs} | {causes} |"


def needed(check: Any) -> list[str]:
    """The capabilities that a check asks for by its parameters."""
    lacking = [need for asked in handles_of(check).values() for need in asked.lacking(())]
    return list(dict.fromkeys(" or ".join(f"`{name}`" for name in need.split(" or ")) for need in lacking))
