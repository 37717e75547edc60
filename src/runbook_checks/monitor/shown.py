"""Show others that the watcher lives, and what it knows: a ping, metrics, and the status page."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor.asking import ask
from runbook_checks.output import files as outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook_checks.monitor.rounds import Round
    from runbook_checks.monitor.store import Store


def show(round_: Round, store: Store, *, is_whole: bool) -> Iterator[str]:
    """Everything that the environment asks for; yields a sentence for what could not be done."""
    rules = round_.rules
    if rules.metrics is not None or rules.push is not None:
        yield from _metrics(round_, store, is_whole=is_whole)
    if rules.page is not None:
        yield from _page(round_, store)
    if is_whole and not round_.troubles:
        yield from _ping(round_)


def _metrics(round_: Round, store: Store, *, is_whole: bool) -> Iterator[str]:
    """The run's own metrics, and the monitor's; of a run that came to nothing none are left."""
    from runbook_checks.monitor.metrics import of_round, push

    try:
        text = of_round(store, round_.name, round_.at, is_in_trouble=bool(round_.troubles))
    except ImportError:
        yield "there are no metrics: pip install 'runbook-checks[metrics]'"
        return
    of_run = round_.folder / "run.prom"
    if is_whole and of_run.is_file() and of_run.stat().st_mtime >= round_.at - 1:  # not one that could not be removed
        text = of_run.read_text(encoding="utf-8") + text
    path, gateway = round_.path_of(round_.rules.metrics), round_.text(round_.rules.push)
    try:
        if path is not None:
            outputs.write(path, text)
    except OSError as error:
        yield f"the metrics could not be written to {path}: {error.strerror}"
    try:
        if gateway is not None:
            push(gateway, round_.name, text, _proxy(round_))
    except (OSError, ValueError) as error:
        yield round_.vault.redaction.text(f"the metrics could not be pushed: {error}")


def _page(round_: Round, store: Store) -> Iterator[str]:
    from runbook_checks.monitor.page import page

    path = round_.path_of(round_.rules.page)
    try:
        if path is not None:
            outputs.write(path, page(store, round_.files, round_.at, round_.rules.every_min))
    except OSError as error:
        yield f"the status page could not be written to {path}: {error.strerror}"


def _ping(round_: Round) -> Iterator[str]:
    """Whoever gets no ping for a while knows that nobody looks any more: so only a whole round is one."""
    address = round_.text(round_.rules.heartbeat)
    if address is None:
        return
    if not is_address(address):
        yield f"the heartbeat could not be sent: its address {NO_ADDRESS}"
        return
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "runbook-checks"})  # noqa: S310 - see is_address
        ask(request, _proxy(round_))
    except (OSError, ValueError) as error:
        yield round_.vault.redaction.text(f"the heartbeat could not be sent: {error}")


def _proxy(round_: Round) -> str | None:
    """The proxy that the environment names; one that can't be resolved is not gone around."""
    proxy = round_.text(round_.rules.proxy)
    if proxy is None and round_.rules.proxy is not None:
        raise OSError(f"monitoring.proxy {round_.rules.proxy} can't be resolved")
    return proxy
