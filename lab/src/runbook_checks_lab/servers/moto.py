"""Run moto's server: S3, which also stands in for R2, and CloudWatch Logs."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks_lab import processes
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.front import Front
from runbook_checks_lab.servers.ports import quiet_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

BOOT_S = 30.0
CONTROL = "/lab-behaviour"
NEEDED = ("moto", "flask", "flask_cors", "boto3")


@dataclass
class MotoBehaviour:
    """How S3 requests are treated before moto receives them; the other services are moto's alone."""

    keys: dict[str, str] = field(default_factory=dict)  # access key id -> secret; empty: not checked
    refused: list[str] = field(default_factory=list)  # access keys without any permission
    clock_offset_s: float = 0.0
    refuses_checksums: bool = True  # as in R2, where checksum headers are not implemented


class Moto:
    """One child process for all systems, behind a front that terminates TLS for localhost; started on first use."""

    def __init__(self, folder: Path, tls: Callable[[ChainPlan], ssl.SSLContext]) -> None:
        self.behaviour = MotoBehaviour()
        self.port = quiet_port()
        self.front = Front(self.port, tls)
        self.front.behaviour.chain = ChainPlan(names=("localhost",))
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._settled: MotoBehaviour | None = None
        self._starting: asyncio.Future[None] | None = None

    @property
    def url(self) -> str:
        """Uses a name that every resolver knows."""
        return f"https://localhost:{self.front.port}"

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start moto, or wait until another caller has started it. Raises OSError if it is not available."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise OSError(f"moto's server needs {', '.join(missing)}: pip install runbook-checks-lab")
        self._process = processes.spawn(
            [*processes.module(f"{__package__}.moto_child"), str(self.port)],
            output=(self._folder / "moto.log").open("wb"),
        )
        await asyncio.to_thread(self._wait)
        await self.settle()

    async def settle(self) -> None:
        await self.front.settle()
        if self._process and self.behaviour != self._settled:
            self._settled = copy.deepcopy(self.behaviour)
            await asyncio.to_thread(self.ask, "POST", CONTROL, vars(self._settled))

    async def stop(self) -> None:
        await self.front.stop()
        if self._process:
            await asyncio.to_thread(processes.end, self._process)

    def request_log(self) -> list[dict[str, Any]]:
        """Return the requests of clients other than the lab."""
        return list(json.loads(self.ask("GET", CONTROL))["requests"]) if self._process else []

    def clear(self) -> None:
        if self._process:
            self.ask("DELETE", CONTROL)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Return a boto3 client of the lab, with a key that is always accepted."""
        import boto3
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return boto3.client(
            service,
            endpoint_url=self.plain_url,
            region_name=region,
            aws_access_key_id="lab-behind",
            aws_secret_access_key="lab-behind",  # noqa: S106  opens nothing but the lab
            config=config,
        )

    def ask(self, method: str, path: str, document: Any = None) -> bytes:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.plain_url + path, data, method=method)  # noqa: S310  http, on loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            return bytes(answer.read())

    def _wait(self) -> None:
        assert self._process
        deadline = time.monotonic() + BOOT_S
        while True:
            try:
                self.ask("GET", CONTROL)
                return
            except (urllib.error.URLError, ConnectionError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    output = (self._folder / "moto.log").read_text(errors="replace")[-500:]
                    raise OSError(f"moto did not start: {output.strip() or error}") from error
                time.sleep(0.02)
