"""Is an image missing, or is it only that nobody could look?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from probes import registry
from probes.authorization import basic
from probes.http import Http
from probes.reading import NoReading
from tests.probes.conftest import Zoo
from tests.zoo.beast import Visit, beast
from tests.zoo.http import whole

MANIFEST = {"schemaVersion": 2, "layers": []}


def says(name: str, status: int, body: Any, *headers: str) -> str:
    @beast(f"registry.{name}")
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


@beast("registry.wants-a-token")
def wants_a_token(visit: Visit) -> None:
    """As the large registries do: 401, a token from the realm for those who log in, then the manifest."""
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


def test_an_image_is_there(zoo: Zoo) -> None:
    assert digest(zoo(THERE).url) == "sha256:77"


@pytest.mark.parametrize("name", ABSENT)
def test_an_image_is_not_there(zoo: Zoo, name: str) -> None:
    assert digest(zoo(name).url) is None


@pytest.mark.parametrize(("name", "kind"), SILENT.items())
def test_what_could_not_be_looked_at_is_not_missing(zoo: Zoo, name: str, kind: str) -> None:
    with pytest.raises(NoReading) as caught:
        digest(zoo(name).url)
    assert caught.value.kind == kind


def test_a_token_is_fetched_with_the_login(zoo: Zoo) -> None:
    url = zoo("registry.wants-a-token").url
    assert digest(url, basic("monitor", "password")) == "not told"
    with pytest.raises(NoReading) as caught:
        digest(url)
    assert caught.value.kind == "not-authorised"
