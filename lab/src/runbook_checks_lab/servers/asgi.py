"""Run an ASGI application inside the lab's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.servers import request_log
from runbook_checks_lab.servers.sockets import bound

if TYPE_CHECKING:
    import uvicorn


class HttpServer:
    """uvicorn on a port chosen beforehand, without its signal handlers and Date header.

    Requests are logged, except those to the lab itself.
    """

    def __init__(self, *, is_noted: bool = True) -> None:
        self._is_noted = is_noted
        self._socket = bound()
        self.port: int = self._socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, app: Any) -> None:
        uvicorn = await asyncio.to_thread(__import__, "uvicorn")

        class Quiet(uvicorn.Server):  # type: ignore[misc, name-defined]
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        # callers' invalid requests do not belong in the lab's output
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        config = uvicorn.Config(
            _noting(app) if self._is_noted else app,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            ws="none",
        )
        self._server = Quiet(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        """Stop at once: uvicorn's own shutdown waits for its next tick and for open connections."""
        if self._server and self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            for server in self._server.servers:
                server.close()
        self._socket.close()


def _noting(app: Any) -> Any:
    async def noted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request_log.record(type(app).__name__.lower(), f"{scope['method']} {scope['path']}")
        await app(scope, receive, send)

    return noted
