"""How does a message reach people? Through Apprise, which knows mail, Slack, PagerDuty and a hundred others."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from environments.addresses import NO_ADDRESS, is_address
from environments.references import Unresolved
from monitor.outbox import NotDelivered

if TYPE_CHECKING:
    from environments.monitoring import Monitoring
    from environments.references import Vault

_TYPES = {"alert": "failure", "graver": "failure", "escalation": "failure", "resolved": "success"}
_WEB = re.compile(r"(?:json|xml|form|apprise)s?://(.*)", re.IGNORECASE | re.DOTALL)  # web hooks of one's own
CONNECT_S, ANSWER_S = 5.0, 10.0


class Channels:
    """The channels of an environment, each opened when it first has something to take."""

    def __init__(self, rules: Monitoring, vault: Vault) -> None:
        self.rules, self.vault = rules, vault

    def send(self, channel: str, kind: str, title: str, body: str) -> None:
        """Hand a message over; NotDelivered where the channel doesn't take it."""
        try:
            import apprise
        except ImportError:
            raise NotDelivered("Apprise is not installed: pip install 'runbook-checks[alerts]'") from None
        asset = apprise.AppriseAsset(app_id="runbook-checks", app_desc="runbook-checks", app_url="", async_mode=False)
        sender = apprise.Apprise(asset=asset)
        if not sender.add(self._address(channel)):
            raise NotDelivered("its address is none that Apprise knows")
        with _Said() as said:
            taken = sender.notify(
                title=title, body=body, notify_type=_TYPES.get(kind, "warning"), body_format=apprise.NotifyFormat.TEXT
            )
        if not taken:
            raise NotDelivered(self.vault.redaction.text(said.last or "it gave no reason"))

    def _address(self, channel: str) -> str:
        reference = self.rules.channels.get(channel)
        if reference is None:
            raise NotDelivered("the environment has no such channel any more")
        try:
            address = self.vault.value(reference)
        except Unresolved as unresolved:
            raise NotDelivered(str(unresolved)) from None
        web = _WEB.fullmatch(address.strip())
        if web and not is_address(f"http://{web[1]}"):
            raise NotDelivered(f"its address {NO_ADDRESS}")
        # A service that hangs must not hold up the other channels.
        limits = f"cto={CONNECT_S:g}&rto={ANSWER_S:g}"
        return address if "cto=" in address else f"{address}{'&' if '?' in address else '?'}{limits}"


class _Said(logging.Handler):
    """What Apprise says went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = " ".join(record.getMessage().split())

    def __enter__(self) -> _Said:
        logger = logging.getLogger("apprise")
        self.before = logger.propagate
        logger.propagate = False  # what it says goes through redaction first
        logger.addHandler(self)
        return self

    def __exit__(self, *_: Any) -> None:
        logger = logging.getLogger("apprise")
        logger.removeHandler(self)
        logger.propagate = self.before
