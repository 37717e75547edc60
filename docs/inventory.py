"""Which symptoms are looked for, and what does each need? The table of docs/symptoms.md."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from runbook_checks.handles import HANDLES

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
    handles = [HANDLES[name] for name in inspect.signature(check).parameters if name in HANDLES]
    words = [f"`{need}`" for handle in handles for need in handle.needs]
    words += [" or ".join(f"`{need}`" for need in handle.one_of) for handle in handles if handle.one_of]
    return list(dict.fromkeys(words))
