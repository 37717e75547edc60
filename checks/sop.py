"""Whether the standard operating procedures are available."""

from __future__ import annotations

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.workspaces import Workspaces


@symptom("sop.missing")
def check_procedures_are_listed(workspaces: Workspaces) -> None:
    """Support follows these procedures; a missing one delays the response to an incident."""
    rule = workspaces.settings
    listed = workspaces.listed_sops()
    if rule.sop_keys and not listed:
        # One finding, not one for each procedure, since the list itself is empty.
        every = ", ".join(rule.sop_keys)
        raise Found("key-missing", seen=f"{rule.sops} is empty", wanted=every, key=every, list=rule.sops)
    Found.all(found for key in rule.sop_keys if (found := _finding(workspaces, key, listed)) is not None)


def _finding(workspaces: Workspaces, key: str, listed: dict[str, object]) -> Found | None:
    rule = workspaces.settings
    address = f"{rule.sops}/{key}"
    evidence = {"subject": key, "key": key, "list": rule.sops, "address": address, "wanted_severity": rule.sop_severity}
    if key not in listed:
        seen = f"{rule.sops} lists {', '.join(listed)}"
        return Found("key-missing", seen=seen, wanted=f"{key} among them", severity_told="none", **evidence)
    try:
        detail = workspaces.document(address)
    except NoReading as silence:
        if silence.kind != "http-404":
            raise
        return Found("detail-missing", seen=silence.reason, wanted="its steps", severity_told="none", **evidence)
    severities = [str(value) for value in (listed[key], detail.get("severity"))]
    evidence["severity_told"] = severities[1]
    if not detail.get("steps"):
        return Found("detail-missing", seen=f"{address} has no steps", wanted="its steps", **evidence)
    if set(severities) != {rule.sop_severity}:
        seen = f"{key} has severity {severities[0]} in the list and {severities[1]} in its own document"
        return Found("severity-differs", seen=seen, wanted=rule.sop_severity, **evidence)
    return None
