"""Every misbehaving server can be run by hand."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_server_runs_by_hand() -> None:
    command = [sys.executable, "-m", "tests.misbehaving", "http.html"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        reported = process.stdout.readline()
        address = re.search(r"at ([\d.]+):(\d+)", reported)
        assert address is not None, reported
        with socket.create_connection((address[1], int(address[2])), timeout=5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"200 OK" in sock.recv(1000)
        process.terminate()


@pytest.mark.parametrize("arguments", [[], ["http.nothing"]])
def test_names_are_listed(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "tests.misbehaving", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 4
    assert "http.drips-headers" in done.stdout
    assert "postgres.never-greets" in done.stdout
    assert "tls.drips" in done.stdout
