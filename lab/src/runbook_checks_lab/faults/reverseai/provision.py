"""Workspace databases that differ from their records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.accounts import workspace_statements
from runbook_checks_lab.reverseai.names import DATABASE, PRIVILEGES, WORKSPACES, account_of, schema_of
from runbook_checks_lab.reverseai.seeds import at

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

NEW = "e7713b90"  # a workspace that a fault adds
RECORDS, EVENTS = f"{DATABASE}.what_reverse_workspace_databases", f"{DATABASE}.what_reverse_runtime_events"
OLD, OTHER = WORKSPACES[1], WORKSPACES[2]
MINUTE_S = 60.0


def record(
    lab: Lab, status: str, age_s: float, *failures: tuple[float, str, str], still_s: float | None = None
) -> Iterator[None]:
    """Add a record that was last updated `still_s` ago, and events (age, code, message) for its failures."""
    server = system(lab).mariadb
    row = {
        "workspace_id": NEW,
        "db_name": schema_of(NEW),
        "status": status,
        "created_at": at(age_s),
        "updated_at": at(age_s if still_s is None else still_s),
    }
    server.insert(RECORDS, [row])
    events = [
        {
            "event_type": "db.provision.failed",
            "payload_json": json.dumps({"workspace_id": NEW, "code": code, "message": message}),
            "created_at": at(ago_s),
        }
        for ago_s, code, message in failures
    ]
    if events:
        server.insert(EVENTS, events)
    yield
    server.run(
        f"DELETE FROM {RECORDS} WHERE workspace_id = '{NEW}'",  # noqa: S608  constants
        f"DELETE FROM {EVENTS} WHERE event_type = 'db.provision.failed'",  # noqa: S608
    )


@fault("provision.stuck", cause="not-picked-up")
def worker_is_gone(lab: Lab) -> Iterator[None]:
    yield from record(lab, "provisioning", 40 * MINUTE_S)


@fault("provision.stuck", cause="repeated-failure")
def retried_repeatedly(lab: Lab) -> Iterator[None]:
    failures = [(ago * MINUTE_S, "PROVISION_FAILED", "connect ETIMEDOUT 10.0.4.2:3306") for ago in (30, 20, 10)]
    yield from record(lab, "provisioning", 40 * MINUTE_S, *failures)


REASONS = {
    "insufficient-privilege": ("PROVISION_FAILED", "Access denied for user 'reverseai'@'%' to database 'ws_e7713b90'"),
    "user-name-conflict": ("PROVISION_FAILED", "Operation CREATE USER failed for 'wsu_e7713b90'@'%'"),
    "network": ("PROVISION_FAILED", "connect ECONNREFUSED 10.0.4.2:3306"),
    "secret-decryption": ("PROVISION_FAILED", "could not decrypt the workspace's secret: unsupported state"),
    "quota-exceeded": ("QUOTA_EXCEEDED", "db_storage_gb used up"),
}

for _cause, (_code, _message) in REASONS.items():

    @fault("provision.failed", cause=_cause)
    def failed(lab: Lab, code: str = _code, message: str = _message) -> Iterator[None]:
        yield from record(lab, "failed", 20 * MINUTE_S, (19 * MINUTE_S, code, message))


@fault("provision.database-missing", cause="missing")
def database_dropped(lab: Lab) -> Iterator[None]:
    """The account remains, with its grants."""
    server = system(lab).mariadb
    server.run(f"DROP DATABASE {schema_of(OLD)}")
    yield
    server.run(*workspace_statements(OLD)[:2])


@fault("provision.user-missing", cause="user-missing")
def account_dropped(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    server.run(f"DROP USER '{account_of(OLD)}'@'%'")
    yield
    server.run(*workspace_statements(OLD)[2:])


@fault("provision.user-missing", cause="grants-incomplete")
def grants_revoked(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    where = f"ON {schema_of(OTHER)}.*"
    server.run(f"REVOKE ALTER, INDEX {where} FROM '{account_of(OTHER)}'@'%'")
    yield
    server.run(f"GRANT ALTER, INDEX {where} TO '{account_of(OTHER)}'@'%'")


@fault("provision.user-missing", cause="duplicate-user")
def account_there_twice(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    twin = f"'{account_of(OTHER)}'@'10.0.%'"
    server.run(f"CREATE USER {twin}", f"GRANT {', '.join(PRIVILEGES)} ON {schema_of(OTHER)}.* TO {twin}")
    yield
    server.run(f"DROP USER {twin}")


@fault("provision.quota-exceeded", cause="over-quota")
def storage_used_up(lab: Lab) -> None:
    system(lab).service.behaviour.quotas[OLD] = {"used": 10.4, "limit": 10.0}


@fault("provision.quota-exceeded", cause="near-quota")
def storage_nearly_used_up(lab: Lab) -> None:
    system(lab).service.behaviour.quotas[OLD] = {"used": 9.3, "limit": 10.0}


@fault("provision.orphaned", cause="schema-without-record")
def database_left_behind(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    server.run(f"CREATE DATABASE {schema_of(NEW)}")
    yield
    server.run(f"DROP DATABASE {schema_of(NEW)}")


@fault("provision.orphaned", cause="user-without-record")
def account_left_behind(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    server.run(f"CREATE USER '{account_of(NEW)}'@'%'")
    yield
    server.run(f"DROP USER '{account_of(NEW)}'@'%'")
