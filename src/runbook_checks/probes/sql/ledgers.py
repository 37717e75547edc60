"""Compare the table in which a migration tool records its migrations with what a release expects.

Names of an own table, and Prisma's, sort in the order of time, numbers by value. Alembic's revisions have no order: the
table holds the heads alone. Django's order is that of each app.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

State = Literal["undone", "rolled-back", "unfinished", "done"]
_STATES: tuple[State, ...] = ("undone", "rolled-back", "unfinished", "done")
NONE = "none"


@dataclass(frozen=True)
class Entry:
    """One row. `version` is None for what has no place in the order, such as Flyway's repeatable migrations."""

    name: str
    version: str | None
    state: State
    recorded: int = 0  # the tool's own count of its rows; 0 where it keeps none


@dataclass(frozen=True)
class Difference:
    """The newest migration is not the expected one. `cause` is None where the table cannot show which is newer."""

    cause: Literal["behind", "ahead"] | None
    newest: str
    expected: str


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """One entry for each name: the last recorded one, or without such an order the one that got furthest."""
    found = {one.name: one for one in sorted(entries, key=lambda one: (one.recorded, _STATES.index(one.state)))}
    return sorted(found.values(), key=lambda one: natural(one.name))


def natural(name: str) -> list[int | str]:
    """A sort key in which numbers count by their value."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def compare(kind: str, entries: Sequence[Entry], expected: str) -> Difference | None:
    """None where the newest migration that is done is the expected one. ValueError: `expected` is no such name."""
    done = [one for one in entries if one.state == "done" and one.version is not None]
    if kind == "alembic":
        return _revisions({one.name for one in done}, expected)
    if kind == "django":
        found = (_app(done, one) for one in _words(expected))
        return next((one for one in found if one is not None), None)
    return _versions(done, expected, _KEYS.get(kind, str))


def _versions(done: Sequence[Entry], expected: str, version: Callable[[str], str]) -> Difference | None:
    place = natural(version(expected))
    there = sorted((natural(version(str(one.version))), one.name) for one in done)
    keys = [key for key, _ in there]
    if there and keys[-1] == place:
        return None
    # A ledger that begins later covers what came before: a baseline, or the one row that golang-migrate keeps.
    is_ahead = bool(there) and (place in keys or keys[0] > place)
    return Difference("ahead" if is_ahead else "behind", there[-1][1] if there else NONE, expected)


def _revisions(heads: set[str], expected: str) -> Difference | None:
    wanted = set(_words(expected))
    if heads == wanted:
        return None
    cause: Literal["behind", "ahead"] | None = "behind" if heads < wanted else "ahead" if heads > wanted else None
    return Difference(cause, ", ".join(sorted(heads)) or NONE, ", ".join(sorted(wanted)))


def _app(done: Sequence[Entry], expected: str) -> Difference | None:
    """By one app's rows, since Django counts for each app. A name that only one app has needs no app before it."""
    wanted = [one for one in done if expected in (one.name, one.name.partition(".")[2])]
    apps = {one.name.partition(".")[0] for one in wanted} or {expected.rpartition(".")[0]}
    if len(apps) > 1:
        raise ValueError(f"several apps have {expected}: write APP.{expected}")
    in_app = [one for one in done if one.name.partition(".")[0] in apps or apps == {""}]
    rows = sorted(in_app, key=lambda one: one.recorded)
    newest = rows[-1].name if rows else NONE
    if not wanted:
        return Difference("behind", newest, expected)
    later = [one for one in rows if _follows(one, wanted[0])]
    return Difference("ahead", later[-1].name, expected) if later else None


def _follows(entry: Entry, expected: Entry) -> bool:
    """By the numbers of the names, else by the order of the rows: a squashed migration can be recorded last."""
    first, second = (_django_number(one.name) for one in (entry, expected))
    return entry.recorded > expected.recorded if first is None or second is None else first > second


def _django_number(name: str) -> int | None:
    """The last number of shop.0001_squashed_0004_price, the one of shop.0005_stock."""
    found = re.match(r"[^.]*\.(?:\d+_squashed_)?(\d+)", name)
    return int(found[1]) if found else None


def _words(expected: str) -> list[str]:
    """Names between blanks or commas; `alembic heads` prints "(head)" after each."""
    found = [word for word in re.split(r"[\s,]+", expected) if word and not word.startswith("(")]
    if not found:
        raise ValueError("it names no migration")
    return found


def _number(name: str) -> str:
    """The version before a file's name (000007_prices.up.sql); Rails writes it with underscores in schema.rb."""
    plain = name.replace("_", "") if re.fullmatch(r"[\d_]+", name) else name
    found = re.match(r"-?\d+", plain)
    if not found:
        raise ValueError(f"it begins with no version number: {name}")
    return str(int(found[0]))


def _dotted(name: str) -> str:
    """Flyway's version, bare or from a file's name such as V1_10__prices.sql; 1.0 is 1."""
    found = re.fullmatch(r"[VUB]?(\d+(?:[._]\d+)*)(?:__.*)?", name)
    if not found:
        raise ValueError(f"it is no version: {name}")
    return re.sub(r"(\.0)+$", "", ".".join(str(int(part)) for part in re.split(r"[._]", found[1])))


_KEYS: dict[str, Callable[[str], str]] = {
    "flyway": _dotted,
    "golang-migrate": _number,
    "rails": _number,
    "goose": _number,
}
