"""Run the bodies of checks concurrently in a limited number of daemon threads; pytest reports them in its order.

Checks wait for the network, not for the processor. Every body has a deadline: when it passes, the body's connections
are closed, and a body that continues anyway is abandoned and reported as unknown.
"""

from __future__ import annotations

import atexit
import gc
import resource
import threading
from collections import Counter
from contextlib import suppress
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.handles import Handle
from runbook_checks.plugin.body import GRACE_S, Body
from runbook_checks.plugin.run import context_of, has_run
from runbook_checks.plugin.selection import symptom_of
from runbook_checks.probes.core.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

# Skip the garbage collection at exit, since the process ends anyway: start-up is 11 % faster (median of 12 rounds of
# `python -m bench startup`). No other change to garbage collection gained 5 %.
atexit.register(gc.freeze)

BODIES = "runbook-checks-bodies"
AT_ONCE = 64
AT_ONCE_A_SYSTEM = 24
FEWEST_FILES = 256  # with fewer open files, connections fail locally as if the target had refused them


class Engine:
    """Runs bodies concurrently in their order, limited overall and for each system."""

    def __init__(self) -> None:
        self._waiting: list[Body] = []
        self._running: Counter[str] = Counter()
        self._changed = threading.Condition()

    def submit(self, bodies: Iterable[Body]) -> None:
        with self._changed:
            self._waiting += bodies
            self._start_some()

    def _start_some(self) -> None:
        """Start bodies within the limits; the caller holds the lock."""
        for body in list(self._waiting):
            if self._running.total() >= AT_ONCE:
                return
            if self._running[body.system] < AT_ONCE_A_SYSTEM:
                self._waiting.remove(body)
                self._running[body.system] += 1
                threading.Thread(target=self._run, args=(body,), name=body.item.name, daemon=True).start()

    def _run(self, body: Body) -> None:
        freed = threading.Event()

        def free() -> None:
            # Called once, when the body ends or is abandoned: a hung thread does not count.
            with self._changed:
                if not freed.is_set():
                    freed.set()
                    self._running[body.system] -= 1
                    self._start_some()
                    self._changed.notify_all()

        with Deadline(body.deadline_s + GRACE_S + 0.1).on_expiry(free):
            copy_context().run(body.call)
            free()

    def drain(self) -> None:
        """Wait until nothing runs."""
        with self._changed:
            while self._waiting or self._running.total():
                self._changed.wait()


class Bodies:
    """Connects the engine to pytest: bodies start before pytest's loop, which collects their outcomes."""

    def __init__(self, config: pytest.Config) -> None:
        self.context = context_of(config)
        self.engine = Engine()
        self.bodies: dict[str, Body] = {}
        self.is_serial = config.option.serial or config.option.usepdb or hasattr(config, "workerinput")
        self.in_main_thread = bool(config.option.usepdb)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._starts_together(session):
            _import_libraries(self.items(session))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        option = session.config.option
        if self._starts_together(session) and not option.settle and not option.watch:
            self.engine.submit(body for body in map(self.body, self.items(session)) if not body.alone)

    def items(self, session: pytest.Session) -> list[Any]:
        """The checks whose bodies run here."""
        return [item for item in session.items if _is_ours(item)]

    def _starts_together(self, session: pytest.Session) -> bool:
        if session.config.option.collectonly or session.testsfailed or self.is_serial:
            return False
        return not session.config.getoption("tx", None)  # with pytest-xdist the workers run the checks

    def body(self, item: Any) -> Body:
        return self.bodies.setdefault(item.nodeid, Body(item, self.context.run))

    def look(self, items: list[Any]) -> None:
        """Run the bodies of these items and wait for all of them."""
        for body in map(self.body, items):
            if self.is_serial or body.alone:
                self.engine.drain()
            self.engine.submit([body])
            if self.is_serial or body.alone:
                body.done.wait()
        self.engine.drain()

    def forget(self, item: Any) -> None:
        """Discard an item's body, so that it runs again; test data left on the target stays on the run's list."""
        self.bodies.pop(item.nodeid, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
        if not _is_ours(pyfuncitem):
            return None
        was_started = pyfuncitem.nodeid in self.bodies
        body = self.body(pyfuncitem)
        if self.in_main_thread:
            body.call()
        elif not body.done.is_set() and (body.alone or not was_started):
            self.engine.drain()
            self.engine.submit([body])
        body.done.wait()
        if body.error is not None:
            raise body.error
        return True

    def pytest_unconfigure(self) -> None:
        self.context.close()


def _is_ours(item: Any) -> bool:
    """Whether an item is a check that only takes handles and is not skipped: pytest sets up nothing for it."""
    if symptom_of(item) is None or item.get_closest_marker("skip"):
        return False
    return set(item.fixturenames) <= set(item.callspec.params)


def _import_libraries(items: Iterable[Any]) -> None:
    """Import the bodies' libraries before they start, since concurrent imports block each other."""
    handles = [value for item in items for value in item.callspec.params.values() if isinstance(value, Handle)]
    for library in sorted({library for handle in handles for library in handle.libraries}):
        with suppress(ImportError):  # the check that needs it says so
            import_module(library)


def _require_files() -> None:
    """Raise the limit of open files; if too few are allowed, end the run, which would report our own limit."""
    fewer, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FEWEST_FILES if most == resource.RLIM_INFINITY else min(most, FEWEST_FILES)
    if fewer != resource.RLIM_INFINITY and fewer < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    if wanted < FEWEST_FILES:
        pytest.exit(f"only {most} open files are allowed and {FEWEST_FILES} are needed: raise the limit (ulimit -n)", 3)


def pytest_configure(config: pytest.Config) -> None:
    if has_run(config) and not config.option.list_symptoms:
        _require_files()
        config.pluginmanager.register(Bodies(config), BODIES)


def bodies_of(config: pytest.Config) -> Bodies | None:
    """The bodies of the run; None if no checks are run."""
    bodies = config.pluginmanager.get_plugin(BODIES)
    return bodies if isinstance(bodies, Bodies) else None
