"""The exit code shows what a pipeline needs: never 0 when nothing was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, SYSTEM, LabClient, describe, run

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = "effects: read"


def altered(folder: Path, *changes: tuple[str, str]) -> str:
    """Write the lab's environment file with some words replaced, in another folder."""
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)  # AI Customer Service comes first
    path = folder / "altered.yaml"
    path.write_text(text)
    return str(path)


def test_0_when_all_is_clear(lab: LabClient) -> None:
    ran = lab.check("-m", "health")
    assert ran.code == 0, describe(ran)
    assert set(ran.outcomes("clear")) == set(ran.results), describe(ran)


def test_1_when_a_symptom_is_found(lab: LabClient) -> None:
    with lab.fault("backup.stale:none"):
        ran = lab.check("-m", "backup")
    assert ran.code == 1
    assert ran.document["run"]["exit_code"] == 1


def test_gate_ignores_findings_of_lower_severity(lab: LabClient) -> None:
    with lab.fault("backup.stale:none"):
        ran = lab.check("--gate", "P1", "-m", "backup or health")
        alone = lab.check("--gate", "P1", "-m", "backup")
    assert ran.code == 0, describe(ran)
    assert "backup.stale" in ran.stdout
    assert alone.code == 5, "no check counts at the gate, so nothing was verified"


def test_gate_uses_the_severity_of_the_finding_not_of_the_marker(lab: LabClient) -> None:
    """For the same check, a certificate due for renewal is P2, and a failing renewal is P1."""
    with lab.fault("domain.certificate-expiring:renewal-failing"):
        late = lab.check("--gate", "P1", "-m", "domain")
    with lab.fault("domain.certificate-expiring:renewal-due"):
        due = lab.check("--gate", "P1", "-m", "domain")
    assert (late.code, due.code) == (1, 0), describe(late) + describe(due)


def test_10_when_a_check_is_unknown(lab: LabClient) -> None:
    with lab.outage("backup-folder-missing"):
        ran = lab.check("-m", "backup or health")
    assert ran.code == 10, describe(ran)
    assert ran.document["roots"] == [f"unreadable:backups[{SYSTEM}]"]


def test_1_has_priority_over_10(lab: LabClient) -> None:
    with lab.outage("log-file-missing"), lab.fault("backup.stale:none"):
        assert lab.check("-m", "backup or logs").code == 1


@pytest.mark.parametrize("option", ["-x", "--maxfail=1", "--exitfirst"])
def test_2_when_checks_are_not_run_after_the_first_finding(lab: LabClient, option: str) -> None:
    """Checks that did not run are not clear: the most severe finding may be among them."""
    with lab.fault("backup.stale:none"):
        ran = lab.check("--gate", "P0", "-m", "backup or webhook", option)
        counted = lab.check("--gate", "P2", "-m", "backup or webhook", option)
    assert (ran.code, counted.code) == (2, 1), describe(ran)
    assert "checks were not run; remove -x and --maxfail" in " ".join(ran.stdout.split())


def test_5_when_nothing_is_selected(lab: LabClient) -> None:
    ran = lab.check("-m", "drill")
    assert ran.code == 5
    assert "nothing verified" in ran.stdout


