"""A scratch database on a configured server is dropped when the drill is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_checks.probes.postgres.client import Postgres
from tests.harness import LabClient, describe
from tests.probes import pg
from tests.product.test_drill import DRILL, SYSTEM, environment


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    with pg.started("CREATE ROLE aura_flow_user", "CREATE ROLE aura_monitor") as made:
        yield made


@pytest.mark.parametrize("fault", [None, "backup.not-restorable:restore-error", "backup.not-restorable:rows-missing"])
def test_scratch_database_is_dropped(
    lab_of: Callable[[str], LabClient], server: pg.Server, tmp_path: Path, fault: str | None
) -> None:
    aura = lab_of(SYSTEM)
    env = environment(tmp_path, server={"env": "SCRATCH_DSN"})
    with aura.fault(*([fault] if fault else [])):
        ran = aura.check(*DRILL, env=env, variables=aura.variables | {"SCRATCH_DSN": server.dsn()})
    result = ran.results["backup.not-restorable"]
    assert result["outcome"] == ("found" if fault else "clear"), describe(ran)
    database = Postgres(server.dsn())
    assert database.query("SELECT datname FROM pg_database WHERE datname LIKE 'runbook%'") == []
    assert any(b"CREATE DATABASE" in line for line in server.log.read_bytes().splitlines())
    database.close()
    assert pg.PASSWORD not in ran.output() + str(ran.document)


def test_systems_own_server_is_refused_before_anything_is_created(
    lab_of: Callable[[str], LabClient], tmp_path: Path
) -> None:
    """Recognised by the server's own identifier, because it may have another name."""
    aura = lab_of(SYSTEM)
    own = aura.variables["LAB_AF_MONITOR_DSN"]
    again = own.replace("/aura_flow", "/postgres", 1)
    assert again != own
    for dsn in (own, again):
        env = environment(tmp_path, server={"env": "SCRATCH_DSN"})
        result = aura.check(*DRILL, env=env, variables=aura.variables | {"SCRATCH_DSN": dsn}).results[
            "backup.not-restorable"
        ]
        assert (result["outcome"], result["resource"]) == ("unknown", "scratch")
        assert "name another" in result["reason"]
