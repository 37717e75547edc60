"""The handle of the warehouse that ships a system's orders."""

from __future__ import annotations

from dataclasses import dataclass

from runbook_checks import NoReading
from runbook_checks.handles import Handle, Secret, Text


@dataclass(frozen=True, kw_only=True)
class WarehouseSettings:
    """The section `warehouse` of a system in an environment or runbook file."""

    url: Text
    token: Secret
    timeout_s: float = 5


@dataclass(frozen=True)
class Picking:
    """The state of picking for one system's orders."""

    picker: str
    stopped_s: int
    waiting: int
    missing: int


class Warehouse(Handle):
    """The warehouse of a system."""

    needs = ("warehouse",)
    Settings = WarehouseSettings

    def picking(self) -> Picking:
        """Return the state of picking. NoReading: the warehouse does not answer as expected."""
        settings: WarehouseSettings = self.settings
        url = self.bound.address(settings.url, "warehouse")
        token = self.bound.value(settings.token, "warehouse")
        http = self.bound.http_at(
            url, "warehouse", headers={"Authorization": f"Bearer {token}"}, timeout_s=settings.timeout_s
        )
        answer = http.get("/picking")
        try:
            return Picking(**answer.json())
        except (TypeError, ValueError) as error:
            raise NoReading("warehouse", f"unexpected response from the warehouse: HTTP {answer.status}") from error
