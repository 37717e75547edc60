"""Run a real Prometheus with a history.

promtool writes the past into blocks; from then on Prometheus scrapes a small exporter. Both use the same functions of
time. A change of behaviour means another past: the server is stopped, its data are written again, and it starts again
on its port, which takes about half a second.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from runbook_checks_lab import processes
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.ports import quiet_port
from runbook_checks_lab.servers.request_log import QueryLog
from runbook_checks_lab.servers.timeseries import MONTH_S, Series
from runbook_checks_lab.toolbox import find

BOOT_S = 20.0
# An account that may read; bcrypt at its lowest cost, because it is verified at every request.
PASSWORD = "only-the-lab-reads-with-this"  # noqa: S105  the lab's own
HASH = "$2b$04$abcdefghijklmnopqrstuuSFVJIFtOmUavIC9qT2awBPOJbBqU5Ri"
CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, query_log_file: {queries}}}
scrape_configs:
  - job_name: lab
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
"""


class Prometheus:
    """`describe` returns the series for a behaviour and its start time; the behaviour has `is_running` and `login`."""

    def __init__(self, folder: Path, behaviour: Any, describe: Callable[[Any, float], Iterable[Series]]) -> None:
        self.behaviour = behaviour
        self.port = 0
        self._folder = folder
        self._describe = describe
        self._exporter = Exporter()
        self._exporter_http = HttpServer(is_noted=False)
        self._settled: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self.queries = QueryLog("prometheus", folder / "queries.log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the server. Raises OSError if Prometheus is not installed."""
        for program in ("prometheus", "promtool"):
            find(program)
        self.port = quiet_port()
        (self._folder / "prometheus.yml").write_text(
            CONFIGURATION.format(exporter=self._exporter_http.port, queries=self._folder / "queries.log")
        )
        await self._exporter_http.start(self._exporter)
        await self.settle()

    async def stop(self) -> None:
        await self._exporter_http.stop()
        await self._end()

    async def settle(self) -> None:
        if self.port == 0 or self.behaviour == self._settled:
            return
        before, self._settled = self._settled, copy.deepcopy(self.behaviour)
        self._write_login()
        if before is None or not self._differs_by_login_alone(before):
            await self._end()
            await asyncio.to_thread(self._make_past)
            if self.behaviour.is_running:
                await self._run()

    def _differs_by_login_alone(self, before: Any) -> bool:
        """Whether only the login changed: it is read at every request; every other change means another past."""
        other = copy.deepcopy(before)
        other.login = self.behaviour.login
        return bool(other == self.behaviour)

    def _write_login(self) -> None:
        (self._folder / "web.yml").write_text(f"basic_auth_users: {{{self.behaviour.login}: {HASH}}}\n")

    async def _end(self) -> None:
        if self._process:
            await asyncio.to_thread(processes.end, self._process, signal.SIGKILL)
        self._process = None

    def _make_past(self) -> None:
        now = time.time()
        self._exporter.series = list(self._describe(self.behaviour, now))
        data, text = self._folder / "data", self._folder / "past.txt"
        shutil.rmtree(data, ignore_errors=True)
        with text.open("w") as file:
            file.writelines(_past(self._exporter.series, now))
        longest = f"--max-block-duration={2 * MONTH_S}s"
        words = [str(find("promtool")), "tsdb", "create-blocks-from", longest, "openmetrics", str(text), str(data)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"promtool failed: {(done.stderr or done.stdout).strip()[-300:]}")

    async def _run(self) -> None:
        folder = self._folder
        self._process = processes.spawn(
            [
                str(find("prometheus")),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--web.config.file={folder / 'web.yml'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=60d",
                "--log.level=warn",
            ],
            cwd=folder,
            output=(folder / "output.log").open("wb"),
        )
        await asyncio.to_thread(self._wait, self._process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until it has read its data: before, it responds 503, and 401 without credentials."""
        login = base64.b64encode(f"{self.behaviour.login}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        ready = urllib.request.Request(f"{self.url}/-/ready", headers=headers)  # noqa: S310  http
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + BOOT_S
        while True:
            with contextlib.suppress(OSError):
                opener.open(ready, timeout=5).close()
                return
            if process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "output.log").read_text(errors="replace")[-300:]
                raise OSError(f"Prometheus did not start: {said.strip()}")
            time.sleep(0.02)


class Exporter:
    """The present values in the text format, as an ASGI application."""

    def __init__(self) -> None:
        self.series: list[Series] = []

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        now = time.time()
        body = "".join(series.line(now, with_time=False) for series in self.series).encode()
        headers = [(b"content-type", b"text/plain; version=0.0.4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _past(series: Iterable[Series], now: float) -> Iterator[str]:
    """Yield OpenMetrics: the samples of one series after the other, each in order of time."""
    for one in series:
        yield from (one.line(at, with_time=True) for at in one.moments(now))
    yield "# EOF\n"
