"""Reports of custom domains: one domain link by link, many in a table, from any of the sources."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, LabClient, Ran, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOP = "shop.blumenwerk.test"
SYSTEM = "reverseai"


@pytest.fixture
def lab(lab_of: Callable[[str], LabClient]) -> LabClient:
    return lab_of(SYSTEM)


def findings(ran: Ran) -> dict[str, set[str | None]]:
    """Return the found subjects by symptom."""
    return {name: {f["subject"] for f in result["findings"]} for name, result in ran.outcomes("found").items()}


def test_one_domain_is_reported_link_by_link(lab: LabClient) -> None:
    with lab.fault("domain.cname-wrong:wrong-target"):
        ran = lab.check("-m", "domain", "--domain", SHOP)
    assert ran.document["roots"] == [f"domain.cname-wrong[{SYSTEM}]#{SHOP}"]
    assert f"TXT         _reverseai.{SHOP} carries the token" in ran.stdout
    assert "CNAME       shop.blumenwerk.test -> shops.other-provider.lab.test" in ran.stdout
    assert "TLS         the connection was refused" in ran.stdout


def test_internal_address_of_a_customer_is_unknown_and_never_a_finding(lab: LabClient, tmp_path: Path) -> None:
    """If the environment allows no internal range, only the base host's own address is connected to."""
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    env = tmp_path / "lab.yaml"
    env.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("far_ends:")))
    with lab.fault("domain.cname-wrong:wrong-target"):
        ran = lab.check("-m", "domain", "--domain", SHOP, env=str(env))
    assert ran.document["roots"] == [f"domain.cname-wrong[{SYSTEM}]#{SHOP}"]
    assert ran.results["domain.https-broken"]["outcome"] == "unknown"
    assert "far_ends.allow" in ran.results["domain.https-broken"]["reason"]


def test_other_domains_are_not_checked(lab: LabClient) -> None:
    with lab.fault("domain.cname-wrong:wrong-target"):
        ran = lab.check("-m", "domain", "--domain", "bergsport.test")
    assert ran.code == 0, describe(ran)


@pytest.mark.parametrize("spelling", ["laden.müller-söhne.test", "laden.xn--mller-shne-9db0d.test"])
def test_idn_is_found_in_either_spelling(lab: LabClient, spelling: str) -> None:
    spelling = spelling if not spelling.isascii() else "laden.müller-söhne.test".encode("idna").decode()
    ran = lab.check("-m", "domain", "--domain", spelling)
    assert ran.code == 0, describe(ran)
    assert ran.outcomes("clear")


def test_unknown_domain_verifies_nothing(lab: LabClient) -> None:
    ran = lab.check("-m", "domain and not p2", "--domain", "unknown.example.test")
    assert ran.results["domain.cname-wrong"]["outcome"] == "skipped"


def test_many_findings_are_one_table_by_severity(lab: LabClient) -> None:
    with lab.fault("domain.https-broken:connection-refused"):
        ran = lab.check("-m", "domain")
    assert ran.folder
    tables = [list(csv.DictReader(path.open())) for path in (ran.folder / "allure").glob("*.csv")]
    assert len(tables) == 1
    assert {row["subject"] for row in tables[0]} == findings(ran)["domain.https-broken"]
    assert len(tables[0]) == 12, "every domain except the pending one"
    assert [row["severity"] for row in tables[0]] == sorted(row["severity"] for row in tables[0])


def test_domain_that_could_not_be_checked_is_not_clear(lab: LabClient) -> None:
    with lab.fault("domain.https-broken:handshake-failed"):
        ran = lab.check("-m", "domain")
    result = ran.results["domain.certificate-expired"]
    assert result["outcome"] == "unknown"
    assert SHOP in result["reason"]
    assert result["explained_by"] == f"domain.https-broken[{SYSTEM}]#{SHOP}"


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("api: {workspaces: [a71c05e2, b3d94f10, c6e82ab7, d05f61c3]}", {"certificate-issue-failed", "failure-events"}),
        (
            f"names: [{SHOP}, bergsport.test]",
            {"certificate-drift", "certificate-issue-failed", "failure-events", "verification-failed"},
        ),
    ],
    ids=["API", "list"],
)
def test_other_sources_give_what_they_can(lab: LabClient, tmp_path: Path, source: str, unknown: set[str]) -> None:
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    section = text[text.index("  reverseai:") :]
    section = section[: section.index("\n  aura-flow:")] if "\n  aura-flow:" in section else section
    section = section.replace("    domains:\n", f"    domains:\n      {source}\n      table: null\n")
    environment = tmp_path / "other.yaml"
    environment.write_text("name: other\ntier: production\neffects: write\nlab: true\nsystems:\n" + section + "\n")
    with lab.fault("domain.cname-wrong:wrong-target"):
        ran = lab.check("-m", "domain", env=str(environment))
    assert findings(ran)["domain.cname-wrong"] == {SHOP}
    told_apart = {name for name, r in ran.outcomes("unknown").items() if r["resource"] == "domain-records"}
    assert told_apart == {f"domain.{name}" for name in unknown}, describe(ran)
