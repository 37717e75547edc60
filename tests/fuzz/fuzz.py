"""Fuzz a parser with arbitrary bytes and with modified valid documents, and assert what must hold.

Single modifications of a document are all tried, double ones and bytes are drawn by hypothesis, derandomised, so that
failures are reproducible. Time is the thread's own CPU time, so that a busy machine causes no failure.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from runbook_checks.probes.core.reading import NoReading

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "runbook-checks-hypothesis")

QUICK_S = 0.5
MAX_GROWTH_KIB = 128 << 10
BEYOND = float("inf")  # written as 1e999
# Values that replace the expected one.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2.5, 1e308, 10**30, 10**400, -(10**400), BEYOND, "", "x", "\ud800", "\x00\x1b[31m\u202e",
    "1e999", "NaN", "9" * 5000, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "http://[::1/", [], [[]], {},
    {"": None}, ["a", ["b"]], [{"code": ["x"]}], "\u0661\u0662",
)  # fmt: skip
ABSENT = object()
Path_ = tuple[Any, ...]


def fuzzed(examples: int = 300) -> Callable[[Any], Any]:
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@contextmanager
def holding(what: object, *stated: type[Exception]) -> Iterator[None]:
    """A reading or an expected error, quickly; NoReading is always expected."""
    begun = time.thread_time()
    try:
        yield
    except NoReading as gone:
        must_be_told(gone)
    except BaseException as error:
        if isinstance(error, stated):
            return
        shown = repr(what)
        raise AssertionError(f"{type(error).__name__}: {error} at {shown[:600]}{'...' * (len(shown) > 600)}") from error
    took = time.thread_time() - begun
    assert took < QUICK_S, f"{took:.2f} s for {repr(what)[:300]}"


def must_be_told(gone: NoReading) -> None:
    assert gone.resource, gone.reason
    assert gone.reason, gone.resource
    assert gone.reason.isprintable(), gone.reason
    assert len(gone.reason) < 330, gone.reason
    json.dumps(gone.evidence)


@contextmanager
def bounded() -> Iterator[None]:
    """The process uses no more memory at the end than before, up to a limit."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_KIB, f"{grown >> 10} MiB more"


# ------------------------------------------------------------------ twisted documents
def written(value: Any) -> bytes:
    """Return a value as JSON; infinity as a number out of range."""
    return json.dumps(value).replace("Infinity", "1e999").encode()


def places(value: Any, here: Path_ = ()) -> Iterator[Path_]:
    """Yield every place in a document, the whole document first."""
    yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in inner:
        yield from places(entry, (*here, name))


def put(value: Any, place: Path_, odd: Any) -> Any:
    """Return the document with another value in that place, or without it."""
    if not place:
        return None if odd is ABSENT else odd
    name, *rest = place
    if isinstance(value, dict):
        made: Any = dict(value)
    elif isinstance(value, list):
        made = list(value)
    if not isinstance(value, dict | list) or (
        name not in value if isinstance(value, dict) else name not in range(len(value))
    ):
        return value
    if not rest and odd is ABSENT:
        del made[name]
    else:
        made[name] = put(made[name], tuple(rest), odd)
    return made


def twists(value: Any) -> Iterator[bytes]:
    """Yield the document with each place modified in each way, and nested more deeply than any parser reads."""
    for place in places(value):
        for odd in (*ODD, ABSENT):
            yield written(put(value, place, odd))
        for depth in (50, 700, 880, 940, 100_000):
            whole = written(put(value, place, "NESTED"))
            yield whole.replace(b'"NESTED"', b"[" * depth + b"]" * depth)


def twisted_twice(value: Any) -> st.SearchStrategy[bytes]:
    everywhere = st.sampled_from(list(places(value)))
    odd = st.sampled_from((*ODD, ABSENT))
    return st.builds(lambda a, x, b, y: written(put(put(value, a, x), b, y)), everywhere, odd, everywhere, odd)


# ------------------------------------------------------------------ twisted bytes
def mangled(*valid: bytes) -> st.SearchStrategy[bytes]:
    """Return valid responses that were cut, flipped, repeated, spliced or extended."""
    whole = st.sampled_from(valid)
    at, more = st.floats(0, 1), st.sampled_from(
        (b"\0", b"\xff", b"\xff" * 8, b"\r\n", b'"', b"{", b"\\", b"\0" * 300, b"9" * 5000, b"-1", b"\xc0\x0c")
    )  # fmt: skip

    def cut(text: bytes, place: float, _: float, __: bytes) -> bytes:
        return text[: int(place * len(text))]

    def flip(text: bytes, place: float, other: float, _: bytes) -> bytes:
        number = min(int(place * len(text)), len(text) - 1)
        return text[:number] + bytes([text[number] ^ (1 << int(other * 7.99))]) + text[number + 1 :]

    def insert(text: bytes, place: float, _: float, what: bytes) -> bytes:
        return text[: int(place * len(text))] + what + text[int(place * len(text)) :]

    def replace(text: bytes, place: float, _: float, what: bytes) -> bytes:
        return text[: int(place * len(text))] + what + text[int(place * len(text)) + len(what) :]

    def repeat(text: bytes, place: float, other: float, _: bytes) -> bytes:
        begin, end = sorted((int(place * len(text)), int(other * len(text))))
        return text[:begin] + text[begin:end] * 3 + text[end:]

    ways = st.lists(st.tuples(st.sampled_from((cut, flip, flip, insert, replace, repeat)), at, at, more),
                    min_size=1, max_size=3)  # fmt: skip

    def apply(text: bytes, steps: list[Any]) -> bytes:
        for way, place, other, what in steps:
            text = way(text, place, other, what) if text else text
        return text

    return st.builds(apply, whole, ways)


def any_bytes(size: int = 600) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=size)
