"""Read the command line into a Run; every mistake in it is a UsageError (exit 4) with one sentence."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.addresses import has_login
from runbook_checks.config.environment_files import known_environments
from runbook_checks.config.redaction import Redaction
from runbook_checks.config.run import PLUGIN, Run
from runbook_checks.config.runbook import SEVERITIES, WHENS
from runbook_checks.config.secrets import allows_commands
from runbook_checks.config.strict_yaml import suggestion
from runbook_checks.plugin import occasions
from runbook_checks.plugin.run import load_files, new_id, register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.config.files import Files
    from runbook_checks.config.runbook import Chosen


# Checked before pytest reads the words, because pytest quotes unknown ones in its error messages.
LOGIN_AMONG_WORDS = (
    "the command line contains an address with a user or a password, which other users can read: remove it, "
    "and give the whole address by reference in the environment file, {env: NAME}"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    if any(has_login(word) for word in (*sys.argv[1:], *added)):
        raise pytest.UsageError(LOGIN_AMONG_WORDS)
    if names := names_of(added):
        parser.extra_info["PYTEST_ADDOPTS"] = f"adds {names}"
    group = parser.getgroup("runbook-checks", "automated runbook checks")
    add = group.addoption
    add("--env", dest="environment", metavar="NAME|PATH", help="the environment to check (or CHECKS_ENV)")
    add("--system", action="append", default=[], metavar="NAME", help="check this system only (repeatable)")
    add(
        "--checklist",
        metavar="[SYSTEM/]NAME",
        help="run the checks of a checklist and print it ticked, crossed or unanswered",
    )
    add("--domain", action="append", default=[], metavar="HOST", help="check this subject only (repeatable)")
    add(
        "--gate",
        default="P3",
        metavar="PN",
        help="findings at or above this severity decide the exit code (P3)",
    )
    add(
        "--expect-version",
        action="append",
        default=[],
        metavar="[SYSTEM=]V",
        help="the version that should be running",
    )
    add(
        "--attest",
        action="append",
        default=[],
        metavar="ITEM",
        help="confirm a checklist item that cannot be checked automatically",
    )
    add("--results", metavar="FILE", help="also write the results document to this file")
    add("--out", metavar="FOLDER", help="the folder for runs' output folders (reports/out, or CHECKS_OUT)")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="SYMPTOM:CAUSE[@SYSTEM]",
        help="lab only: first inject this fault",
    )
    occasions.add_options(add)
    add(
        "--no-commands",
        action="store_true",
        help="run no command from the files; checks that need one are unknown (or CHECKS_NO_COMMANDS=1)",
    )
    add("--serial", action="store_true", help="one check at a time")
    add(
        "--list-symptoms", nargs="?", const="text", choices=["text", "json"], metavar="json",
        help="list the checks, their systems and their faults, without contacting a target",
    )  # fmt: skip


def names_of(words: Iterable[str]) -> str:
    """The options among these words, without values, to say in a usage error where an option came from."""
    return " ".join(word.partition("=")[0] for word in words if word.startswith("-"))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if option.help or option.version:
        return
    named = option.environment or os.environ.get("CHECKS_ENV")
    if not named:
        there = ", ".join(known_environments())
        raise pytest.UsageError(f"no environment chosen: give --env NAME|PATH or set CHECKS_ENV (there are: {there})")
    files = load_files(named, allows_commands=allows_commands(option.no_commands))
    worker = getattr(config, "workerinput", None)
    run = Run(
        files=files,
        named=named,
        id=worker["run_id"] if worker else new_id(),
        started=worker["run_started"] if worker else time.time(),
        redaction=Redaction(files.sources),
        systems=_systems(files, option.system),
        selection=_selection(config),
        domains=tuple(_host(host) for host in option.domain),
    )
    _read_rest(run, config)
    _refuse_unknown_markers(run, option.markexpr)
    register(config, run)
    config.pluginmanager.register(_Spread(run), f"{PLUGIN}-spread")
    for line in _markers(run):
        config.addinivalue_line("markers", line)


class _Spread:
    """Passes the run's id and start on to workers of pytest-xdist."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput.update(run_id=self.run.id, run_started=self.run.started)


def _read_rest(run: Run, config: pytest.Config) -> None:
    option = config.option
    gate = option.gate.upper()
    if gate not in SEVERITIES:
        raise pytest.UsageError(f"--gate {option.gate}: must be one of {', '.join(SEVERITIES)}")
    run.gate = gate
    run.vault.allows_commands = allows_commands(option.no_commands)
    run.attested = (*run.environment.attested, *option.attest)
    _refuse_unknown_items(run.systems, option.attest)
    run.faults = tuple(option.fault)
    if run.faults and not run.environment.lab:
        raise pytest.UsageError(f"--fault works in the lab only, and {run.environment.name} is not the lab")
    occasions.read(run, config)
    run.versions = dict(_version(run, given) for given in option.expect_version)
    if option.checklist:
        run.checklist = _checklist(run.systems, option.checklist)
        run.systems = {run.checklist[0]: run.systems[run.checklist[0]]}


