"""How can others see that the watcher lives, and what it knows? A ping, metrics, and the status page."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.rounds import Round
    from monitor.store import Store

PING_S = 10.0


def show(round_: Round, _store: Store, document: dict[str, Any] | None) -> Iterator[str]:
    """Everything that the environment asks for; yields a sentence for what could not be done."""
    if document is not None and not round_.troubles:
        yield from _ping(round_)


def _ping(round_: Round) -> Iterator[str]:
    """Whoever gets no ping for a while knows that nobody looks any more: so only a whole round is one."""
    address = round_.text(round_.rules.heartbeat)
    if address is None:
        return
    request = urllib.request.Request(address, headers={"User-Agent": "runbook-checks"})  # noqa: S310 - see the scheme
    opener = urllib.request.build_opener()
    try:
        if not address.startswith(("http://", "https://")):
            raise ValueError("its address must begin with http:// or https://")
        opener.open(request, timeout=PING_S).close()
    except (OSError, ValueError) as error:
        yield round_.vault.redaction.text(f"the heartbeat could not be sent: {error}")
