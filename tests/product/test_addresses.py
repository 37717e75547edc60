"""An ambiguous address is reported without any part of it, and is neither resolved nor connected to.

Each password contains unescaped characters that end a user, a password or a host. The parts that could then be read as
a host are names that the tests' name server resolves to a listener.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import PROJECT, Ran, run
from tests.misbehaving.names import Nameserver
from tests.misbehaving.server import FakeServer, Visit

if TYPE_CHECKING:
    from pathlib import Path

# Parts of passwords; each is also a host that the name server knows.
PIECES = ("qzrtvx", "wvxkjq", "zyjhbq", "nmbpqx")
PASSWORDS = {
    "at": "Qzrtvx@wvxkjq",
    "at-and-slash": "Qzrtvx@wvxkjq/zyjhbq",
    "slash": "4711/wvxkjq",
    "question-mark": "4711?wvxkjq=zyjhbq",
    "hash": "4711#wvxkjq",
    "colon-and-at": "Qzrtvx:nmbpqx@wvxkjq:4711",
    "percent": "Qzrtvx%zzwvxkjq",
    "blank": "Qzrtvx wvxkjq",
    "bracket": "Qzrtvx[wvxkjq]",
    "umlaut": "Qzrtvx\u00e4wvxkjq",
    "line-end": "Qzrtvx\nwvxkjq",
}
SHORTEST_TOLD = 4


def fragments(password: str) -> set[str]:
    """Return every four letters of a password's parts, in case an error shows them as a host."""
    known = [piece for piece in PIECES if piece in password.lower()]
    return {piece[at : at + SHORTEST_TOLD] for piece in known for at in range(len(piece) - SHORTEST_TOLD + 1)}


def addresses(scheme: str, port: int, path: str) -> dict[str, str]:
    return {name: f"{scheme}://monitor:{word}@127.0.0.1:{port}{path}" for name, word in PASSWORDS.items()}


class Onlooker:
    """A name server that knows every part of the passwords, and a listener at their address."""

    def __init__(self, stack: ExitStack) -> None:
        zone = {name: ["127.0.0.1"] for piece in PIECES for name in (piece, f"{piece}.test")}
        self.names = stack.enter_context(Nameserver(zone | {"monitor": ["127.0.0.1"]}))
        self.listener = stack.enter_context(FakeServer(_listen))

    def saw_nothing(self) -> None:
        # The providers' pages that a runbook names are still requested.
        assert [query for query in self.names.queries if any(name in query for name in (*PIECES, "monitor"))] == []
        assert self.listener.visits == 0


def _listen(visit: Visit) -> None:
    visit.stay_silent(0.2)


def _runbook(system: str) -> str:
    return str(PROJECT / "runbooks" / f"{system}.yaml")


def _check(folder: Path, systems: dict[str, Any], variables: dict[str, str], resolver: str, *arguments: str) -> Ran:
    for settings in systems.values():
        settings |= {"resolver": resolver, "deadline_s": 5}
    file = folder / "odd.yaml"
    file.write_text(json.dumps({"name": "odd", "tier": "production", "effects": "write", "systems": systems}))
    more = [f"--{option}={folder / name}" for option, name in _FILES.items()]
    return run("--env", str(file), *more, *arguments, "-v", out=folder / "out", variables=variables)


_FILES = {"markdown": "summary.md", "metrics": "run.prom", "results": "results.json"}


