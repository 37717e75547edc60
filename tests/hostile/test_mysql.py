"""Whatever a MySQL server does, the run ends in time and reports the right cause or unknown."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import tests.misbehaving.mysql  # noqa: F401 - it fills the registry
from tests.harness import PROJECT
from tests.hostile.product import PASSWORD, Settings, check, describe, must_be_orderly, outcomes
from tests.misbehaving.server import REGISTRY, BlackHole, FakeServer, refusing_port

if TYPE_CHECKING:
    from pathlib import Path

# The cause that database.unreachable reports for each; None if the runbook has no cause for it.
BEASTS = {
    "never-greets": "connect-timeout",
    "drips-greeting": "connect-timeout",
    "silent-after-greeting": "connect-timeout",
    "half-closed": None,
    "resets": None,
    "closes-after-greeting": None,
    "garbage": None,
    "http": None,
    "old-protocol": None,
    "greets-without-end": None,
    "switches-for-ever": None,
    "wants-plain-password": "tls-required",
    "wants-tls": "tls-required",
    "too-many": "too-many-connections",
    "host-unknown": "host-not-allowed",
    "shutting-down": "starting-up",
    "wrong-password": "authentication-failed",
    "repeats-password": "authentication-failed",
    "no-database": "database-missing",
}
# An unsupported protocol feature does not show a fault of the server.
NOT_OURS = ("unknown-plugin",)
MID_QUERY = (
    "silent-mid-query",
    "resets-mid-query",
    "garbage-mid-query",
    "drips-rows",
    "endless-rows",
    "row-without-end",
    "killed",
    "wants-a-file",
    "no-privilege",
    "no-table",
)


def dsn(port: int) -> str:
    return f"mysql://reverse_monitor:{PASSWORD}@127.0.0.1:{port}/reverseai?ssl-mode=DISABLED"


def mysql(number: int) -> Settings:
    limits = {"connect_timeout_s": 1.0, "statement_timeout_s": 1.0}
    database = {"dsn": {"env": f"PLANTED_DSN_{number}"}, **limits}
    return {"runbook": str(PROJECT / "runbooks" / "reverseai.yaml"), "deadline_s": 6, "mysql": database}


def test_servers_that_refuse_or_disconnect(tmp_path: Path) -> None:
    with ExitStack() as stack:
        names = [*BEASTS, *NOT_OURS, *MID_QUERY]
        ports = [stack.enter_context(FakeServer(REGISTRY[f"mysql.{name}"])).port for name in names]
        names += ["refuses", "swallows"]
        ports += [stack.enter_context(refusing_port()), stack.enter_context(BlackHole()).port]
        systems = {name: mysql(number) for number, name in enumerate(names)}
        ran = check(tmp_path, systems, "-m", "database or execution", dsns=tuple(map(dsn, ports)), timeout_s=120)
    must_be_orderly(ran, deadline_s=6)
    for name, cause in {**BEASTS, "refuses": "connection-refused", "swallows": "connect-timeout"}.items():
        got = outcomes(ran.of(name))
        assert got.pop("database.unreachable") == f"found:{cause}", f"{name}\n{describe(ran.of(name))}"
        assert set(got.values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"
        assert f"database.unreachable[{name}]" in ran.document["roots"]
    for name in NOT_OURS:
        assert set(outcomes(ran.of(name)).values()) == {"unknown"}, describe(ran.of(name))
    for name in MID_QUERY:
        got = outcomes(ran.of(name))
        assert got.pop("database.unreachable").startswith(("found:", "unknown")), f"{name}\n{describe(ran.of(name))}"
        assert set(got.values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"
