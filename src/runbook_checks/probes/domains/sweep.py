"""Check the names, certificates and responses of many domains concurrently.

Asynchronous inside, with a blocking interface. One epoll in one thread, or in two if there are many domains, with some
hundred domains in progress; each has its own timeout, and a slow one gives its place to the next while it waits.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import ExitStack, suppress
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING

from runbook_checks.inputs.address import split_address
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.domains.facts import Facts, Gone, Swept
from runbook_checks.probes.domains.names import Names
from runbook_checks.probes.domains.plan import Plan
from runbook_checks.probes.domains.serving import RESOURCE, Serving, without_address
from runbook_checks.probes.net.event_loop import Loop, Overdue
from runbook_checks.probes.net.far_ends import REFUSED, sentence
from runbook_checks.probes.net.name_server import NameServer, in_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runbook_checks.probes.net.event_loop import Task

__all__ = ["Facts", "Plan", "Swept", "in_ascii", "sweep"]

SLOW_S = 1.0
WORTH_TWO = 100  # domains from which a second thread is faster
PORT = 53


def sweep(
    domains: Iterable[str],
    plan: Plan,
    *,
    needs_authority: Callable[[str, Facts, tuple[str, ...]], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Swept:
    """Check every domain once.

    needs_authority  whether to query the zone's servers, given a domain, its facts and the base host's addresses
    progress         is called at times with the number of checked domains, and of all

    NoReading: no-resolver, name-server-silent (it answered no query), and the kinds of probes.net.tls_context.
    """
    names = list(dict.fromkeys(domains))
    with reading(f"sweep over {len(names)} domains") as facts:
        swept = _swept(names, plan, needs_authority, progress)
        facts.update(
            domains=len(names),
            seen=len(swept.facts),
            unseen=len(swept.unseen),
            questions=swept.questions,
            resolver=swept.resolver,
            base_addresses=list(swept.base_addresses),
            domains_per_s=round(len(swept.facts) / max(swept.duration_s, 0.001)),
        )
        return swept


def _swept(
    names: list[str],
    plan: Plan,
    needs_authority: Callable[[str, Facts, tuple[str, ...]], bool] | None,
    progress: Callable[[int, int], None] | None,
) -> Swept:
    """Sweep many domains in two threads, each with its own loop: OpenSSL releases the interpreter lock."""
    if len(names) < WORTH_TWO:
        return _Sweep(names, plan, needs_authority, progress).swept()
    done = [0, 0]

    def progress_of(half: int) -> Callable[[int, int], None]:
        def report(so_far: int, _: int) -> None:
            done[half] = so_far
            if progress:
                progress(sum(done), len(names))

        return report

    plan = replace(plan, at_once=max(1, plan.at_once // 2), slow_at_once=max(1, plan.slow_at_once // 2))
    halves = [_Sweep(names[half::2], plan, needs_authority, progress_of(half)) for half in (0, 1)]
    other = Half(halves[1])
    first = halves[0].swept()
    second = other.result()
    first.facts.update(second.facts)
    first.unseen.update(second.unseen)
    first.questions += second.questions
    first.duration_s = max(first.duration_s, second.duration_s)
    return first


class Half(threading.Thread):
    """The second half of a sweep, within the same deadline."""

    def __init__(self, sweep: _Sweep) -> None:
        super().__init__(name="sweep", daemon=True)
        self._sweep, self._context = sweep, copy_context()
        self._swept: Swept | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._swept = self._context.run(self._sweep.swept)
        except Exception as error:
            self._error = error

    def result(self) -> Swept:
        self.join()
        if self._error is not None:
            raise self._error
        assert self._swept
        return self._swept


class _Sweep:
    def __init__(
        self,
        domains: list[str],
        plan: Plan,
        needs_authority: Callable[[str, Facts, tuple[str, ...]], bool] | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.domains, self.plan = domains, plan
        self.needs_authority, self.progress = needs_authority, progress
        self.swept_: dict[str, Facts] = {}
        self.unseen: dict[str, str] = {}
        self.quick = self.slow = 0
        self.waiting: Iterator[str] = iter(domains)
        self.is_silent = self.is_over = self.is_base_known = False
        self.waiting_for_base: list[Task] = []

    def swept(self) -> Swept:
        begun, at = time.monotonic(), time.time()
        deadline = within(self.plan.limit_s)
        with ExitStack() as stack:
            self.loop = Loop()
            stack.callback(self.loop.close)
            where = _resolver(self.plan.resolver)
            self.resolver = NameServer(self.loop, where)
            self.names = Names(self.loop, self.plan, self.resolver)
            stack.callback(self.names.close)
            self.serving = Serving(self.loop, self.plan)
            self.loop.spawn(self._look_up_base())
            self._start_some()
            self.loop.run(deadline)
            self.is_over = True
            if self.is_silent:
                raise self._silent()
        for domain in self.domains:
            if domain not in self.swept_ and domain not in self.unseen:
                self.unseen[domain] = f"the sweep timed out after {deadline.seconds:g} s"
        return Swept(
            self.swept_,
            self.names.base_addresses,
            self.unseen,
            time.monotonic() - begun,
            at,
            self.resolver.questions,
            self.resolver.where,
        )

    def _silent(self) -> NoReading:
        what = f"does not respond within {self.plan.timeout_s:g} s"
        if self.resolver.answers:
            what = "refuses queries from here (REFUSED)"
        elif self.resolver.is_closed_port:
            what = "does not respond: its port is closed"
        text = f"the name server {self.resolver.where} {what}"
        state = "failing" if self.resolver.answers else "silent"
        evidence = {"resolver": self.resolver.where, "resolver_state": state, "host": self.plan.base_host}
        return NoReading(RESOURCE, text, kind="name-server-silent", evidence=evidence)

    async def _look_up_base(self) -> None:
        """Look up the base host's addresses, which show whether a domain points there."""
        task = self.loop.running
        assert task
        task.limit(time.monotonic() + self.plan.timeout_s)
        base = await self.names.look_up_base()
        if self.plan.base_host and (not self.resolver.answers or base.words == "REFUSED"):
            self.is_silent = True
        self.is_base_known = True
        for waiting in self.waiting_for_base:
            waiting.wake()
        self.waiting_for_base.clear()

    async def _base_known(self, task: Task) -> None:
        """Wait for the base host's addresses, whose query has a timeout."""
        while not self.is_base_known:
            self.waiting_for_base.append(task)
            await self.loop.pause()

    def _start_some(self) -> None:
        while self.quick < self.plan.at_once and not (self.is_silent or self.is_over):
            domain = next(self.waiting, None)
            if domain is None:
                return
            self.quick += 1
            self.loop.spawn(self._look(domain))

    async def _look(self, domain: str) -> None:
        task = self.loop.running
        assert task
        place = _Place(self)
        try:
            facts = await self._facts(domain, task)
        except ValueError as error:
            self.unseen[domain] = str(error)
        else:
            self.swept_[domain] = facts
        finally:
            place.leave()
        if self.progress:
            self.progress(len(self.swept_) + len(self.unseen), len(self.domains))

    async def _facts(self, domain: str, task: Task) -> Facts:
        task.limit(time.monotonic() + self.plan.timeout_s)
        facts = await self.names.facts(in_ascii(domain))
        if not self.resolver.answers:
            self.is_silent = True
        elif self.needs_authority:
            with suppress(Overdue):
                await self._base_known(task)
            if self.needs_authority(domain, facts, self.names.base_addresses):
                await self.names.ask_authority(facts)
        if not facts.addresses:
            facts.gone = without_address(facts)
        elif followed := await self._followed(facts, task):
            await self.serving.look(facts, followed)
        else:
            where = f"{facts.domain}:{self.plan.port}"
            facts.gone = Gone(REFUSED, sentence(where, facts.addresses[0]))
        return facts

    async def _followed(self, facts: Facts, task: Task) -> list[str]:
        """Return the addresses to connect to; the owner of a domain may write any address into its zone."""
        plan = self.plan
        followed = [a for a in facts.addresses if plan.far_ends.may_dial(a, plan.port)]
        if len(followed) == len(facts.addresses):
            return followed
        with suppress(Overdue):
            await self._base_known(task)
        return [a for a in facts.addresses if a in followed or a in self.names.base_addresses]