def _everything(folder: Path, ran: Ran) -> str:
    """Return the output and files of the run, file by file."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "odd.yaml"]
    assert {"results.json", "summary.md", "junit.xml"} <= {file.name for file in files}
    return "\n".join([ran.output(), *(file.read_bytes().decode("utf-8", "replace") for file in files)]).lower()


def _must_be_shown_nowhere(folder: Path, ran: Ran) -> None:
    assert "Traceback" not in ran.output(), ran.output()
    said = _everything(folder, ran)
    for name, password in PASSWORDS.items():
        assert [piece for piece in fragments(password) if piece in said] == [], name


def _one(system: str, **settings: Any) -> dict[str, Any]:
    return {"runbook": _runbook(system), **settings}


def test_databases(tmp_path: Path) -> None:
    """PostgreSQL as URL and as key=value pairs, MySQL, Redis, and the next instance's DSN in its dotenv file."""
    with ExitStack() as stack:
        seen = Onlooker(stack)
        port = seen.listener.port
        pairs = f"host=127.0.0.1 port={port} user=monitor dbname=d password=Qzrtvx wvxkjq=zyjhbq nmbpqx"
        twice = f"host=127.0.0.1 port={port} user=monitor dbname=d password=Qzrtvx host=wvxkjq"
        kinds = {
            "postgres": addresses("postgresql", port, "/d") | {"pairs": pairs, "twice": twice},
            "mysql": addresses("mysql", port, "/d?ssl-mode=DISABLED"),
            "redis": addresses("redis", port, "/0"),
        }
        owners = {"postgres": "ai-customer-service", "mysql": "reverseai", "redis": "aura-flow"}
        systems: dict[str, Any] = {}
        variables: dict[str, str] = {}
        for kind, several in kinds.items():
            for name, value in several.items():
                variable = f"ODD_{len(variables)}"
                variables[variable] = value
                key = "url" if kind == "redis" else "dsn"
                systems[f"{kind}-{name}"] = _one(owners[kind], **{kind: {key: {"env": variable}}})
        nexts = _next_instances(tmp_path, kinds["postgres"])
        ran = _check(tmp_path, systems | nexts, variables, seen.names.address, "-m", "quick or preflight")
        seen.saw_nothing()
    for file in tmp_path.glob("*.env"):
        file.unlink()
    _must_be_shown_nowhere(tmp_path, ran)
    results = [result for result in ran.document["results"] if result["system"] not in nexts]
    assert {result["outcome"] for result in results} == {"unknown"}
    reported = {
        r["system"]: r["findings"] for r in ran.document["results"] if r["symptom"] == "preflight.dsn-malformed"
    }
    assert {name: [finding["cause"] for finding in reported[name]] for name in nexts} == {
        n: ["not-a-url"] for n in nexts
    }
    first = {r["system"]: r for r in results if r["symptom"] in ("database.unreachable", "dependency.redis")}
    assert len(first) == len(systems)
    for system, result in first.items():
        assert "can't be understood" in result["reason"], (system, result["reason"])


def _next_instances(folder: Path, dsns: dict[str, str]) -> dict[str, Any]:
    systems = {}
    for name in ("at", "slash", "question-mark", "hash"):
        file = folder / f"{name}.env"
        file.write_text(f"AI_CS_RUNTIME_ENV=production\nAI_CS_POSTGRES_DSN='{dsns[name]}'\n")
        systems[f"next-{name}"] = _one("ai-customer-service", variables={"file": str(file)})
    return systems


# Settings with a URL in an environment file, and the other settings of the capability.
KEY = {"env": "A_KEY"}
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "base": ("ai-customer-service", {"http": {"base_url": ...}, "webhook": {"secret": KEY}, "openapi": {}, "tls": {}}),
    "direct": ("aura-flow", {"http": {"base_url": "http://127.0.0.1:9", "direct_url": ...}, "web": {}}),
    "front-end": ("aura-flow", {"http": {"base_url": ...}, "web": {"plain_url": ..., "cors": {"origin": ...}}}),
    "tls": ("ai-customer-service", {"tls": {"address": ...}}),
    "proxy": ("ai-customer-service", {"http": {"base_url": "http://127.0.0.1:9"}, "proxy": ...}),
    "prometheus": ("aura-flow", {"prometheus": {"url": ...}}),
    "loki": ("reverseai", {"logs": {"loki": {"url": ...}}}),
    "cloudwatch": (
        "reverseai",
        {"logs": {"cloudwatch": {"region": "r", "endpoint": ..., "groups": ["g"], "access_key_id": KEY,
                                 "secret_access_key": KEY}}},
    ),
    "providers": ("sales-ai", {"providers": {"pages": {"Groq": {"url": ...}}}}),
    "groq": ("sales-ai", {"groq": {"key": KEY, "api_url": ...}}),
    "slack": ("sales-ai", {"slack_bot": {"token": KEY, "api_url": ...}}),
    "queue": ("sales-ai", {"queue": {"account": "a", "token": KEY, "api_url": ...}}),
    "storage": ("sales-ai", {"storage": {"endpoint": ..., "access_key_id": KEY, "secret_access_key": KEY}}),
    "backups": (
        "sales-ai",
        {"backups": {"bucket": {"endpoint": ..., "access_key_id": KEY, "secret_access_key": KEY},
                     "neon": {"project": "p", "key": KEY, "api_url": ...}}},
    ),
    "registry": ("aura-flow", {"rollback": {"image": {"registry": ...}}}),
}  # fmt: skip


