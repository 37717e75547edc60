"""List backups, judge dumps and try to restore one."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.locations import state_folder
from runbook_checks.output import files
from runbook_checks.probes.core.reading import NoReading, reading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.backups.dumps import DumpFacts
    from runbook_checks.probes.backups.inventory import Backup, Dumps, Source
    from runbook_checks.probes.backups.restore import Restored
    from runbook_checks.probes.backups.scratch_server import Scratch
    from runbook_checks.probes.providers.object_storage import Bucket

RECORD = state_folder() / "drills.json"


class Backups(Handle):
    """Every place of backups that is configured."""

    needs = ("backups",)
    libraries = ("runbook_checks.probes.http.transport", "runbook_checks.probes.backups.inventory")
    settings: capabilities.Backups

    def sources(self) -> list[Source]:
        """All places, those of dumps first."""
        found: list[Source] = [*self.dumps(), *self._branches()]
        if self.settings.workspaces:
            found += self._of_workspaces()
        elif not found:
            what = "no backups are configured: set backups.folder, bucket, neon or workspaces"
            raise NoReading("backups", what, kind="no-source")
        return found

    def dumps(self) -> list[Dumps]:
        """The places whose backups are files."""
        from runbook_checks.probes.backups.inventory import Folder, InBucket

        rule = self.settings
        found: list[Dumps] = []
        if (folder := self.bound.path(rule.folder, "backups")) is not None:
            found.append(Folder(folder, rule.pattern))
        if rule.bucket is not None:
            found.append(InBucket(self._bucket(rule.bucket), rule.bucket.prefix, rule.pattern))
        return found

    def _bucket(self, rule: capabilities.BackupBucket) -> Bucket:
        from runbook_checks.probes.providers.object_storage import Bucket

        return self.bound.opened(
            "backups bucket",
            lambda: Bucket(
                self.bound.value(rule.endpoint, "backups") or "",
                self.bound.value(rule.bucket, "backups") or "",
                key_id=self.bound.value(rule.access_key_id, "backups") or "",
                secret=self.bound.value(rule.secret_access_key, "backups") or "",
                region=rule.region,
                session_token=self.bound.value(rule.session_token, "backups"),
                addressing=rule.addressing,
                ca_file=self.bound.ca_file,
                proxy=self.bound.value(self.chosen.settings.proxy, "backups"),
                resolver=self.bound.resolver,
                clear_text=self.bound.clear_text,
                resource="backups",
            ),
        )

    def _branches(self) -> list[Source]:
        from runbook_checks.probes.backups.inventory import Branches

        rule = self.settings.neon
        if rule is None:
            return []
        url, key = self.bound.value(rule.api_url, "backups") or "", self.bound.value(rule.key, "backups") or ""
        headers = {"Authorization": f"Bearer {key}"}
        http = self.bound.opened("neon", lambda: self.bound.http_at(url, "backups", headers=headers))
        return [Branches(http, self.bound.value(rule.project, "backups") or "", rule.pattern)]

    def _of_workspaces(self) -> list[Source]:
        """The last backup of each workspace, from the API."""
        from runbook_checks.handles.workspaces import Workspaces
        from runbook_checks.probes.backups.inventory import OneBackup

        if "workspaces" not in self.chosen.given:
            raise NoReading(
                "backups",
                "backups.workspaces is set, but the system has no section 'workspaces'",
                kind="no-source",
            )
        api = Workspaces(self.context, self.chosen)
        last = [(workspace, api.backup(document, workspace)) for workspace, document in api.databases()]
        return [OneBackup(workspace, f"the workspace API for {workspace}", backup) for workspace, backup in last]

    def listed(self, source: Source) -> list[Backup]:
        """A place's backups, newest first; listed once for all checks."""
        return self.bound.shared.get(("backups", source.place), source.newest_first)

    def inspected(self, source: Dumps, backup: Backup) -> DumpFacts:
        """Read a dump to its end, once for all checks."""
        from runbook_checks.probes.backups.dumps import inspect

        def look() -> DumpFacts:
            with reading(f"read {backup.name} to its end") as facts, source.opened(backup.name) as file:
                seen = inspect(file, is_gzip=backup.name.endswith(".gz"), programs=self._binaries)
                facts.update(broken=seen.broken, packed=seen.packed, plain=seen.plain)
                return seen

        return self.bound.shared.get(("dump", source.place, backup.name), look)

    def tried(self, source: Dumps, backup: Backup) -> Restored:
        """Restore a dump into a scratch database, count the rows of its tables, and drop everything."""
        from runbook_checks.probes.backups.restore import count, make_roles, restore

        rule = self.settings.drill
        if not rule.tables:
            raise NoReading("backups", "backups.drill.tables names no table that must have rows", kind="no-source")
        with reading(f"restore {backup.name}") as facts, self._scratch() as scratch:
            make_roles(scratch, rule.roles)
            with source.opened(backup.name) as file:
                done = restore(file, scratch, rule.recovery_min * 60, rule.extensions)
            if done.is_over and not done.error:
                done.rows = count(scratch, rule.tables)
            facts.update(seconds=round(done.seconds, 3), plain=done.plain, rows=done.rows, error=done.error)
            return done

    @property
    def _binaries(self) -> Path | None:
        rule = self.settings.drill
        if rule.binaries is not None:
            self.bound.require_commands("backups", "backups.drill.binaries")
        return self.bound.path(rule.binaries, "backups")

    def _scratch(self) -> AbstractContextManager[Scratch]:
        from runbook_checks.probes.backups.scratch_server import database_on, own_server

        rule = self.settings.drill
        binaries = self._binaries
        if rule.server is None:
            return own_server(binaries, self.bound.path(rule.folder, "backups"))
        server = self.bound.value(rule.server, "backups") or ""
        self._refuse_own(server)
        return database_on(server, binaries)

    def _refuse_own(self, server: str) -> None:
        """NoReading if backups.drill.server is the server of the system's own database."""
        from runbook_checks.probes.postgres.client import Postgres

        if "postgres" not in self.chosen.given:
            return
        same = "SELECT system_identifier::text AS id FROM pg_control_system()"
        other = Postgres(server, resource="scratch", resolver=self.bound.resolver, ca_file=self.bound.ca_file)
        try:
            if other.query(same) == self.bound.postgres.query(same):
                reason = "backups.drill.server is the server of the system's own database: name another"
                raise NoReading("scratch", reason, kind="own-server")
        finally:
            other.close()

    @property
    def _record(self) -> Path:
        return self.bound.path(self.settings.drill.record, "backups") or RECORD

    def note_drill(self, backup: Backup, done: Restored) -> None:
        """Record a successful restore; if that fails, the report says so."""
        noted = self._noted() | {
            self.chosen.name: {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "backup": backup.name,
                "seconds": round(done.seconds, 1),
            }
        }
        try:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            files.write(self._record, json.dumps({"schema": 1, "drills": noted}, indent=1) + "\n")
        except OSError as error:
            self.run.notes.append(f"the drill cannot be recorded in {self._record}: {error.strerror}")

    def _noted(self) -> dict[str, Any]:
        try:
            drills = json.loads(self._record.read_text())["drills"]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise NoReading("backups", f"{self._record} cannot be read: {error.strerror}", kind="unreadable") from None
        except (ValueError, KeyError, TypeError):
            raise NoReading("backups", f"{self._record} is not a record of drills", kind="malformed-record") from None
        return dict(drills) if isinstance(drills, dict) else {}

    def last_drill(self) -> float | None:
        """When the last successful restore was (seconds since the epoch), by the record or the environment."""
        noted = self._noted().get(self.chosen.name)
        times = [noted.get("at")] if isinstance(noted, dict) else []
        if self.settings.drill.last is not None:
            times.append(self.bound.value(self.settings.drill.last, "backups"))
        return max((_moment(text) for text in times), default=None)


def _moment(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        reason = "the time of the last drill is not a date such as 2026-01-31"
        raise NoReading("backups", reason, kind="malformed-record") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
