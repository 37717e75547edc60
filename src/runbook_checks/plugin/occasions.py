"""The options for gates, schedules and incidents, read into the Run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runbook_checks.config.addresses import LOGIN, NO_ADDRESS, has_login, is_address
from runbook_checks.config.results_document import as_document
from runbook_checks.config.secrets import Text
from runbook_checks.config.strict_yaml import BadFile, suggestion
from runbook_checks.inputs.regular_file import read_regular
from runbook_checks.plugin.run import find_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runbook_checks.config.acknowledgements import Known
    from runbook_checks.config.results_document import Document
    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Chosen

WATCH_S = 10.0
LONGEST_DOCUMENT = 1 << 30


def add_options(add: Callable[..., None]) -> None:
    add("--settle", type=float, metavar="S", help="repeat checks until those at the gate are clear, S seconds at most")
    add(
        "--watch", nargs="?", type=float, const=WATCH_S, metavar="S",
        help=f"repeat checks every S seconds ({WATCH_S:.0f}) until all are clear; Ctrl-C ends it with the last results",
    )  # fmt: skip
    add("--baseline", metavar="FILE", help="an earlier results document; its findings are reported but not counted")
    add("--known", metavar="FILE", help="acknowledged symptoms (default: known/NAME.yaml beside the environment file)")
    add("--base-url", action="append", default=[], metavar="[SYSTEM=]URL", help="check this instance instead")
    add("--markdown", metavar="FILE", help="also write a Markdown summary to this file (the run's folder has one too)")
    add("--metrics", metavar="FILE", help="also write the results as Prometheus metrics to this file")
    add("--paste", action="store_true", help="print a short plain report that can be pasted into a chat")


def read(run: Run, config: pytest.Config) -> None:
    """Read the options above; UsageError with what is wrong."""
    option, here = config.option, config.invocation_params.dir
    if option.settle is not None and option.watch is not None:
        raise pytest.UsageError("--settle and --watch exclude each other: give one of them")
    run.settle_s = _seconds("--settle", option.settle)
    run.watch_s = _seconds("--watch", option.watch)
    if (run.settle_s or run.watch_s) and getattr(config.option, "tx", None):
        raise pytest.UsageError("--settle and --watch need a single process: remove -n")
    if option.baseline:
        run.baseline = _baseline(here / option.baseline, option.baseline, run)
    run.known = _known(here / option.known if option.known else None, run)
    for given in option.base_url:
        name, url = _base_url(run.systems, given)
        run.systems[name] = _moved(run.systems[name], url)


def _seconds(flag: str, given: float | None) -> float | None:
    if given is not None and not 0 < given < 86400:
        raise pytest.UsageError(f"{flag} {given:g}: must be a number of seconds above 0 and below a day")
    return given


def _baseline(path: Path, named: str, run: Run) -> Document:
    try:
        document = as_document(json.loads(read_regular(path, LONGEST_DOCUMENT)))
    except OSError as error:
        raise pytest.UsageError(f"--baseline {named}: {error.strerror}") from None
    except ValueError:
        raise pytest.UsageError(f"--baseline {named}: is not JSON") from None
    if document is None:
        raise pytest.UsageError(f"--baseline {named}: is not a results document of schema 1 (results.json of a run)")
    if document["run"]["environment"] != run.environment.name:
        theirs = document["run"]["environment"]
        raise pytest.UsageError(f"--baseline {named}: is a run of {theirs}, this one of {run.environment.name}")
    return document


def _known(named: Path | None, run: Run) -> Known | None:
    environment = find_environment(run.named)
    path = named or environment.parent / "known" / environment.name
    if named is None and not path.is_file():
        return None
    from runbook_checks.config.load import read_known

    try:
        return read_known(path)
    except BadFile as bad:
        raise pytest.UsageError(*[str(problem) for problem in bad.problems]) from None


def _base_url(systems: dict[str, Chosen], given: str) -> tuple[str, str]:
    """System and address; errors do not quote an address that may hold a password."""
    head, has_system, tail = given.partition("=")
    system, url = (head, tail) if has_system and "/" not in head else ("", given)
    shown, shown_url = (given, url) if "@" not in given else ("URL", "URL")
    able = [name for name, chosen in systems.items() if "http" in chosen.given]
    if system and system not in able:
        raise pytest.UsageError(
            f"--base-url {shown}: no system {system!r} with http is chosen{suggestion(system, able)}"
        )
    if not system and len(able) != 1:
        there = ", ".join(f"{name}={shown_url}" for name in able) or "none has http"
        raise pytest.UsageError(f"--base-url {shown}: applies to {len(able)} systems; name one: {there}")
    if not is_address(url):
        raise pytest.UsageError(f"--base-url: {NO_ADDRESS}")
    if has_login(url):
        raise pytest.UsageError(f"--base-url: {LOGIN}, as http.base_url of an environment file")
    return system or able[0], url


def _moved(chosen: Chosen, url: str) -> Chosen:
    """The system at another address, without the environment's direct_url, which does not apply there."""
    http = replace(chosen.settings.http, base_url=Text("literal", url), direct_url=None)  # type: ignore[type-var]
    given = chosen.given if url.startswith("https:") else chosen.given - {"tls"}
    return replace(chosen, settings=replace(chosen.settings, http=http), given=given)
