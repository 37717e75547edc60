"""The name server of a measured sweep. Its answers are packed in advance, so that it does not limit the sweep."""

from __future__ import annotations

import heapq
import json
import select
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Zone = dict[tuple[str, str], list[str]]

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "TXT": 16, "AAAA": 28}
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(zone: Zone, delay_ms: int) -> Iterator[int]:
    """Serve the zone in a separate process; yield the port."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.domains.nameserver", str(delay_ms)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(json.dumps([[*key, values] for key, values in zone.items()]).encode())
        child.stdin.close()
        yield int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()


def wire(name: str) -> bytes:
    labels = (label.encode() for label in name.rstrip(".").split("."))
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def packed(zone: Zone) -> dict[bytes, tuple[int, int, bytes]]:
    """Return flags, count and the records after the question, for each question that has an answer."""
    answers: dict[bytes, tuple[int, int, bytes]] = {}
    for name in {name for name, _ in zone}:
        for kind, number in TYPES.items():
            records, count, here = b"", 0, name
            pointer = b"\xc0\x0c"
            while kind != "CNAME" and (here, "CNAME") in zone:
                here = zone[here, "CNAME"][0]
                records += pointer + _record(5, wire(here))
                pointer, count = wire(here), count + 1
            for value in zone.get((here, kind), []):
                records, count = records + pointer + _record(number, _data(kind, value)), count + 1
            answers[wire(name) + number.to_bytes(2, "big") + b"\0\x01"] = (0x8580, count, records)
    return answers


def _record(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + b"\0\x01\0\0\0\x3c" + len(data).to_bytes(2, "big") + data


def _data(kind: str, value: str) -> bytes:
    if kind == "TXT":
        return bytes((len(value),)) + value.encode()
    return socket.inet_aton(value) if kind == "A" else wire(value)


def serve(zone: Zone, delay_s: float) -> None:
    """Answer forever, each question after the delay."""
    answers = packed(zone)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    print(sock.getsockname()[1], flush=True)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    late: list[tuple[float, int, bytes, tuple[str, int]]] = []
    number = 0
    while True:
        poll.poll(max(0.0, (late[0][0] - time.monotonic()) * 1000) if late else None)
        try:
            while True:
                query, sender = sock.recvfrom(4096)
                answer = _answer(query, answers)
                if delay_s:
                    number += 1
                    heapq.heappush(late, (time.monotonic() + delay_s, number, answer, sender))
                else:
                    sock.sendto(answer, sender)
        except BlockingIOError:
            pass
        while late and late[0][0] <= time.monotonic():
            _, _, answer, sender = heapq.heappop(late)
            sock.sendto(answer, sender)


def _answer(query: bytes, answers: dict[bytes, tuple[int, int, bytes]]) -> bytes:
    question = query[12 : query.index(0, 12) + 5]
    flags, count, records = answers.get(question[:-4].lower() + question[-4:], (0x8583, 0, b""))
    return (
        query[:2] + flags.to_bytes(2, "big") + b"\0\x01" + count.to_bytes(2, "big") + b"\0\0\0\0" + question + records
    )


if __name__ == "__main__":
    given = json.load(sys.stdin)
    serve({(name, kind): values for name, kind, values in given}, float(sys.argv[1]) / 1000)
