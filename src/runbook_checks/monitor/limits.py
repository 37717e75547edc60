"""A timeout for a whole operation: libraries time out each read, which a slow trickle of bytes never reaches."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
WHOLE_S = 20.0  # for a message, a heartbeat or a push, with its response


def with_timeout(work: Callable[[], T]) -> T:
    """Run `work` in a thread and return its result; TimeoutError after WHOLE_S.

    After a timeout the thread runs until the process ends, so `work` must not change shared state.
    """
    done: Future[T] = Future()
    thread = threading.Thread(target=_do, args=(work, done), daemon=True)
    thread.start()
    thread.join(WHOLE_S)
    if not done.done():
        raise TimeoutError(f"timed out after {WHOLE_S:g} s")
    return done.result()


def _do(work: Callable[[], T], done: Future[T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
