"""Generate the table of symptoms in docs/symptoms.md, with what each needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.annotations import handles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runbook_checks.config.runbook import Symptom

HEAD = "| symptom | severity | when | effect | needs | causes |\n|---|---|---|---|---|---|"


def table(texts: Mapping[str, Symptom], checks: Iterable[Any]) -> str:
    """Return the table, with a row for each symptom that has a check."""
    by_symptom = {check.symptom: check for check in checks}
    return HEAD + "\n" + "\n".join(_row(name, texts[name], by_symptom[name]) for name in sorted(by_symptom))


def _row(name: str, text: Symptom, check: Any) -> str:
    needs, causes = ", ".join(needed(check)), ", ".join(text.causes)
    cells = (f"`{name}`<br>{text.title}", text.severity, " ".join(text.when), text.effect, needs, causes)
    return f"| {' | '.join(cells)} |"


def needed(check: Any) -> list[str]:
    """Return the capabilities that a check needs, from its parameters' annotations."""
    lacking = [need for asked in handles_of(check).values() for need in asked.lacking(())]
    return list(dict.fromkeys(" or ".join(f"`{name}`" for name in need.split(" or ")) for need in lacking))
