"""Workspaces' databases: whether records, schemas, accounts and quotas match."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from runbook_checks import Found, symptom
from runbook_checks.handles.provisioning import Provisioning
from runbook_checks.handles.tables import first_fit, in_path
from runbook_checks.handles.workspaces import Workspaces

if TYPE_CHECKING:
    from collections.abc import Iterator


@symptom("provision.stuck")
def check_no_database_is_stuck(provisioning: Provisioning) -> None:
    """The user who created the workspace waits for its database, without an error message."""
    failures = provisioning.failures()
    limit_s = provisioning.settings.stuck_min * 60
    Found.all(
        _stuck(provisioning, record, failures.get(record["workspace"], []))
        for record in provisioning.records()
        if record["status"] == "provisioning"
        if record["still_s"] > limit_s or (record["age_s"] > limit_s and len(failures.get(record["workspace"], [])) > 1)
    )


def _stuck(provisioning: Provisioning, record: dict[str, Any], failures: list[dict[str, Any]]) -> Found:
    workspace, waits_s = record["workspace"], record["still_s"] if not failures else record["age_s"]
    tried = (
        f"{len(failures)} attempts failed, the last with: {failures[0]['said']}" if failures else "no attempt was made"
    )
    return Found(
        "repeated-failure" if failures else "not-picked-up",
        seen=f"the database of {workspace} has been in provisioning for {waits_s / 60:.0f} min; {tried}",
        wanted=f"ready within {provisioning.settings.stuck_min:g} min",
        subject=workspace,
        workspace=in_path(workspace),
        waits_min=round(waits_s / 60),
        failures=len(failures),
        message=failures[0]["said"] if failures else "none",
        api=provisioning.api,
    )


@symptom("provision.failed")
def check_no_database_has_failed(provisioning: Provisioning) -> None:
    """A workspace without its database cannot store data."""
    failures = provisioning.failures()
    records = provisioning.records()
    ready = {r["workspace"]: r["still_s"] for r in records if r["status"] == "ready"}
    waiting = {r["workspace"] for r in records if r["status"] == "provisioning"}
    failed = {r["workspace"]: r["still_s"] for r in records if r["status"] == "failed"}
    for workspace, events in failures.items():
        # A database that became ready afterwards is fixed; provision.stuck judges those in progress.
        if workspace not in waiting and ready.get(workspace, inf) > events[0]["age_s"]:
            failed.setdefault(workspace, events[0]["age_s"])
    Found.all(_failed(provisioning, *entry, failures.get(entry[0], [])) for entry in failed.items())


def _failed(provisioning: Provisioning, workspace: str, since_s: int, events: list[dict[str, Any]]) -> Found:
    said = events[0]["said"] if events else ""
    return Found(
        first_fit(provisioning.settings.causes, said),
        seen=f"the database of {workspace} failed {since_s / 60:.0f} min ago: {said or 'no event gives a reason'}",
        wanted="a ready database",
        subject=workspace,
        workspace=in_path(workspace),
        message=said or "no event gives a reason",
        failures=len(events),
        account=provisioning.account_of(workspace),
        database=provisioning.schema_of(workspace),
        api=provisioning.api,
    )


@symptom("provision.database-missing")
def check_ready_databases_exist(provisioning: Provisioning) -> None:
    """If the record is ready but the database does not exist, every query fails."""
    there = provisioning.schemas()
    Found.all(
        Found(
            "missing",
            seen=f"the record of {record['workspace']} is ready, but the server has no database {record['name']}",
            wanted=f"a database {record['name']}",
            subject=record["workspace"],
            workspace=in_path(record["workspace"]),
            database=record["name"],
            api=provisioning.api,
        )
        for record in provisioning.records()
        if record["status"] == "ready" and record["name"] not in there
    )


@symptom("provision.user-missing")
def check_ready_databases_have_their_account(provisioning: Provisioning) -> None:
    """Without its account or its grants, a workspace cannot use its own database."""
    hosts, granted = provisioning.hosts(), provisioning.granted()
    Found.all(
        found
        for record in provisioning.records()
        if record["status"] == "ready"
        for found in _account_findings(provisioning, record["workspace"], hosts, granted)
    )


def _account_findings(
    provisioning: Provisioning,
    workspace: str,
    hosts: dict[str, list[str]],
    granted: dict[tuple[str, str], set[str]],
) -> Iterator[Found]:
    account, database = provisioning.account_of(workspace), provisioning.schema_of(workspace)
    places, wanted = sorted(hosts.get(account, [])), provisioning.settings.privileges
    lacking = [word for word in wanted if not all(word in granted.get((account, host), set()) for host in places)]
    evidence = {
        "subject": workspace,
        "workspace": in_path(workspace),
        "account": account,
        "database": database,
        "hosts": ", ".join(places) or "none",
        "host": places[0] if places else "%",
        "lacking": ", ".join(lacking) or "none",
        "privileges": ", ".join(wanted),
        "api": provisioning.api,
    }
    if not places:
        seen = f"the server has no account {account}, although its database is ready"
        yield Found("user-missing", seen=seen, wanted=f"an account {account}", **evidence)
        return
    if len(places) > 1:
        seen = f"{account} exists {len(places)} times, for {', '.join(places)}"
        yield Found("duplicate-user", seen=seen, wanted="one account, for one host pattern", **evidence)
    if lacking:
        seen = f"{account} lacks {', '.join(lacking)} on {database}"
        yield Found("grants-incomplete", seen=seen, wanted=", ".join(wanted), **evidence)


@symptom("provision.quota-exceeded")
def check_storage_is_left(workspaces: Workspaces) -> None:
    """A workspace without free storage cannot write data or get another database."""
    Found.all(_quota(workspaces, *entry) for entry in workspaces.quotas() if _is_scarce(workspaces, *entry[1:]))


def _is_scarce(workspaces: Workspaces, used: float, limit: float) -> bool:
    return 100 * used >= limit * workspaces.near_percent


def _quota(workspaces: Workspaces, workspace: str, used: float, limit: float) -> Found:
    is_over = used >= limit
    return Found(
        "over-quota" if is_over else "near-quota",
        seen=f"{workspace} uses {used:g} of {limit:g} GB",
        wanted=f"less than {workspaces.near_percent:g} %",
        subject=workspace,
        severity=None if is_over else "P3",
        workspace=in_path(workspace),
        used_gb=f"{used:g}",
        limit_gb=f"{limit:g}",
        percent=round(100 * used / limit) if limit else 100,
        api=workspaces.url,
    )


@symptom("provision.orphaned")
def check_nothing_is_left_over(provisioning: Provisioning) -> None:
    """A database or account without a record costs money, may leak data, and blocks its name."""
    known = {record["workspace"] for record in provisioning.records()}
    names = {record["name"] for record in provisioning.records()}
    schemas = sorted(provisioning.schemas() - names - {provisioning.schema_of(w) for w in known})
    accounts = sorted(set(provisioning.hosts()) - {provisioning.account_of(w) for w in known})
    Found.all(
        Found(
            cause,
            seen=f"the server has {kind} {name}, but there is no record of that workspace",
            wanted="a record for each, or none of either",
            subject=name,
            name=name,
        )
        for cause, kind, left in (
            ("schema-without-record", "a database", schemas),
            ("user-without-record", "an account", accounts),
        )
        for name in left
    )
