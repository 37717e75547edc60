"""Workspaces, as the workspace and admin API reports them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.handles.tables import in_path, payload
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.client import Http

RESOURCE = "workspaces"
TOGETHER = 4  # concurrent calls, few because it is the production API
NEAR_PERCENT = 90.0
MISSING = object()


class Workspaces(Handle):
    """Workspaces as the API reports them; each response is read once for all checks."""

    needs = ("workspaces", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Workspaces

    @property
    def url(self) -> str:
        http = self.chosen.settings.http
        assert http is not None
        return (self.bound.value(http.base_url, "http") or "").rstrip("/")

    @property
    def near_percent(self) -> float:
        rule = self.chosen.settings.provisioning
        return rule.near_percent if rule else NEAR_PERCENT

    def ids(self) -> list[str]:
        """Return the workspaces to check: the configured ones, else those with a ready database."""
        found = list(self.settings.ids) or self._ready()
        if len(found) > self.settings.most:
            what = f"there are {len(found)} workspaces, more than workspaces.most ({self.settings.most})"
            raise NoReading(RESOURCE, what, kind="too-many")
        return found

    def _ready(self) -> list[str]:
        from runbook_checks.handles.provisioning import Provisioning

        if not {"provisioning", "mysql"} <= self.chosen.given:
            raise NoReading(RESOURCE, "no workspaces are configured (workspaces.ids)", kind="no-source")
        records = Provisioning(self.context, self.chosen).records()
        return [str(record["workspace"]) for record in records if record["status"] == "ready"]

    def document(self, path: str) -> dict[str, Any]:
        """Return the JSON object at a path; NoReading for any other response (kind http-401, ...)."""
        answer = self._http.get(path)
        if answer.status != 200:
            reason = f"{answer.url} answers HTTP {answer.status}"
            if answer.status in (401, 403):
                reason += ": the token of http.token does not permit this request"
            raise NoReading(RESOURCE, reason, kind=f"http-{answer.status}", evidence={"status": answer.status})
        found = answer.json()
        if not isinstance(found, dict):
            raise NoReading(RESOURCE, f"{answer.url} is not a JSON object", kind="malformed-answer")
        return found

    @property
    def _http(self) -> Http:
        return self.bound.opened("workspaces", self._service)

    def _service(self) -> Http:
        from runbook_checks.probes.http.target import bearer

        http = self.chosen.settings.http
        assert http is not None
        token = self.bound.value(http.token, RESOURCE)
        if not token:
            raise NoReading(
                RESOURCE, "the workspace API requires a token, and none is configured (http.token)", kind="no-source"
            )
        return self.bound.http_at(self.url, RESOURCE, headers=bearer(token), timeout_s=http.timeout_s)

    def each(self, path: str, ids: Iterable[str] | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Return the document of every workspace, read by concurrent calls."""
        wanted = [*ids] if ids is not None else self.ids()
        self._http  # noqa: B018  a missing token is reported once
        return _together(lambda one: (one, self.document(path.replace("{workspace}", in_path(one)))), wanted)

    def quotas(self) -> list[tuple[str, float, float]]:
        """Return workspace, used GB and quota in GB of each."""
        found = []
        for workspace, told in self.each(self.settings.quota):
            amount = field(told, self.settings.quota_field, workspace)
            used, limit = (number(amount, name, f"quota of {workspace}") for name in ("used", "limit"))
            if limit <= 0:
                raise NoReading(RESOURCE, f"the quota of {workspace} has the limit {limit:g}", kind="malformed-answer")
            found.append((workspace, used, limit))
        return found

    def databases(self, ids: Iterable[str] | None = None) -> list[tuple[str, dict[str, Any]]]:
        return self.each(self.settings.database, ids)

    def policies(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each workspace with its access policy."""
        return self.each(self.settings.access_policy)

    @staticmethod
    def policy(told: dict[str, Any], workspace: str) -> str:
        return str(field(told, "policy", f"policy of {workspace}"))

    @staticmethod
    def rules(told: dict[str, Any], workspace: str) -> dict[str, Any]:
        """Return the limits and lists of a policy; some APIs return them as JSON text."""
        found = field(told, "rate_limit_json", f"policy of {workspace}")
        if isinstance(found, str):
            found = payload(found)
        if not isinstance(found, dict):
            raise NoReading(RESOURCE, f"rate_limit_json of {workspace} is not an object", kind="malformed-answer")
        return found

    def entries(self, told: dict[str, Any], name: str, workspace: str) -> list[Any]:
        """Return a list of a policy; a missing one is empty."""
        found = self.rules(told, workspace).get(name) or []
        if not isinstance(found, list):
            raise NoReading(RESOURCE, f"{name} of {workspace} is not a list", kind="malformed-answer")
        return found

    @staticmethod
    def state(told: dict[str, Any], workspace: str) -> str:
        return str(field(told, "status", f"database of {workspace}"))

    @staticmethod
    def backup(told: dict[str, Any], workspace: str) -> dict[str, Any] | None:
        """Return the last backup with id and created_at, or None without one."""
        found = field(told, "last_backup", f"database of {workspace}")
        if found is not None and not isinstance(found, dict):
            raise NoReading(RESOURCE, f"last_backup of {workspace} is not an object", kind="malformed-answer")
        return found if found and str(found.get("id") or "").strip() else None

    def listed_sops(self) -> dict[str, object]:
        """Return the severity of each SOP that the API lists, by key."""
        found = field(self.document(self.settings.sops), "sops", self.settings.sops)
        if not isinstance(found, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get("key"), str) for entry in found
        ):
            raise NoReading(RESOURCE, f"{self.settings.sops} is not a list of SOPs with keys", kind="malformed-answer")
        return {str(entry["key"]): entry.get("severity") for entry in found}


def _together(ask: Callable[[str], Any], wanted: list[str]) -> list[Any]:
    """Call in threads that keep the check's deadline and journal."""
    if not wanted:
        return []
    with ThreadPoolExecutor(TOGETHER, "workspaces") as pool:
        waiting = [pool.submit(copy_context().run, ask, one) for one in wanted]
        try:
            return [one.result() for one in waiting]
        finally:
            pool.shutdown(cancel_futures=True)


def field(document: Any, name: str, whose: str) -> Any:
    """Return a required field."""
    value = document.get(name, MISSING) if isinstance(document, dict) else MISSING
    if value is MISSING:
        raise NoReading(RESOURCE, f"the response for {whose} has no field {name}", kind="malformed-answer")
    return value


def number(document: Any, name: str, whose: str) -> float:
    """Return a required number."""
    value = field(document, name, whose)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoReading(RESOURCE, f"{name} in the response for {whose} is not a number", kind="malformed-answer")
    return float(value)
