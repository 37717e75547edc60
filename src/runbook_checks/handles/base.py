"""The base class of all handles: a capability of one system, which connects when a check first uses it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from runbook_checks.probes.core.reading import NoReading, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Chosen
    from runbook_checks.handles.context import Context


# Kinds of failure after which a request cannot have reached the far end.
UNSENT = (
    "name-not-resolved",
    "connection-refused",
    "connect-timeout",
    "tls-failed",
    "bad-request",
    "clear-text-refused",
    "unresolved-reference",
    "rate-limited",
)


class Handle:
    """One capability of one system, for a check that annotates a parameter with the class.

    A subclass names what it needs; its methods return facts, or raise NoReading where the far end gave none. It opens
    no connection until it is used. Its repr is the system's name, because pytest shows parameters in reports.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Capabilities that the system must have: the sections of its runbook and environment files."""
    one_of: ClassVar[tuple[str, ...]] = ()
    """Capabilities of which it needs one, beside those above."""
    Settings: ClassVar[type | None] = None
    """The dataclass of a team's own capability: its section of an environment file is read into one."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that its probes import at the first reading; the run imports them early if a chosen check needs them."""

    def __init__(self, context: Context, chosen: Chosen) -> None:
        self.context, self.chosen = context, chosen
        self.bound = context.bound(chosen)
        """The system's probes, shared by all its handles."""

    @classmethod
    def lacking(cls, given: Collection[str]) -> list[str]:
        """The capabilities that it needs and the system lacks."""
        lacking = [need for need in cls.needs if need not in given]
        return lacking if set(cls.one_of) & {*given} or not cls.one_of else [*lacking, " or ".join(cls.one_of)]

    @classmethod
    def used(cls, given: Collection[str]) -> list[str]:
        """The capabilities that it uses, of those given."""
        return [*cls.needs, *[need for need in cls.one_of if need in given][:1]]

    def __repr__(self) -> str:
        return self.chosen.name

    @property
    def run(self) -> Run:
        return self.context.run

    @property
    def settings(self) -> Any:
        """The settings of the (first) capability."""
        name = self.used(self.chosen.given)[0]
        return self.chosen.own[name] if name in self.chosen.own else getattr(self.chosen.settings, name)

    def leave(self, what: str) -> None:
        """Record what the check may leave on the target, before it does; the report lists what is not taken back."""
        self.context.leftovers.add(self.chosen.name, what)
        with reading(f"put on the target: {what}") as facts:
            facts["left"] = what

    @contextmanager
    def leaving(self, what: str) -> Iterator[None]:
        """Record it around the request that leaves it, and take it back if the far end was never reached."""
        self.leave(what)
        try:
            yield
        except NoReading as gone:
            if gone.kind in UNSENT:
                self.take_back(what)
            raise

    def take_back(self, what: str) -> None:
        """Delete the record: the far end refused it, or the check removed it."""
        self.context.leftovers.take_back(self.chosen.name, what)
        with reading(f"not on the target: {what}"):
            pass
