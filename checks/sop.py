"""Are the standard procedures there when somebody needs them?"""

from __future__ import annotations

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.workspaces import Workspaces


@symptom("sop.missing")
def check_procedures_are_listed(workspaces: Workspaces) -> None:
    """Support works by these procedures; one that is not there is looked for in the middle of an incident."""
    rule = workspaces.settings
    listed = workspaces.listed_sops()
    if rule.sop_keys and not listed:
        # One trouble, not one for each procedure: the list itself has come out empty.
        every = ", ".join(rule.sop_keys)
        raise Found("key-missing", seen=f"{rule.sops} lists none", wanted=every, key=every, list=rule.sops)
    Found.all(found for key in rule.sop_keys if (found := _trouble(workspaces, key, listed)) is not None)


def _trouble(workspaces: Workspaces, key: str, listed: dict[str, object]) -> Found | None:
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
    told = [str(said) for said in (listed[key], detail.get("severity"))]
    if not detail.get("steps"):
        return Found(
            "detail-missing", seen=f"{address} has no steps", wanted="its steps", severity_told=told[1], **evidence
        )
    if set(told) != {rule.sop_severity}:
        seen = f"{key} has severity {told[0]} in the list and {told[1]} in its own document"
        return Found("severity-differs", seen=seen, wanted=rule.sop_severity, severity_told=told[1], **evidence)
    return None
