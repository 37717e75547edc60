"""Untrusted files, as in a pull request from a fork, cannot start programs, read other files or show content."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.load import read, read_known
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.handles.backups import Backups
from runbook_checks.probes.core.reading import NoReading
from tests.harness import PROJECT, SYSTEM, run
from tests.probes.handles import handle

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "root:x:0:0:root:/root:/bin/sh"


def starts(name: str) -> list[str]:
    return ["sh", "-c", f"touch {name}; echo a-value-of-some-length"]


def environment(folder: Path, system: dict[str, Any], name: str = SYSTEM) -> Path:
    file = folder / "environment.yaml"
    file.write_text(json.dumps({"name": "pr", "tier": "production", "effects": "refused", "systems": {name: system}}))
    return file


@pytest.mark.parametrize("said", ["option", "variable", "nothing"])
def test_no_program_named_in_a_file_is_started(tmp_path: Path, said: str) -> None:
    file = environment(
        tmp_path,
        {
            "http": {"base_url": "http://127.0.0.1:9"},
            "webhook": {"secret": {"command": starts("for-a-secret")}},
            "proxy": {"command": starts("for-a-text")},
            "logs": {"command": ["touch", str(tmp_path / "for-the-log")]},
            "variables": {"command": ["touch", str(tmp_path / "for-the-variables")]},
            "host": {"here": True},
        },
    )
    words = ["--no-commands"] if said == "option" else []
    variables = {"CHECKS_NO_COMMANDS": "1"} if said == "variable" else {}
    selected = ["-m", "logs or preflight or health or webhook"]
    ran = run(f"--env={file}", *selected, *words, out=tmp_path / "out", variables=variables)
    started = {path.name for path in tmp_path.iterdir() if path.name.startswith("for-")}
    if said == "nothing":
        assert started == {"for-a-secret", "for-a-text", "for-the-log", "for-the-variables"}
        return
    assert started == set()
    assert ran.code == 10, ran.output()
    for symptom in ("health.unreachable", "logs.errors", "preflight.variable-missing"):
        result = ran.results[symptom]
        assert result["outcome"] == "unknown", result
        assert "--no-commands (or CHECKS_NO_COMMANDS) keeps programs" in result["reason"]


def test_no_program_of_a_configured_folder_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKS_NO_COMMANDS", "1")
    (tmp_path / "bin").mkdir()
    for name in ("initdb", "postgres", "psql"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (tmp_path / "bin" / name).chmod(0o755)
    refused = pytest.raises(NoReading, match=r"backups\.drill\.binaries is not used: --no-commands")
    with handle(Backups, tmp_path, backups={"folder": ".", "drill": {"binaries": "bin"}}) as backups, refused:
        backups._scratch()
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("how", ["absolute", "upwards", "a link", "a link by name"])
def test_no_file_outside_the_folder_is_read_as_a_runbook(tmp_path: Path, how: str) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text(f"{ROOT}\n'{ROOT}': secret\ntitle: x\n")
    here = tmp_path / "environments"
    here.mkdir()
    (here / "linked.yaml").symlink_to(foreign)
    (here / "shop.yaml").symlink_to(foreign)
    named = {"absolute": str(foreign), "upwards": "../foreign", "a link": "linked.yaml"}.get(how)
    file = environment(here, {"runbook": named} if named else {}, "shop")
    with pytest.raises(BadFile) as caught:
        read(file)
    reported = str(caught.value)
    assert "the runbook file must be below the environment file's folder" in reported
    assert "root" not in reported.replace(str(tmp_path), "")


@pytest.mark.parametrize("place", ["environments/shop.yaml", "environments/mine/shop.yaml", "runbooks/shop.yaml"])
def test_own_runbooks_of_a_suite_are_read(tmp_path: Path, place: str) -> None:
    runbook = tmp_path / place
    runbook.parent.mkdir(parents=True)
    runbook.write_text("http: {}\nsymptoms: {health.slow: }\n")
    (tmp_path / "environments").mkdir(exist_ok=True)
    named = os.path.relpath(runbook, tmp_path / "environments")
    system = {"runbook": named, "http": {"base_url": "http://127.0.0.1:9"}}
    assert list(read(environment(tmp_path / "environments", system, "shop")).systems["shop"].symptoms) == [
        "health.slow"
    ]
    system["runbook"] = str(PROJECT / "runbooks" / f"{SYSTEM}.yaml")
    assert read(environment(tmp_path / "environments", system, "shop")).systems


@pytest.mark.parametrize(
    "text",
    [
        f"{ROOT}\ndaemon:x:1:1\n",
        f"{ROOT}: x\nMatch user: {ROOT}\n",
        f"Subject: {ROOT}\nSubject: {ROOT}\nPass: [{ROOT}\n",
        f"Subject: {ROOT}\nSubject: {ROOT}\n{ROOT}: y\n",
        f"[{ROOT}]\nkey = {ROOT}\n",
        json.dumps({"docker-logins": {ROOT: {"auth": ROOT}}}),
    ],
)
def test_file_of_another_kind_is_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "shop.yaml").write_text(text)
    wanted = {"http": {"base_url": "http://127.0.0.1:9"}}
    for look in (lambda: read(tmp_path / "shop.yaml"), lambda: read(environment(tmp_path, wanted, "shop")),
                 lambda: read_known(tmp_path / "shop.yaml")):  # fmt: skip
        with pytest.raises(BadFile) as caught:
            look()
        for word in ("root", "daemon", "Subject", "Pass", "Match", "auth"):
            assert word not in str(caught.value).replace(str(tmp_path), ""), str(caught.value)


def test_line_that_is_not_a_key_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(f"name: e\ntier: staging\nsystems: {{{SYSTEM}: {{}}}}\n'{ROOT}': 1\n")
    with pytest.raises(BadFile, match=r"e\.yaml: unknown key that is no name.* \(line 4\)"):
        read(tmp_path / "e.yaml")
