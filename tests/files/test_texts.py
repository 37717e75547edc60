"""No shared text names one of the four systems, and no text for one database engine names another engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from docs.generate import checks
from runbook_checks.config.load import HOME, read
from runbook_checks.config.remedy_commands import PLACEHOLDER
from runbook_checks.config.runbook import CAPABILITIES
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.handles.annotations import handles_of
from runbook_checks.results.wording import filled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runbook_checks.config.runbook import Chosen, Symptom

DSN = {"postgres": "postgresql", "mysql": "mysql"}
SYSTEMS = re.compile(
    r"reverse_?ai|aura|ai[-_ ]?cs|customer.service|sales|\bcs_|what_reverse|\bws_|\bwsu_|workspaces?\b(?!\.\w)|\bedge\b"
    r"|built (front|page)|pnpm|docker-compose|nginx|neon|queue-worker|slack-bot|transcri|recordings?\b|JWT_|\bSOP\b"
    r"|runbook section|scenario \d|actuator|server/(src|logs)|\b(5434|3001|5173|8080)\b",
    re.IGNORECASE,
)
# A product that a capability is for is named where that capability is needed, and nowhere else.
PRODUCTS = {
    re.compile(r"groq", re.IGNORECASE): ("dependency.groq-limited", "queue.failing"),
    re.compile(r"wrangler|cloudflare|\bWorkers?\b"): ("queue.",),
    re.compile(r"slack", re.IGNORECASE): ("slack.",),
}
OTHERS = {
    "postgres": re.compile(r"mysql|maria|innodb|processlist|bind.address|ssl-mode|mysqldump|table_mb", re.IGNORECASE),
    "mysql": re.compile(
        r"postgres|psql|\bpg_|listen_addresses|concurrently|vacuum|\bsslmode|search_path|\bWAL\b|pgbouncer|hostssl"
        r"|idle_in_transaction|\bstatement_timeout",
        re.IGNORECASE,
    ),
}


def example(folder: Path, capability: str | None) -> Chosen:
    """A system called example that lists every symptom, with one database or none."""
    names = [name for path in (HOME / "symptoms").glob("*.yaml") for name in yaml.safe_load(path.read_text())]
    runbook = {"http": {}, "symptoms": dict.fromkeys(names)}
    given: dict[str, object] = {"http": {"base_url": "http://127.0.0.1:9"}}
    if capability:
        given[capability] = {"dsn": {"env": "DSN"}, "schema": "example"}
    (folder / "example.yaml").write_text(yaml.safe_dump(runbook))
    environment = {"name": "e", "tier": "staging", "systems": {"example": given}}
    (folder / "e.yaml").write_text(yaml.safe_dump(environment))
    return read(folder / "e.yaml").systems["example"]


def rendered(name: str, text: Symptom) -> Iterator[tuple[str, str]]:
    """Every sentence of a symptom with a value in each placeholder, and where it stands."""
    yield f"{name} title", text.title
    yield f"{name} why", text.why
    for cause, told in text.causes.items():
        for sentence in (told.because, *told.remedy):
            values = {match[1]: f"some-{number}" for number, match in enumerate(PLACEHOLDER.finditer(sentence))}
            yield f"{name}:{cause}", filled(sentence, values)


def looked_for_with(engine: str) -> set[str]:
    """The symptoms that a system with this engine, and every other capability, can have."""
    given = {*CAPABILITIES} - (DSN.keys() - {engine})
    found = {check.symptom: handles_of(check).values() for check in checks()}
    return {name for name, handles in found.items() if not any(asked.lacking(given) for asked in handles)}


@pytest.mark.parametrize("engine", DSN)
def test_texts_name_no_system_and_no_other_engine(tmp_path: Path, engine: str) -> None:
    texts, possible = example(tmp_path, engine).symptoms, looked_for_with(engine)
    wrong: list[tuple[str, str, str]] = []
    for name, text in texts.items():
        patterns = [SYSTEMS, *(product for product, places in PRODUCTS.items() if not name.startswith(places))]
        patterns += [OTHERS[engine]] if name in possible else []
        found = (
            (place, pattern.search(sentence), sentence)
            for place, sentence in rendered(name, text)
            for pattern in patterns
        )
        wrong += [(place, match[0], sentence) for place, match, sentence in found if match]
    assert not wrong, "\n".join(map(str, wrong))
    assert len(possible) > 60


def test_each_engine_has_its_own_steps(tmp_path: Path) -> None:
    postgres, mysql, neither = (
        example(tmp_path, engine).symptoms["database.unreachable"].causes["connect-timeout"].remedy
        for engine in ("postgres", "mysql", None)
    )
    assert "pg_isready" in postgres[0]
    assert "mysqladmin" in mysql[0]
    assert postgres[1:] == mysql[1:]
    assert neither[:2] == [f"PostgreSQL: {postgres[0]}", f"MySQL: {mysql[0]}"]


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ({"postgres": "Run `a`.", "mysql": "Run `b`."}, ""),
        ({"postgres": "Run `a`.", "oracle": "Run `b`."}, "must be text, not a mapping"),
        ({"mysql": 5}, "must be text, not 5"),
        ({"mysql": "Run `a '{host}'`."}, "{host} stands inside quotes"),
    ],
)
def test_a_team_s_step_by_engine(tmp_path: Path, step: dict[str, object], wrong: str) -> None:
    causes = {"connect-timeout": {"remedy": [step]}}
    shop = {"mysql": {"schema": "shop"}, "symptoms": {"database.unreachable": {"causes": causes}}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(shop))
    environment = {"name": "e", "tier": "staging", "systems": {"shop": {"mysql": {"dsn": {"env": "DSN"}}}}}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(environment))
    if not wrong:
        chosen = read(tmp_path / "e.yaml").systems["shop"]
        assert chosen.symptoms["database.unreachable"].causes["connect-timeout"].remedy == ["Run `b`."]
        return
    with pytest.raises(BadFile) as bad:
        read(tmp_path / "e.yaml")
    assert "shop.yaml: symptoms.database.unreachable.causes.connect-timeout.remedy[0]" in str(bad.value)
    assert wrong in str(bad.value)
