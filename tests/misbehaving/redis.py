"""Servers that speak Redis' protocol, more or less."""

from __future__ import annotations

import socket
import time

from tests.misbehaving.http import pour
from tests.misbehaving.server import Visit, misbehaves

INFO = {
    "used_memory": "1000000",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "role": "master",
    "rdb_last_bgsave_status": "ok",
    "connected_clients": "3",
    "maxclients": "10000",
    "rejected_connections": "0",
    "uptime_in_seconds": "77",
}


def bulk(text: str) -> bytes:
    return f"${len(text)}\r\n{text}\r\n".encode()


def info(**differently: str | None) -> bytes:
    reported = {name: value for name, value in (INFO | differently).items() if value is not None}
    return bulk("# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in reported.items()))


def command(visit: Visit) -> bytes:
    """Return one command of the client, which is one packet."""
    return visit.sock.recv(65536)


def answers(name: str, pong: bytes, reported: bytes) -> None:
    @misbehaves(f"redis.{name}")
    def answer(visit: Visit) -> None:
        while seen := command(visit):
            visit.say(reported if b"INFO" in seen else pong if b"PING" in seen else b"+OK\r\n")


PONG = b"+PONG\r\n"
answers("healthy", PONG, info())
answers("replica", PONG, info(role="slave", slave_read_only="1"))
answers("writable-replica", PONG, info(role="slave", slave_read_only="0"))
answers("master-with-old-settings", PONG, info(slave_read_only="1"))
answers("without-a-number", PONG, b":7\r\n")
answers(
    "snapshot-failed", b"-MISCONF Redis is configured to save RDB snapshots\r\n", info(rdb_last_bgsave_status="err")
)
answers("log-failed", b"-MISCONF Errors writing to the AOF file: No space left\r\n", info())
answers("snapshot-failed-and-writes-go-on", PONG, info(rdb_last_bgsave_status="err"))
answers("without-memory", PONG, info(used_memory=None))
answers("memory-is-text", PONG, info(used_memory="1G"))
answers("info-forbidden", PONG, b"-NOPERM User monitor has no permissions to run the 'info' command\r\n")
answers("info-is-nothing", PONG, b"$-1\r\n")
answers("loading", b"-LOADING Redis is loading the dataset in memory\r\n", info())
answers("wants-login", b"-NOAUTH Authentication required.\r\n", info())
answers("says-something-else", b"+HELLO\r\n", info())
answers("no-protocol", b"HTTP/1.1 400 Bad Request\r\n\r\n", info())
answers("endless-length", PONG, b"$99999999999\r\n")


@misbehaves("redis.wrong-password")
def wrong_password(visit: Visit) -> None:
    command(visit)
    visit.say(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")


@misbehaves("redis.in-pieces")
def in_pieces(visit: Visit) -> None:
    while seen := command(visit):
        for piece in (info()[:2], info()[2:20], info()[20:]) if b"INFO" in seen else (PONG[:3], PONG[3:]):
            visit.say(piece)
            time.sleep(0.05)


@misbehaves("redis.full")
def full(visit: Visit) -> None:
    visit.say(b"-ERR max number of clients reached\r\n")


@misbehaves("redis.silent")
def silent(visit: Visit) -> None:
    visit.stay_silent()


@misbehaves("redis.drips")
def drips(visit: Visit) -> None:
    command(visit)
    visit.drip(b"+" + b"P" * 1000)


@misbehaves("redis.endless-line")
def endless_line(visit: Visit) -> None:
    command(visit)
    pour(visit, b"+" * 65536)


@misbehaves("redis.half-closed")
def half_closed(visit: Visit) -> None:
    visit.sock.shutdown(socket.SHUT_WR)
    visit.stay_silent(5)


@misbehaves("redis.resets-mid-answer")
def resets_mid_answer(visit: Visit) -> None:
    command(visit)
    visit.say(PONG)
    command(visit)
    visit.say(info()[:60])
    visit.stay_silent(0.1)
    visit.reset()


@misbehaves("redis.garbage-mid-answer")
def garbage_mid_answer(visit: Visit) -> None:
    command(visit)
    visit.say(PONG)
    command(visit)
    visit.say(info()[:60], b"\xff\x00\x1b[31m\r\n" * 200)
    visit.stay_silent(5)


@misbehaves("redis.hangs-up")
def hangs_up(visit: Visit) -> None:
    command(visit)