def _refuse_unknown_items(systems: dict[str, Chosen], attested: Iterable[str]) -> None:
    """UsageError for an attestation of an item that no checklist has."""
    lists = [checklist for chosen in systems.values() for checklist in chosen.settings.checklists.values()]
    known = [item.item for checklist in lists for item in checklist.items if item.attested]
    for given in attested:
        if " ".join(given.split()).casefold() not in {item.casefold() for item in known}:
            there = ", ".join(known) or "none"
            raise pytest.UsageError(f"--attest {given}: no such item{suggestion(given, known)} (there are: {there})")


def _systems(files: Files, named: Iterable[str]) -> dict[str, Chosen]:
    wanted = [name for entry in named for name in entry.split(",")]
    for name in wanted:
        if name not in files.systems:
            there = ", ".join(files.systems)
            hint = suggestion(name, files.systems)
            raise pytest.UsageError(
                f"--system {name}: {files.environment.name} has no such system{hint} (it has: {there})"
            )
    return {name: chosen for name, chosen in files.systems.items() if not wanted or name in wanted}


def _version(run: Run, given: str) -> tuple[str, str]:
    system, has_system, version = given.rpartition("=")
    able = [n for n, c in run.systems.items() if "health.wrong-version" in c.symptoms and "http" in c.given]
    if has_system and system not in run.systems:
        raise pytest.UsageError(
            f"--expect-version {given}: no system {system!r} is chosen{suggestion(system, run.systems)}"
        )
    if not version.strip():
        raise pytest.UsageError(f"--expect-version {given}: names no version")
    if not has_system and len(able) != 1:
        candidates = ", ".join(f"{name}={version}" for name in able) or "none: no chosen system reports its version"
        raise pytest.UsageError(f"--expect-version {given}: applies to {len(able)} systems; name one: {candidates}")
    return system or able[0], version


def _checklist(systems: dict[str, Chosen], given: str) -> tuple[str, str]:
    system, _, name = given.rpartition("/")
    every = [(s, n) for s, chosen in systems.items() for n in chosen.settings.checklists]
    fitting = [(s, n) for s, n in every if n == name and system in ("", s)]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(f"{s}/{n}" for s, n in fitting or every) or "none"
    what = (
        "several systems have it; name one"
        if fitting
        else f"there is no such checklist{suggestion(name, [n for _, n in every])}"
    )
    raise pytest.UsageError(f"--checklist {given}: {what} (there are: {there})")


def _selection(config: pytest.Config) -> str:
    words = []
    for flag, value in (
        ("-m", config.option.markexpr),
        ("-k", config.option.keyword),
        ("--checklist", config.option.checklist),
    ):
        if value:
            words.append(f"{flag} {value}")
    words += [f"--system {name}" for name in config.option.system]
    words += [f"--domain {name}" for name in config.option.domain]
    words += [a for a in config.args if "::" in a]
    return " ".join(words)


def _host(given: str) -> str:
    host = given.strip().rstrip(".").lower()
    if not host or "/" in host:
        raise pytest.UsageError(f"--domain {given}: must be a host name such as shop.example.com")
    return host


def _refuse_unknown_markers(run: Run, expression: str) -> None:
    """UsageError for an unknown marker: `-m postdeply` would select no check and verify nothing."""
    known = {line.partition(":")[0] for line in _markers(run)} | {"skip", "xfail"}
    for word in re.findall(r"[^\W\d]\w*", re.sub(r"\([^)]*=[^)]*\)", "", expression or "")):
        if word not in known and word not in ("and", "or", "not", "True", "False"):
            hint = suggestion(word, known) or f" (there are: {', '.join(sorted(known - {'skip', 'xfail'}))})"
            raise pytest.UsageError(f"-m {expression}: there is no marker '{word}'{hint}")


def _markers(run: Run) -> Iterable[str]:
    for area in sorted(run.files.areas):
        yield f"{area}: symptoms of this area"
    occasions = (
        "before a deploy",
        "after a deploy",
        "on a schedule",
        "after a rollback",
        "in an incident",
        "heavy; only on request",
    )
    for when, meaning in zip(WHENS, occasions, strict=True):
        yield f"{when}: {meaning}"
    for severity in SEVERITIES:
        yield f"{severity.lower()}: symptoms with findings up to {severity}"
    for name in run.files.systems:
        yield f"{name.replace('-', '_')}: the system {name}"
    yield "quick: the first checks in an incident"
    yield "refused: sends requests that must be refused"
    yield "write: changes something on the target"
