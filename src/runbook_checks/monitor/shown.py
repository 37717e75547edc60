"""Show others that the monitor is alive, and what it knows: metrics, the status page, and a ping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor.asking import ask
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
class Shown:
    """What a round shows, and where; `troubles` gets a sentence for everything that could not be done."""

    files: Files
    rules: Monitoring
    vault: Vault
    folder: Path
    at: float
    is_whole: bool
    """The checks ran to their end, and their results are known."""
    was_in_trouble: bool
    """Something else went wrong in this round before."""
    troubles: list[str] = field(default_factory=list)

    def show(self, store: Store) -> None:
        """Everything that the environment asks for."""
        if self.rules.metrics is not None or self.rules.push is not None:
            self._metrics(store)
        if self.rules.page is not None:
            self._page(store)
        if self.is_whole and not self.was_in_trouble and not self.troubles:
            self._ping()

    def _metrics(self, store: Store) -> None:
        """The run's own metrics, and the monitor's; without results there are none of the run."""
        name = self.files.environment.name
        text = of_round(store, name, self.at, is_in_trouble=self.was_in_trouble)
        of_run = self.folder / "run.prom"
        # A file of an earlier run stays where it could not be removed.
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

    def _ping(self) -> None:
        """Tell a watchdog that a whole round was made; after a while without a ping it raises the alarm."""
        address = text_of(self.rules.heartbeat, self.vault, self.troubles)
        if address is None:
            return
        if not is_address(address):
            self.troubles.append(f"the heartbeat could not be sent: its address {NO_ADDRESS}")
            return
        try:
            ask("GET", address, {}, proxy=self._proxy())
        except (OSError, ValueError) as error:
            self.troubles.append(self.vault.redaction.text(f"the heartbeat could not be sent: {error}"))

    def _proxy(self) -> str | None:
        """The proxy that the environment names; one that can't be resolved is not bypassed."""
        proxy = text_of(self.rules.proxy, self.vault, self.troubles)
        if proxy is None and self.rules.proxy is not None:
            raise OSError(f"monitoring.proxy {self.rules.proxy} can't be resolved")
        return proxy
