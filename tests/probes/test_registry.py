"""An image that is missing is distinguished from a registry that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.http.target import basic
from runbook_checks.probes.providers import oci_registry as registry
from runbook_checks.probes.providers import registry_realms as realms
from tests.hostile.services import always
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer, Handler, Visit, misbehaves
from tests.probes.conftest import Misbehaving

MANIFEST = {"schemaVersion": 2, "layers": []}


def says(name: str, status: int, body: Any, *headers: str) -> str:
    @misbehaves(f"registry.{name}")
    def answer(visit: Visit) -> None:
        while visit.request():
            visit.say(
                whole(json.dumps(body).encode(), "Content-Type: application/json", *headers, status=f"{status} So")
            )

    return f"registry.{name}"


def errors(code: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": "so it is"}]}


THERE = says("there", 200, MANIFEST, "Docker-Content-Digest: sha256:77")
ABSENT = [says("no-tag", 404, errors("MANIFEST_UNKNOWN")), says("no-name", 404, errors("NAME_UNKNOWN"))]
SILENT = {
    says("other-404", 404, {"detail": "Not Found"}): "not-a-registry",
    says("other-200", 200, {"hello": "world"}): "not-a-registry",
    says("forbidden", 403, errors("DENIED")): "not-authorised",
    says("login", 401, errors("UNAUTHORIZED"), 'WWW-Authenticate: Basic realm="r"'): "not-authorised",
    says("elsewhere", 401, {}, 'WWW-Authenticate: Bearer realm="http://127.0.0.2:9/token"'): "not-authorised",
    says("no-realm", 401, {}, "WWW-Authenticate: Bearer"): "not-authorised",
    says("busy", 503, errors("UNAVAILABLE")): "unavailable",
}


@misbehaves("registry.wants-a-token")
def wants_a_token(visit: Visit) -> None:
    """Like large registries: 401, a token from the realm after a login, then the manifest."""
    while seen := visit.request().decode():
        port = visit.sock.getsockname()[1]
        if seen.startswith("GET /token?service=it&scope=pull HTTP"):
            is_known = basic("monitor", "password")["Authorization"] in seen
            visit.say(whole(json.dumps({"token": "abc" if is_known else 7}).encode(), "Content-Type: application/json"))
        elif "Authorization: Bearer abc" in seen:
            visit.say(whole(json.dumps(MANIFEST).encode(), "Content-Type: application/json"))
        else:
            realm = f'Bearer realm="http://127.0.0.1:{port}/token",service="it",scope="pull"'
            visit.say(whole(b"{}", f"WWW-Authenticate: {realm}", status="401 So"))


def digest(url: str, login: Mapping[str, str] | None = None) -> str | None:
    def open_at(address: str, headers: Mapping[str, str]) -> Http:
        return Http(address, resource="registry", headers=headers, timeout_s=1)

    return registry.digest(open_at, url, "team/backend", "previous", login or {})


def test_image_exists(misbehaving: Misbehaving) -> None:
    assert digest(misbehaving(THERE).url) == "sha256:77"


@pytest.mark.parametrize("name", ABSENT)
def test_image_does_not_exist(misbehaving: Misbehaving, name: str) -> None:
    assert digest(misbehaving(name).url) is None


@pytest.mark.parametrize(("name", "kind"), SILENT.items())
def test_unreadable_image_is_not_missing(misbehaving: Misbehaving, name: str, kind: str) -> None:
    with pytest.raises(NoReading) as caught:
        digest(misbehaving(name).url)
    assert caught.value.kind == kind


def test_a_token_is_fetched_with_the_login(misbehaving: Misbehaving) -> None:
    url = misbehaving("registry.wants-a-token").url
    assert digest(url, basic("monitor", "password")) == "not told"
    with pytest.raises(NoReading) as caught:
        digest(url)
    assert caught.value.kind == "not-authorised"


def asking(realm: str) -> Handler:
    """A registry that requires a token from a realm, for every request."""

    def answer(visit: Visit) -> None:
        while visit.request():
            visit.say(whole(b"{}", f'WWW-Authenticate: Bearer realm="{realm}",service="it"', status="401 So"))

    return answer


@pytest.mark.parametrize("form", ["http://localhost:{port}/token", "http://127.0.0.1:{port}/", "https://127.0.0.1@x/"])
def test_login_is_not_sent_to_an_untrusted_realm(form: str) -> None:
    """Not to another port or host, nor to any other by plain http: the realm's server gets no request."""
    with (
        FakeServer(always(whole(b'{"token": "abc"}'))) as realm,
        FakeServer(asking(form.format(port=realm.port))) as here,
        pytest.raises(NoReading, match="untrusted token realm; credentials not sent") as caught,
    ):
        digest(here.url, basic("monitor", "password"))
    assert (caught.value.kind, realm.visits) == ("not-authorised", 0)
    assert "rollback.image.realms" in caught.value.reason


TRUSTED = {
    "registry-1.docker.io": ["https://auth.docker.io/token"],
    "index.docker.io": ["https://auth.docker.io/token"],
    "ghcr.io": ["https://ghcr.io/token"],
    "quay.io": ["https://quay.io/v2/auth"],
    "registry.gitlab.com": ["https://gitlab.com/jwt/auth"],
    "registry.example.com": ["https://gitlab.example.com/jwt/auth", "https://registry.example.com:5001/auth"],
    "registry.digitalocean.com": ["https://api.digitalocean.com/v2/registry/auth"],
    "europe-docker.pkg.dev": ["https://europe-docker.pkg.dev/v2/token"],
    "team.azurecr.io": ["https://team.azurecr.io/oauth2/token"],
    "registry.team.test": ["https://login.elsewhere.test/token"],
}
UNTRUSTED = {
    "registry-1.docker.io": ["http://auth.docker.io/token", "https://auth.docker.io.evil.test/", "https://docker.com/"],
    "ghcr.io": ["https://evil.io/token", "https://io/"],
    "team.azurecr.io": ["https://evil.azurecr.io/oauth2/token"],
    "europe-docker.pkg.dev": ["https://evil.pkg.dev/token"],
    "123.dkr.ecr.eu-west-1.amazonaws.com": ["https://456.dkr.ecr.eu-west-1.amazonaws.com/"],
    "registry.co.uk": ["https://evil.co.uk/token"],
    "10.0.0.5": ["https://10.0.0.6/token", "https://evil.0.0.5/"],
    "registry.team.test": ["http://login.elsewhere.test/token", "https://login.elsewhere.test:x/", "ftp://team.test/"],
}


@pytest.mark.parametrize(
    ("host", "realm", "is_trusted"),
    [(host, realm, True) for host, some in TRUSTED.items() for realm in some]
    + [(host, realm, False) for host, some in UNTRUSTED.items() for realm in some],
)
def test_realms_of_registries_as_they_are(host: str, realm: str, *, is_trusted: bool) -> None:
    parts = realms.parsed(realm)
    reported = parts is not None and realms.is_trusted(parts, f"https://{host}", ["login.elsewhere.test"])
    assert reported == is_trusted
