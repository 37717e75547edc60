"""Every command, file and excerpt in the documents works as shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from runbook_checks.config.load import read, read_known
from runbook_checks_lab.systems import SYSTEMS
from tests.docs.blocks import DOCUMENTS, Block, blocks, commands
from tests.harness import PROJECT, SYSTEM, LabClient, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harness import Ran

LANGUAGES = {"sh", "yaml", "json", "sql", "python", "console", "text"}
STUB = "name: s\ntier: staging\nsystems: {bookshop: {http: {base_url: https://shop.example.com}}}\n"
EXAMPLES = {name: f"environments/{name}.example.yaml" for name in ("staging", "production")}


def test_every_block_has_a_language() -> None:
    every = [fence for document in DOCUMENTS for fence in re.findall(r"^```(.+)$", document.read_text(), re.MULTILINE)]
    unknown = [fence for fence in every if fence.split()[0] not in LANGUAGES]
    assert not unknown, (
        f"write one of {', '.join(sorted(LANGUAGES))} after the fence, so that it can be tested: {unknown}"
    )


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if b.note.startswith("known/")], ids=str)
def test_known_issues_shown_can_be_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(block.text)
    assert read_known(tmp_path / "known.yaml").acknowledged


# A piece that names a file is added to that file by test_contributing.py.
@pytest.mark.parametrize("block", [block for block in blocks("yaml") if "/" not in block.note], ids=str)
def test_files_shown_can_be_read(block: Block, tmp_path: Path) -> None:
    """`yaml` is an environment file, `yaml runbook` a runbook file, `yaml bookshop` also has that runbook file."""
    environment = tmp_path / "environment.yaml"
    if block.note == "runbook":
        (tmp_path / "bookshop.yaml").write_text(block.text)
        environment.write_text(STUB)
    else:
        example = PROJECT / "docs" / "example" / f"{block.note}.yaml"
        if block.note:
            (tmp_path / example.name).write_text(example.read_text())
        environment.write_text(block.text)
    assert read(environment).systems


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_results_documents_shown_match_the_schema(block: Block) -> None:
    schema = json.loads((PROJECT / "reports" / "results.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(block.text))


@pytest.mark.parametrize(("where", "line"), commands(), ids=[where for where, _ in commands()])
def test_commands_shown_work(where: str, line: str, lab: LabClient) -> None:
    program, *arguments = shlex.split(line)
    if program in ("pytest", "runbook-checks") and "--env" in arguments:
        _try_checks(program, arguments, lab)
    elif program in ("ci/gate", "ci/compare"):
        _try_entry(program, arguments)
    elif program == "ci/monitor":
        assert os.access(PROJECT / program, os.X_OK)  # tests/monitor
    elif program == "pytest":
        _succeeds(sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q")
    elif program == "make":
        _succeeds("make", "--dry-run", *arguments)
    elif program == "runbook-checks" and arguments[:1] == ["lab"]:
        _succeeds(sys.executable, "-m", "runbook_checks.cli.main", *arguments)
    elif arguments == ["-m", "docs.generate"]:
        pass  # test_made.py
    elif arguments[:1] == ["-m"] and arguments[1].startswith(("tests.", "quality.")):
        _succeeds(sys.executable, "-c", f"import {arguments[1]}.__main__")
    elif program == "export":
        _is_asked_for(arguments[0].partition("=")[0])
    else:
        assert line == ". .venv/bin/activate", f"{where}: add this to {__name__}"


def _try_checks(program: str, arguments: list[str], lab: LabClient) -> None:
    """Run in the lab for real; otherwise without effects."""
    words = ("-m", "pytest") if program == "pytest" else ("-m", "runbook_checks.cli.main")
    named = arguments[arguments.index("--env") + 1]
    rest = [word for word in arguments if word not in ("--env", named)]
    if named == "lab":
        faults = [rest[n + 1] for n, word in enumerate(rest) if word == "--fault"]
        if any("tickets-forgotten" in word for word in arguments):
            return  # test_contributing.py
        ran = run("--env", "lab", *rest, out=lab.out, variables={"CHECKS_LAB": str(lab.state)}, words=words)
        assert ran.code == (1 if faults else 0), ran.output()
        return
    ran = run(f"--env={EXAMPLES.get(named, named)}", *rest, "--list-symptoms", words=words)
    assert ran.code == 0, ran.output()
    assert re.search(r"^[1-9]\d* symptoms? would be checked", ran.stdout, re.MULTILINE), ran.output()


def _try_entry(program: str, arguments: list[str]) -> None:
    """Run what the entry would call: the same options, without effects."""
    assert os.access(PROJECT / program, os.X_OK)
    occasion, environment, *rest = arguments if program == "ci/gate" else ["postdeploy", arguments[0]]
    rest = [word for word in rest if not word.endswith(".json") and word != "--baseline"]
    ran = run(f"--env={EXAMPLES.get(environment, environment)}", "-m", occasion, *rest, "--list-symptoms")
    assert ran.code == 0, ran.output()


def _succeeds(*words: str) -> None:
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


def _is_asked_for(variable: str) -> None:
    assert any(f"{{env: {variable}}}" in block.text for block in blocks("yaml")), f"no file shown uses {variable}"


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_excerpts_shown_are_what_is_printed(block: Block, lab_of: Callable[[str], LabClient]) -> None:
    first, *wanted = block.text.splitlines()
    words = shlex.split(first.removeprefix("$ "))
    lab = lab_of(next((system for system in SYSTEMS if re.search(rf"\b{system}\b", first)), SYSTEM))
    ran = run(*words[1:], out=lab.out, variables={"CHECKS_LAB": str(lab.state)})
    printed = [line.rstrip() for line in ran.stdout.splitlines()]
    shown = [line for line in wanted if line != "..." and not line.startswith("reports: ")]
    missing = [line for line in shown if not any(_is_shown(line, now) for now in printed)]
    assert not missing, f"{block}: the current output is:\n{_from_the_first_root(ran)}"


def _is_shown(line: str, printed: str) -> bool:
    """Whether an excerpt's line is printed; N stands for any count of checks."""
    return bool(re.fullmatch(re.sub(r"\bN\b", r"\\d+", re.escape(line)), printed))


def _from_the_first_root(ran: Ran) -> str:
    begin = re.search(r"^P\d ", ran.stdout, re.MULTILINE)
    return ran.stdout[begin.start() if begin else 0 :]


def test_every_option_is_in_the_table_of_commands() -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()

    class Group:
        addoption = staticmethod(parser.add_argument)

    class Parser:
        def getgroup(self, *_: str) -> Any:
            return Group()

    from runbook_checks.plugin.options import pytest_addoption

    pytest_addoption(Parser())  # type: ignore[arg-type]
    options = {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}
    table = (PROJECT / "docs" / "commands.md").read_text().partition("\n## ")[0]
    assert not [option for option in sorted(options) if option not in table], "docs/commands.md does not list them"
    shown = set(re.findall(r"`(--[a-z-]+)", table))
    assert not shown - options - {"--env"}, "docs/commands.md has options that do not exist"
