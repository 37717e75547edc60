"""Errors in a log are found in every common format, and a level that is not understood never counts as no error."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.product import DEADLINE_S, Settings, check, describe, outcomes
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer

COUNT = 9  # more than logs.limit
RED, PLAIN = "\x1b[31m", "\x1b[39m"
LAMBDA_ID = "8f5e2504-4f89-11d3-9a0c-0305e82c3301"


def stamp(age_s: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return time.strftime(form, time.gmtime(time.time() - age_s))


def local(age_s: float, form: str) -> str:
    return time.strftime(form, time.localtime(time.time() - age_s))


def docker(age_s: float, text: str) -> str:
    return json.dumps({"log": f"{text}\n", "stream": "stderr", "time": stamp(age_s)})


def fields(age_s: float, key: str = "time", **rest: Any) -> str:
    return json.dumps({key: stamp(age_s)} | rest)


def klog(age_s: float) -> str:
    return local(age_s, "E%m%d %H:%M:%S.000001")


BROKEN = {
    "docker-text": lambda s: docker(s, f"{stamp(s)} ERROR lost the order"),
    "docker-json": lambda s: docker(s, '{"level":"error","msg":"lost the order"}'),
    "docker-dotnet": lambda s: docker(s, "fail: Shop.Orders[0]") + "\n" + docker(s, "      lost the order"),
    "cri-json": lambda s: f'{stamp(s)} stderr F {{"level":50,"msg":"lost the order"}}',
    "cri-klog": lambda s: f"{stamp(s)} stderr F {klog(s)}       1 orders.go:7] lost the order",
    "ecs-nested": lambda s: fields(s, "@timestamp", log={"level": "error"}, message="lost the order"),
    "levelname": lambda s: fields(s, "asctime", levelname="ERROR", message="lost the order"),
    "structlog": lambda s: fields(s, "timestamp", level="error", event="lost the order"),
    "serilog": lambda s: fields(s, "@t", **{"@l": "Error", "@mt": "lost the order"}),
    "dotnet-json": lambda s: fields(s, "Timestamp", LogLevel="Error", Message="lost the order"),
    "otlp-number": lambda s: fields(s, "timestamp", severity_number=17, body="lost the order"),
    "monolog": lambda s: fields(s, "datetime", level=400, level_name="ERROR", message="lost the order"),
    "gelf": lambda s: json.dumps({"timestamp": time.time() - s, "level": 3, "short_message": "lost the order"}),
    "journald": lambda s: json.dumps(
        {"__REALTIME_TIMESTAMP": f"{(time.time() - s) * 1e6:.0f}", "PRIORITY": "3", "MESSAGE": "lost the order"}
    ),
    "winston-coloured": lambda s: f"{stamp(s)} {RED}error{PLAIN}: lost the order",
    "winston-label": lambda s: f"{stamp(s)} [orders] {RED}error{PLAIN}: lost the order",
    "dotnet": lambda s: f"{stamp(s)} fail: Shop.Orders[0]\n      lost the order",
    "java-util-logging": lambda s: f"{local(s, '%b %d, %Y %I:%M:%S %p')} shop.Orders place\nSEVERE: lost the order",
    "tomcat": lambda s: f"{local(s, '%d-%b-%Y %H:%M:%S')}.123 SEVERE [main] shop.Orders lost the order",
    "php": lambda s: f"[{stamp(s, '%d-%b-%Y %H:%M:%S')} UTC] PHP Fatal error:  Uncaught Lost: order in /shop.php:7",
    "php-fpm": lambda s: (
        f'[{local(s, "%d-%b-%Y %H:%M:%S")}] WARNING: [pool www] child 7 said into stderr: "PHP message: '
        'PHP Fatal error:  Uncaught Lost: order"'
    ),
    "apache": lambda s: f"[{local(s, '%a %b %d %H:%M:%S.123456 %Y')}] [core:error] [pid 7] AH00037: lost the order",
    "rails": lambda s: f"E, [{local(s, '%Y-%m-%dT%H:%M:%S')}.123456 #7] ERROR -- : lost the order",
    "syslog": lambda s: f"{local(s, '%b %e %H:%M:%S')} host shop[7]: ERROR lost the order",
    "syslog-priority": lambda s: f"<11>{local(s, '%b %e %H:%M:%S')} host shop[7]: lost the order",
    "access": lambda s: f'192.0.2.1 - - [{stamp(s, "%d/%b/%Y:%H:%M:%S +0000")}] "GET /orders?id=7 HTTP/1.1" 502 12 "-"',
    "runserver": lambda s: f'[{local(s, "%d/%b/%Y %H:%M:%S")}] "GET /orders HTTP/1.1" 500 12',
    "postgres": lambda s: f"{stamp(s, '%Y-%m-%d %H:%M:%S.123 UTC')} [7] ERROR:  lost the order",
    "zerolog-console": lambda s: f"{stamp(s)} ERR lost the order",
    "lambda-timeout": lambda s: f"{stamp(s)} {LAMBDA_ID} Task timed out after 3.00 seconds",
    "lambda-memory": lambda s: f"{stamp(s)} RequestId: {LAMBDA_ID} Error: Runtime exited with error: signal: killed",
    "lambda-platform": lambda s: fields(s, type="platform.report", record={"requestId": "7", "status": "timeout"}),
}  # fmt: skip
HEALTHY = {
    "docker-json": lambda s: docker(s, '{"level":"info","msg":"error budget is fine"}'),
    "docker-frames": lambda s: docker(s, "INFO started") + "\n" + docker(s, "    at Shop.Error.Handler(7)"),
    "cri-json": lambda s: f'{stamp(s)} stderr F {{"level":30,"msg":"no error"}}',
    "serilog-information": lambda s: fields(s, "@t", **{"@mt": "no error"}),
    "access": lambda s: f'192.0.2.1 - - [{stamp(s, "%d/%b/%Y:%H:%M:%S +0000")}] "GET /error HTTP/1.1" 404 12 "-"',
    "dotnet": lambda s: f"{stamp(s)} info: Shop.Orders[0]\n      error budget is fine",
    "lambda": lambda s: f"{stamp(s)} END RequestId: {LAMBDA_ID}",
    "lambda-platform": lambda s: fields(s, type="platform.report", record={"requestId": "7", "status": "success"}),
    "php-notice": lambda s: f"[{stamp(s, '%d-%b-%Y %H:%M:%S')} UTC] PHP Notice:  error_log is unset",
    "syslog": lambda s: f"{local(s, '%b %e %H:%M:%S')} host shop[7]: INFO error budget is fine",
    "words-with-a-colon": lambda s: f"{stamp(s)} INFO server started: error reporting is on",
    "winston-http": lambda s: fields(s, "timestamp", level="http", message="GET /error"),
}
NOT_UNDERSTOOD = {
    "colon": lambda s: f"{stamp(s)} server started: errors go to a file",
    "no-level": lambda s: f"{stamp(s)} lost the order",
    "unknown-level": lambda s: fields(s, level="rot", message="lost the order"),
    "unknown-number": lambda s: fields(s, level=7000, message="lost the order"),
    "few-of-many": lambda s: f"{stamp(s)} lost the order\n" + f"{stamp(s)} INFO served\n" * 30,
}


def logs(folder: Path, name: str, line: Any) -> Settings:
    ages = [60 + 7 * number for number in range(COUNT)][::-1]
    (folder / f"{name}.log").write_text("".join(f"{line(age)}\n" for age in ages))
    return {"deadline_s": DEADLINE_S, "logs": {"file": str(folder / f"{name}.log")}}


@pytest.mark.parametrize(
    ("forms", "outcome"), [(BROKEN, "found:new-error"), (HEALTHY, "clear"), (NOT_UNDERSTOOD, "unknown")]
)
def test_level_in_every_format(tmp_path: Path, forms: dict[str, Any], outcome: str) -> None:
    ran = check(tmp_path / "run", {name: logs(tmp_path, name, line) for name, line in forms.items()}, "-m", "logs")
    got = {name: outcomes(ran.of(name))["logs.errors"] for name in forms}
    assert got == dict.fromkeys(forms, outcome), ran.output()
    if outcome == "unknown":
        reasons = {name: ran.of(name)["logs.errors"]["reason"] for name in forms}
        assert "9 of 279 entries" in reasons["few-of-many"]
        assert "lost the order" in reasons["unknown-level"], describe(ran.of("unknown-level"))


def test_errors_of_json_messages_are_told_apart(tmp_path: Path) -> None:
    """AWS Lambda writes objects as messages; Node.js and Python print them inside text."""
    kinds = ("KeyError", "TypeError")
    forms: dict[str, Any] = {
        "object": lambda kind: {"errorType": kind, "errorMessage": "lost the order"},
        "plain": lambda kind: {"table": kind, "operation": "insert"},
        "text": lambda kind: f'Invoke Error {{"errorType":"{kind}","errorMessage":"lost the order"}}',
        "python": lambda kind: str({"code": kind, "detail": "lost the order"}),
    }
    systems = {}
    for name, form in forms.items():
        lines = [fields(60 + n, "timestamp", level="ERROR", message=form(kind)) for n in range(3) for kind in kinds]
        (tmp_path / name).write_text("\n".join(lines))
        systems[name] = {"deadline_s": DEADLINE_S, "logs": {"file": str(tmp_path / name), "limit": 2}}
    ran = check(tmp_path / "run", systems, "-m", "logs")
    for name in forms:
        seen = [finding["seen"] for finding in ran.of(name)["logs.errors"]["findings"]]
        assert [len([text for text in seen if kind in text and "3 times" in text]) for kind in kinds] == [1, 1], seen


def lokis(line: str, **labels: str) -> bytes:
    values = [[str(int((time.time() - 60 - n) * 1e9)), line.replace("#", str(n))] for n in range(COUNT)]
    data = {"resultType": "streams", "result": [{"stream": {"service": "shop"} | labels, "values": values}]}
    return document({"status": "success", "data": data})


LOKI = {
    "pino": (('{"level":50,"msg":"lost the order","n":#}', {}), "found:new-error"),
    "severity-number": (("lost the order", {"severity_number": "17", "detected_level": "unknown"}), "found:new-error"),
    "severity-text": (("lost the order", {"severity_text": "Error"}), "found:new-error"),
    "pino-label": (("lost the order", {"level": "50"}), "found:new-error"),
    "guess": (("the error budget is fine", {"severity_text": "INFO", "detected_level": "error"}), "clear"),
    "guess-of-text": (("ERROR budget is fine", {"severity_number": "9"}), "clear"),
    "nothing": (("lost the order", {"detected_level": "unknown"}), "unknown"),
}


def test_level_beside_the_line_in_loki(tmp_path: Path) -> None:
    servers = {name: FakeServer(always(lokis(line, **labels))) for name, ((line, labels), _) in LOKI.items()}
    try:
        systems: dict[str, Settings] = {}
        for name, server in servers.items():
            loki = {"url": server.__enter__().url, "selectors": ['{service="shop"}']}
            systems[name] = {"deadline_s": DEADLINE_S, "logs": {"loki": loki}}
        ran = check(tmp_path / "run", systems, "-m", "logs")
    finally:
        for server in servers.values():
            server.__exit__(None, None, None)
    got = {name: outcomes(ran.of(name))["logs.errors"] for name in LOKI}
    assert got == {name: wanted for name, (_, wanted) in LOKI.items()}, ran.output()
