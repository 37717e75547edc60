"""Give up what a far end holds up: time-outs of libraries hold for each read, and a slow trickle outlives them."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
WHOLE_S = 20.0  # for a message, a ping or a push, with its answer


def in_time(work: Callable[[], T]) -> T:
    """What the work returns or raises; TimeoutError where it comes to no end.

    It then goes on in a thread of its own until the process ends: whatever it still does may touch nothing of others.
    """
    done: Future[T] = Future()
    thread = threading.Thread(target=_do, args=(work, done), daemon=True)
    thread.start()
    thread.join(WHOLE_S)
    if not done.done():
        raise TimeoutError(f"it came to no end within {WHOLE_S:g} s")
    return done.result()


def _do(work: Callable[[], T], done: Future[T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
