"""Write a round's outputs: metrics, the status page, and the heartbeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor.http_request import request
from runbook_checks.monitor.metrics import of_round, push
from runbook_checks.monitor.page import page
from runbook_checks.monitor.references import path_of, text_of
from runbook_checks.output import files as outputs

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config.files import Files
    from runbook_checks.config.monitoring import Monitoring
    from runbook_checks.config.secrets import Vault
    from runbook_checks.monitor.store import Store


@dataclass
class RoundOutputs:
    """The outputs of a round; `troubles` gets a sentence for each that failed."""

    files: Files
    rules: Monitoring
    vault: Vault
    folder: Path
    at: float
    is_whole: bool
    """The checks finished and their results are known."""
    was_in_trouble: bool
    """Something else failed earlier in this round."""
    troubles: list[str] = field(default_factory=list)

    def write(self, store: Store) -> None:
        """Write every output that the environment configures."""
        if self.rules.metrics is not None or self.rules.push is not None:
            self._metrics(store)
        if self.rules.page is not None:
            self._page(store)
        if self.is_whole and not self.was_in_trouble and not self.troubles:
            self._send_heartbeat()

    def _metrics(self, store: Store) -> None:
        """Write the run's metrics, if it has results, and the monitor's."""
        name = self.files.environment.name
        text = of_round(store, name, self.at, is_in_trouble=self.was_in_trouble)
        of_run = self.folder / "run.prom"
        # An earlier run's file may still be there if it could not be removed.
        if self.is_whole and of_run.is_file() and of_run.stat().st_mtime >= self.at - 1:
            text = of_run.read_text(encoding="utf-8") + text
        path = path_of(self.rules.metrics, self.vault, self.troubles)
        gateway = text_of(self.rules.push, self.vault, self.troubles)
        if path is not None:
            self._write("metrics", path, text)
        try:
            if gateway is not None:
                push(gateway, name, text, self._proxy())
        except (OSError, ValueError) as error:
            self.troubles.append(self.vault.redaction.text(f"the metrics could not be pushed: {error}"))

    def _page(self, store: Store) -> None:
        path = path_of(self.rules.page, self.vault, self.troubles)
        if path is not None:
            self._write("status page", path, page(store, self.files, self.at, self.rules.every_min))

    def _write(self, what: str, path: Path, text: str) -> None:
        try:
            outputs.write(path, text)
        except OSError as error:
            self.troubles.append(f"the {what} could not be written to {path}: {error.strerror}")

    def _send_heartbeat(self) -> None:
        """Request the heartbeat address of a watchdog, which alerts when requests stop."""
        address = text_of(self.rules.heartbeat, self.vault, self.troubles)
        if address is None:
            return
        if not is_address(address):
            self.troubles.append(f"the heartbeat could not be sent: its address {NO_ADDRESS}")
            return
        try:
            request("GET", address, {}, proxy=self._proxy())
        except (OSError, ValueError) as error:
            self.troubles.append(self.vault.redaction.text(f"the heartbeat could not be sent: {error}"))

    def _proxy(self) -> str | None:
        """The environment's proxy; OSError if its reference is unresolved, since a proxy is never bypassed."""
        proxy = text_of(self.rules.proxy, self.vault, self.troubles)
        if proxy is None and self.rules.proxy is not None:
            raise OSError(f"monitoring.proxy {self.rules.proxy} cannot be resolved")
        return proxy
