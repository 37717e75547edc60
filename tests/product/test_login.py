"""Tokens and passwords of the login are in no output, and the limits are those of the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.harness import PROJECT, LabClient, describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import Ran

SYSTEM = "aura-flow"
TOKEN = re.compile(r"eyJ[\w-]{8,}\.")
SECRETS = ("LAB_AF_PASSWORD", "LAB_AF_JWT_SECRET", "LAB_AF_EXPIRED_TOKEN")


@pytest.fixture
def aura(lab_of: Callable[[str], LabClient]) -> LabClient:
    return lab_of(SYSTEM)


def everything(ran: Ran) -> str:
    assert ran.folder is not None
    files = (path for path in ran.folder.rglob("*") if path.is_file())
    return ran.output() + "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.mark.parametrize(
    "fault",
    [
        "auth.forgery-accepted:tampered-accepted",
        "auth.login-failing:token-rejected",
        "auth.login-failing:login-refused",
    ],
)
def test_no_token_or_password_in_any_output(aura: LabClient, fault: str) -> None:
    with aura.fault(fault):
        ran = aura.check("-m", "auth")
    text = everything(ran)
    assert not TOKEN.findall(text)
    assert [name for name in SECRETS if aura.variables[name] in text] == []


def _environment(aura: LabClient, *changes: tuple[str, str]) -> str:
    text = (PROJECT / "environments" / "lab.yaml").read_text().replace("effects: write", "effects: refused")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = aura.state.parent / "refused.yaml"
    path.write_text(text)
    return str(path)


def test_no_login_is_tried_without_write_effects(aura: LabClient) -> None:
    aura.ask("DELETE", "requests")
    ran = aura.check("--system", SYSTEM, "-m", "auth", env=_environment(aura))
    assert ran.results["auth.login-failing"]["outcome"] == "skipped", describe(ran)
    for symptom in ("auth.forgery-accepted", "auth.role-not-enforced"):
        assert ran.results[symptom]["outcome"] == "unknown", describe(ran)
        assert "auth.token" in ran.results[symptom]["reason"]
    assert not [request for request in aura.ask("GET", "requests") if request["path"].endswith("/login")]


def test_configured_token_is_the_positive_control(aura: LabClient) -> None:
    body = {"email": aura.variables["LAB_AF_USER"], "password": aura.variables["LAB_AF_PASSWORD"]}
    token = _login(aura, body)
    named = ("      password: {env: LAB_AF_PASSWORD}", "      token: {env: NAMED_TOKEN}")
    env = _environment(aura, named)
    ran = aura.check("--system", SYSTEM, "-m", "auth and not write", env=env, variables={"NAMED_TOKEN": token})
    assert ran.outcomes("clear").keys() == {"auth.forgery-accepted", "auth.role-not-enforced"}, describe(ran)
    assert token not in everything(ran)


def _login(aura: LabClient, body: dict[str, str]) -> str:
    import requests

    answer = requests.post(f"{aura.variables['LAB_AF_DIRECT_URL']}/api/auth/login", json=body, timeout=10)
    return str(answer.json()["token"])


def test_burst_of_wrong_logins_is_limited_and_uses_an_unknown_user(aura: LabClient) -> None:
    with aura.fault("auth.rate-limit-missing:not-limited"):
        aura.ask("DELETE", "requests")
        ran = aura.check("-m", "auth and drill")
        requests = [r for r in aura.ask("GET", "requests") if r["path"].endswith("/login")]
    assert ran.results["auth.rate-limit-missing"]["outcome"] == "found", describe(ran)
    assert len(requests) == 20
    assert {request["status"] for request in requests} == {401}