def test_5_when_all_is_skipped_and_listed(lab: LabClient, tmp_path: Path) -> None:
    env = altered(tmp_path, ("effects: write", READ_ONLY))
    ran = lab.check("-m", "write", env=env)
    assert ran.code == 5
    assert set(ran.outcomes("skipped")) == set(ran.results)
    assert "Not verified" in ran.stdout
    assert "effects: write" in ran.results["webhook.chain-broken"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "no environment chosen: give --env NAME|PATH or set CHECKS_ENV (there are: lab"),
        (("--env", "labb"), "--env labb: there is no such environment; did you mean 'lab'?"),
        (("--env", "nowhere/staging.yaml"), "--env nowhere/staging.yaml: there is no such file"),
        (("--env", "lab", "--gate", "P9"), "--gate P9: must be one of P0, P1, P2, P3"),
        (("--env", "lab", "--system", "ai-customer-servic"), "did you mean 'ai-customer-service'?"),
        (("--env", "lab", "--checklist", "rollback-verificatio"), "did you mean 'rollback-verification'?"),
        (("--env", "lab", "--fault", "health.slow:slow-dnss"), "did you mean 'health.slow:slow-dns'?"),
        (("--env", "lab", "--fault", "webhook.stale-accepted:accepted@sales-ai"), "sales-ai has no such fault"),
        (("--env", "lab", "--expect-version", "absent=1.0"), "no system 'absent' is chosen"),
        (("--env", "lab", "--domain", "https://x/"), "must be a host name such as shop.example.com"),
        (("--env", "lab", "-m", "healt and p1"), "there is no marker 'healt'; did you mean 'health'?"),
    ],
)
def test_4_for_bad_usage_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    ran = run(*arguments)
    assert ran.code == 4, ran.output()
    assert sentence in ran.output()
    assert "Traceback" not in ran.output()


def test_4_for_a_results_file_that_cannot_be_written(lab: LabClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lab.ask("DELETE", "requests")
    for results in (tmp_path, tmp_path / "file" / "r.json"):
        ran = lab.check("--results", str(results))
        assert ran.code == 4, ran.output()
        assert f"--results {results} can't be written" in ran.output()
    assert lab.ask("GET", "requests") == [], "no check ran"


def test_fault_is_refused_outside_the_lab(tmp_path: Path) -> None:
    env = tmp_path / "staging.yaml"
    env.write_text(
        "name: staging\ntier: staging\nsystems: {ai-customer-service: {http: {base_url: http://127.0.0.1:9}}}\n"
    )
    ran = run("--env", str(env), "--fault", "health.slow:slow-dns")
    assert ran.code == 4
    assert "--fault works in the lab only, and staging is not the lab" in ran.output()


def test_checklist_is_ticked_crossed_or_unanswered(lab: LabClient) -> None:
    healthy = lab.check("--checklist", "rollback-verification")
    assert healthy.code == 0, describe(healthy)
    states = [item["state"] for item in healthy.document["checklist"]["items"]]
    assert states == ["ticked"] * 3
    assert "[x]" in healthy.stdout
    with lab.fault("health.wrong-version:old-version-running"):
        crossed = lab.check("--checklist", f"{SYSTEM}/rollback-verification")
    assert crossed.code == 1
    assert [item["state"] for item in crossed.document["checklist"]["items"]] == ["crossed", "ticked", "ticked"]
    with lab.outage("version-not-told"):
        unanswered = lab.check("--checklist", "rollback-verification")
    assert unanswered.code == 10
    assert unanswered.document["checklist"]["items"][0]["state"] == "unanswered"


def test_attested_item_is_shown_as_attested_never_as_ticked(lab: LabClient, tmp_path: Path) -> None:
    checklist = (
        "    checklists: {handover: {items: [{item: service is ready, symptoms: [health.not-ready]},"
        " {item: team notified, attested: true}]}}\n"
    )
    env = altered(tmp_path, ("    resolver:", checklist + "    resolver:"))
    without = lab.check("--checklist", "handover", env=env)
    assert (without.code, without.document["checklist"]["items"][1]["state"]) == (10, "unanswered"), without.output()
    vouched = lab.check("--checklist", "handover", "--attest", "Team  Notified", env=env)
    assert vouched.code == 0
    assert vouched.document["checklist"]["items"][1]["state"] == "attested"
    assert "attested, not verified" in vouched.stdout


def test_expected_version_comes_from_the_caller(lab: LabClient) -> None:
    for given in ("9.9.9", f"{SYSTEM}=9.9.9"):
        ran = lab.check("--expect-version", given, "-k", "expected_version")
        assert ran.code == 1
        assert ran.results["health.wrong-version"]["findings"][0]["wanted"].startswith("9.9.9")
