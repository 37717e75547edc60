"""No secret is in any output, in any encoding.

The encodings are implemented again here, independently of the product, so that an omission in one is found by the
other.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, LabClient
from tests.product.test_exit_codes import altered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Ran

GATEWAY = 'gateway-token/with+odd=chars&"quotes" 7f3a'


def secrets_of(lab: LabClient) -> dict[str, str]:
    """Return every secret of the lab's environment: the references, and the variables of the next instance."""
    found = {"webhook": lab.variables["LAB_CS_WEBHOOK_SECRET"], "dsn": lab.variables["LAB_CS_MONITOR_DSN"]}
    found["dsn password"] = urllib.parse.urlsplit(found["dsn"]).password or ""
    with open(lab.variables["LAB_CS_DOTENV"], encoding="utf-8") as stream:
        dotenv = dict(line.strip().split("=", 1) for line in stream if "=" in line)
    found["next dsn"] = dotenv["AI_CS_POSTGRES_DSN"].strip("\"'")
    found["next dsn password"] = urllib.parse.urlsplit(found["next dsn"]).password or ""
    found["next webhook"] = dotenv["AI_CS_WEBHOOK_SECRET"].strip("\"'")
    found["gateway"] = GATEWAY
    assert all(len(value) > 10 for value in found.values()), found.keys()
    return found


def written(secret: str) -> Iterator[str]:
    yield secret
    yield " ".join(secret.split())
    yield secret.replace('"', '""')  # CSV
    yield "".join(f"%{byte:02x}" for byte in secret.encode())  # every character, as RFC 3986 allows
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield codecs.encode(secret.encode(), "hex").decode()
    for padding in (b"", b"a", b"ab"):
        encoded = base64.b64encode(padding + secret.encode()).decode()
        # Characters that share bits with their neighbours are omitted.
        yield encoded[4 if padding else 0 : -4]


def said(ran: Ran, out: Path) -> Iterator[tuple[str, str]]:
    yield "standard output", ran.stdout
    yield "standard error", ran.stderr
    for path in out.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(out)), path.read_text(errors="replace")


CASES: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("healthy", (), ()),
    ("verbose", (), ("-v", "--showlocals", "-s", "-rA", "--log-cli-level=DEBUG")),
    ("spread", (), ("-n", "2")),
    ("serial", (), ("--serial",)),
    ("wrong password", ("database.unreachable:authentication-failed",), ("-v",)),
    ("other secret", ("webhook.signature-rejected:secret-mismatch",), ("-v", "--tb=long")),
    ("open door", ("webhook.unsigned-accepted:accepted", "webhook.tampered-accepted:accepted"), ()),
    ("broken dsn", ("preflight.dsn-malformed:part-missing",), ("-v",)),
    ("refused", ("health.unreachable:connection-refused",), ()),
    ("failing steps", ("webhook.chain-broken:step-failed",), ("-n", "2")),
]


@pytest.mark.parametrize(("faults", "arguments"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_no_output_contains_a_secret(
    lab: LabClient, tmp_path: Path, faults: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    env = altered(tmp_path, ("    resolver:", "    headers: {X-Gateway-Token: {env: GATEWAY_TOKEN}}\n    resolver:"))
    results = tmp_path / "out" / "named.json"
    known = secrets_of(lab)
    with lab.fault(*faults):
        known |= {f"{name} now": value for name, value in secrets_of(lab).items()} if not faults else {}
        ran = lab.check(
            "--results", str(results), "--out", str(tmp_path / "out"), *arguments,
            env=env, variables={"GATEWAY_TOKEN": GATEWAY},
        )  # fmt: skip
    assert results.is_file(), ran.output()
    outputs = list(said(ran, tmp_path / "out"))
    assert len(outputs) > 40, "Allure's files are searched too"
    leaks = [
        f"{name} in {where}"
        for where, text in outputs
        for name, secret in known.items()
        for form in written(secret)
        if form in text
    ]
    assert leaks == []


def test_secret_that_a_server_echoes_is_redacted(lab: LabClient, tmp_path: Path) -> None:
    """A log line, an error page, a status: text from outside is redacted like the product's own."""
    secret = lab.variables["LAB_CS_WEBHOOK_SECRET"]
    log = tmp_path / "echo.log"
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    lines = [
        f"{(now - datetime.timedelta(seconds=60 + n)).isoformat()} ERROR login with {secret} failed" for n in range(30)
    ]
    log.write_text("\n".join(reversed(lines)) + "\n")
    env = altered(tmp_path, ("{env: LAB_CS_LOG_FILE}", str(log)))
    ran = lab.check("-m", "logs or webhook", "--out", str(tmp_path / "out"), env=env)
    assert ran.code == 1, ran.output()
    assert "logs.errors" in ran.stdout
    assert [where for where, text in said(ran, tmp_path / "out") if secret in text] == []
    assert "[redacted]" in ran.stdout


LATE = "late-password-8d41c0"


@pytest.mark.parametrize("how", [("--serial",), (), ("-n", "2")], ids=["serial", "together", "spread"])
def test_secret_learned_after_a_result_is_removed_from_it(lab: LabClient, tmp_path: Path, how: tuple[str, ...]) -> None:
    """The log quotes a password whose command ends only after the log was read."""
    import datetime

    at = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=60)).isoformat()
    log, password = tmp_path / "late.log", tmp_path / "password"
    log.write_text("".join(f"{at} ERROR login with {LATE} failed\n" for _ in range(30)))
    password.write_text(LATE)
    header = f"    headers: {{X-Gateway-Token: {{command: [sh, -c, 'sleep 2; cat {password}']}}}}\n    resolver:"
    env = altered(tmp_path, ("{env: LAB_CS_LOG_FILE}", str(log)), ("    resolver:", header))
    named = ("--results", str(tmp_path / "out" / "named.json"), "--markdown", str(tmp_path / "out" / "named.md"))
    ran = lab.check("-m", "logs or webhook", "--out", str(tmp_path / "out"), *named, *how, env=env)
    assert "login with [redacted] failed" in (tmp_path / "out" / "named.json").read_text(), ran.output()
    assert [where for where, text in said(ran, tmp_path / "out") if LATE in text] == []


@pytest.mark.parametrize("how", [(), ("-n", "1")], ids=["alone", "spread"])
def test_module_that_fails_over_a_secret_when_it_is_imported(
    lab: LabClient, tmp_path: Path, how: tuple[str, ...]
) -> None:
    secret = lab.variables["LAB_CS_WEBHOOK_SECRET"]
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "broken.py").write_text(
        'import os\nraise RuntimeError(os.environ["LAB_CS_WEBHOOK_SECRET"])\n'
    )
    settings = (f"--rootdir={PROJECT}", "-c", str(PROJECT / "pyproject.toml"), "-o", "python_files=*.py")
    out = ("--out", str(tmp_path / "out"), "--debug", str(tmp_path / "out" / "debug.log"))
    (tmp_path / "out").mkdir()
    ran = lab.check(*settings, *how, *out, str(tmp_path / "checks"), variables={"LAB_CS_WEBHOOK_SECRET": secret})
    assert "RuntimeError: [redacted]" in ran.output()
    assert [where for where, text in said(ran, tmp_path / "out") if secret in text] == []


def test_short_secret_is_warned_of(lab: LabClient, tmp_path: Path) -> None:
    env = altered(tmp_path, ("    resolver:", "    headers: {X-Gateway-Token: {env: GATEWAY_TOKEN}}\n    resolver:"))
    ran = lab.check("-m", "health", env=env, variables={"GATEWAY_TOKEN": "abc"})
    assert "fewer than 6 characters" in ran.stdout