class _Place:
    """A domain's place among those in progress; slow domains wait in addition, so that others can start.

    A domain is slow if the sweep waits for it without other work. Waiting on a busy machine does not count: more
    domains at once would only make it busier.
    """

    def __init__(self, sweep: _Sweep) -> None:
        self.sweep = sweep
        self.is_slow = False
        self.idle_before_s = sweep.loop.idle_s
        self._look_again()

    def _look_again(self) -> None:
        self.timer = self.sweep.loop.call_at(time.monotonic() + SLOW_S / 2, self._step_aside)

    def _step_aside(self) -> None:
        if self.sweep.loop.idle_s - self.idle_before_s < SLOW_S / 2:
            self._look_again()
        elif self.sweep.slow < self.sweep.plan.slow_at_once:
            self.is_slow = True
            self.sweep.slow += 1
            self.sweep.quick -= 1
            self.sweep._start_some()

    def leave(self) -> None:
        self.sweep.loop.cancel(self.timer)
        if self.is_slow:
            self.sweep.slow -= 1
        else:
            self.sweep.quick -= 1
        self.sweep._start_some()


def _resolver(given: str | None) -> tuple[str, int]:
    """Return the name server to query: the given one, or the machine's first (resolv.conf(5))."""
    text = given
    if text is None:
        try:
            with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as file:
                found = re.search(r"^\s*nameserver\s+(\S+)", file.read(1 << 16), re.MULTILINE)
        except OSError:
            found = None
        if found is None:
            raise NoReading(RESOURCE, "no resolver is configured, and /etc/resolv.conf names none", kind="no-resolver")
        text = found[1].partition("%")[0]
    try:
        return split_address(text, PORT)
    except ValueError:
        raise NoReading(RESOURCE, "the resolver is not an address[:port]", kind="no-resolver") from None
