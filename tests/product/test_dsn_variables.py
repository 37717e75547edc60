"""DSNs of the instance that is about to start, as applications and frameworks write them, in one run of the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.harness import run

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "Qzrtvx-wvxkjq"
# Engine and DSN, and what comes of it: an outcome, or the cause and a part of the sentence.
DSNS = {
    "neon": ("postgresql", f"postgresql://u:{PASSWORD}@ep-a.aws.neon.tech/shop?sslmode=require", "clear", ""),
    "port": ("postgresql", f"postgres://u:{PASSWORD}@db.test:5434/shop", "clear", ""),
    "several-hosts": ("postgresql", f"postgresql://u:{PASSWORD}@a.test,b.test:5433/shop", "clear", ""),
    "prisma": ("postgresql", f"postgresql://u:{PASSWORD}@db.test/shop?schema=public&pgbouncer=true", "clear", ""),
    "asyncpg": ("postgresql", f"postgresql+asyncpg://u:{PASSWORD}@db.test/shop", "clear", ""),
    "psycopg-async": ("postgresql", f"postgresql+psycopg_async://u:{PASSWORD}@db.test/shop", "clear", ""),
    "postgis": ("postgresql", f"postgis://u:{PASSWORD}@db.test/shop", "clear", ""),
    "ecto": ("postgresql", f"ecto://u:{PASSWORD}@db.test/shop", "clear", ""),
    "query": ("postgresql", f"postgresql:///?host=/run/postgresql&user=u&password={PASSWORD}&dbname=shop", "clear", ""),
    "pairs": ("postgresql", f"host=db.test user=u password={PASSWORD} dbname=shop", "clear", ""),
    "pairs-without-database": ("postgresql", f"host=db.test user=u password={PASSWORD}", "part-missing", "database"),
    "without-database": ("postgresql", f"postgresql://u:{PASSWORD}@db.test/", "part-missing", "has no database"),
    "without-user": ("postgresql", "postgresql://db.test/shop", "part-missing", "has no user"),
    "npgsql": ("postgresql", f"Host=db.test;Username=u;Password={PASSWORD};Database=shop", "unknown", "with ';'"),
    "jdbc": ("postgresql", f"jdbc:postgresql://db.test/shop?user=u&password={PASSWORD}", "unknown", "JDBC"),
    "jdbc-of-another": ("postgresql", f"jdbc:mysql://db.test/shop?user=u&password={PASSWORD}", "wrong-engine", "mysql"),
    "another-engine": ("postgresql", f"mysql://u:{PASSWORD}@db.test/shop", "wrong-engine", "mysql"),
    "remark": ("postgresql", "ask the database team", "not-a-url", "no URL"),
    "rails": ("mysql", f"mysql2://u:{PASSWORD}@db.test/shop?pool=5", "clear", ""),
    "pymysql": ("mysql", f"mysql+pymysql://u:{PASSWORD}@db.test/shop", "clear", ""),
    "go": ("mysql", f"u:{PASSWORD}@tcp(db.test:3306)/shop?parseTime=true", "unknown", "Go's MySQL driver"),
    "ado": ("mysql", f"Server=db.test;Uid=u;Pwd={PASSWORD};Database=shop", "unknown", "with ';'"),
    "pairs-of-another": ("mysql", f"host=db.test user=u password={PASSWORD} dbname=shop", "not-a-url", "no URL"),
}


def test_dsn_of_every_driver_is_read_or_unknown(tmp_path: Path) -> None:
    systems = {}
    for name, (engine, dsn, _, _) in DSNS.items():
        (tmp_path / f"{name}.env").write_text(f"SHOP_DSN='{dsn}'\n" if "'" not in dsn else f'SHOP_DSN="{dsn}"\n')
        systems[name] = {
            "runbook": "shop.yaml",
            "variables": {"file": str(tmp_path / f"{name}.env"), "dsn": {"SHOP_DSN": engine}},
        }
    (tmp_path / "shop.yaml").write_text("title: Shop\nsymptoms: {preflight.dsn-malformed: }\n")
    file = tmp_path / "staging.yaml"
    file.write_text(json.dumps({"name": "staging", "tier": "staging", "effects": "read", "systems": systems}))
    ran = run("--env", str(file), out=tmp_path / "out")
    results = {result["system"]: result for result in ran.document["results"]}
    got = {
        name: one["findings"][0]["cause"] if one["outcome"] == "found" else one["outcome"]
        for name, one in results.items()
    }
    assert got == {name: result for name, (_, _, result, _) in DSNS.items()}, ran.output()
    for name, (_, _, _, text) in DSNS.items():
        assert text in json.dumps(results[name]), name
    assert PASSWORD not in ran.output() + json.dumps(ran.document)