def _filled(settings: Any, reference: Any) -> Any:
    if settings is ...:
        return reference
    return {k: _filled(v, reference) for k, v in settings.items()} if isinstance(settings, dict) else settings


def test_addresses_of_http(tmp_path: Path) -> None:
    with ExitStack() as stack:
        seen = Onlooker(stack)
        odd = addresses("http", seen.listener.port, "/")
        systems, variables = {}, {"A_KEY": "a-key-for-tests-0123456789"}
        for number, (place, (system, settings)) in enumerate(PLACES.items()):
            # Each setting gets two of the variants, and the first one gets them all.
            ways = {*[*odd][number % len(odd) :][:1], *[*odd][(number * 3 + 1) % len(odd) :][:1], "at"}
            for way in sorted(ways if place != "base" else odd):
                variable = f"ODD_{len(variables)}"
                variables[variable] = odd[way]
                systems[f"{place}-{way}"] = _one(system, **_filled(settings, {"env": variable}))
        ran = _check(tmp_path, systems, variables, seen.names.address)
        seen.saw_nothing()
    _must_be_shown_nowhere(tmp_path, ran)
    for result in ran.document["results"]:
        if not result["system"].startswith(("direct-", "proxy-")):
            assert result["outcome"] in ("unknown", "skipped"), result
    for place in PLACES:
        reported = [r["reason"] or "" for r in ran.document["results"] if r["system"] == f"{place}-at"]
        assert any("'@' may stand in it once" in reason for reason in reported), (place, reported)


def test_option_with_a_password_is_not_repeated(tmp_path: Path) -> None:
    system = _one("ai-customer-service", http={"base_url": "http://127.0.0.1:9"})
    file = tmp_path / "odd.yaml"
    file.write_text(json.dumps({"name": "odd", "tier": "staging", "systems": {"odd": system}}))
    for address in ("monitor:Qzrtvx@wvxkjq/x@127.0.0.1:9", "monitor:Qzrtvx@127.0.0.1:9", "Qzrtvx@127.0.0.1:9"):
        _must_be_refused(tmp_path, run("--env", str(file), "--base-url", f"http://{address}", out=tmp_path / "out"))
    (tmp_path / "words").write_text("--base-url=http://Qzrtvx@127.0.0.1:9\n")  # pytest itself reads this file
    _must_be_refused(tmp_path, run("--env", str(file), f"@{tmp_path / 'words'}", out=tmp_path / "out"))


@pytest.mark.parametrize("option", ["--baseurl=", "", "--env=", "--domain=", "--system=", "--attest=", "-k", "-m"])
def test_address_in_the_wrong_option_is_not_repeated(tmp_path: Path, option: str) -> None:
    word = f"{option}http://monitor:Qzrtvx,wvxkjq=zyjhbq@127.0.0.1:9"
    _must_be_refused(tmp_path, run(*([] if "env" in option else ["--env=lab"]), word, out=tmp_path / "out"))
    if option == "--baseurl=":
        _must_be_refused(tmp_path, run("--env=lab", out=tmp_path / "out", variables={"PYTEST_ADDOPTS": word}))


def test_address_in_place_of_an_environment_is_not_repeated(tmp_path: Path) -> None:
    address = "http://monitor:Qzrtvx@wvxkjq"
    _must_be_refused(tmp_path, run(out=tmp_path / "out", variables={"CHECKS_ENV": address}))
    _must_be_refused(tmp_path, run(address, out=tmp_path / "out", words=("-m", "runbook_checks.monitor")))


def _must_be_refused(folder: Path, ran: Ran) -> None:
    left = "".join(path.read_text() for path in (folder / "out").rglob("*") if path.is_file())
    assert (ran.code, ran.folder, ran.stdout) == (4, None, ""), ran.output()
    assert not [piece for piece in PIECES if piece in (ran.output() + left).lower()], ran.output()
