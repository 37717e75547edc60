"""Look up an image by its tag in a registry, by the HTTP API of the OCI distribution specification (v2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.http.response import Answer
from runbook_checks.probes.http.target import bearer
from runbook_checks.probes.providers import registry_realms as realms

RESOURCE = "registry"
# Media types of a manifest; without these a registry converts it to a format of 2015, or refuses.
KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
ABSENT = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')

Open = Callable[[str, Mapping[str, str]], Http]


def digest(
    open_at: Open,
    url: str,
    repository: str,
    tag: str,
    login: Mapping[str, str],
    *,
    open_far: Open | None = None,
    named: Collection[str] = (),
) -> str | None:
    """The digest of the image, None where the registry has no such image.

    open_at   makes an Http for an address of the environment and headers
    open_far  the same for an address that the registry names
    named     hosts that the environment names as realms

    `login` is the authentication header. A registry may require a token from another host (`WWW-Authenticate: Bearer
    realm=...`). The login is sent to that realm only if it is trusted.
    NoReading kinds: those of Http; not-authorised, not-a-registry, unavailable.
    """
    path = f"/v2/{quote(repository)}/manifests/{quote(tag, safe='')}"
    with reading(f"look for {repository}:{tag} at {_place(open_at, url)}") as facts:
        answer = _get(open_at, url, path, login)
        if answer.status == 401 and "bearer" in _wanted(answer).lower():
            realm = _realm(answer, url, named)
            is_named = realm.hostname in (urlsplit(url).hostname, *named)
            token = _token(open_at if is_named else open_far or open_at, realm, answer, login)
            answer = _get(open_at, url, path, token)
        facts["status"] = answer.status
        facts["digest"] = found = _found(answer, repository, tag)
        return found


def _place(open_at: Open, url: str) -> str:
    """The address without a login; NoReading where it is not valid."""
    http = open_at(url, {})
    try:
        return http.url("")
    finally:
        http.close()


def _get(open_at: Open, url: str, path: str, headers: Mapping[str, str]) -> Answer:
    http = open_at(url, {"Accept": KINDS, **headers})
    try:
        return http.get(path)
    finally:
        http.close()


def _wanted(answer: Answer) -> str:
    return answer.headers.get("www-authenticate") or ""


def _realm(answer: Answer, registry: str, named: Collection[str]) -> SplitResult:
    """The token realm; NoReading where the login must not be sent to it."""
    realm = realms.parsed(_challenge(answer).get("realm", ""))
    if realm is not None and realms.is_trusted(realm, registry, named):
        return realm
    where = f" from {realm.scheme}://{realm.netloc}" if realm else ""
    what = f"requires a token{where}: untrusted token realm; credentials not sent (rollback.image.realms may name it)"
    raise _no(answer, what, "not-authorised")


def _challenge(answer: Answer) -> dict[str, str]:
    return dict(_CHALLENGE.findall(_wanted(answer)))


def _token(opened: Open, realm: SplitResult, answer: Answer, login: Mapping[str, str]) -> dict[str, str]:
    wanted = _challenge(answer)
    scope: dict[str, str] = {name: wanted[name] for name in wanted if name in ("service", "scope")}
    query = urlencode(scope)
    given = _get(opened, f"{realm.scheme}://{realm.netloc}", f"{realm.path}?{query}", login)
    document: Any = given.json() if given.status == 200 else {}
    token = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(token, str):
        raise _no(given, f"returned no token (HTTP {given.status})", "not-authorised")
    return bearer(token)


def _found(answer: Answer, repository: str, tag: str) -> str | None:
    if answer.status in (401, 403):
        raise _no(answer, f"denies access (HTTP {answer.status})", "not-authorised")
    if answer.status >= 500:
        raise _no(answer, f"answers HTTP {answer.status}", "unavailable")
    document = answer.json()
    if answer.status == 200 and isinstance(document, dict) and "schemaVersion" in document:
        return answer.headers.get("docker-content-digest") or "not told"
    errors = document.get("errors") if isinstance(document, dict) else None
    codes = [error.get("code") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    if answer.status == 404 and any(code in ABSENT for code in codes):
        return None
    raise _no(
        answer, f"answers HTTP {answer.status} for {repository}:{tag}, and not as a registry does", "not-a-registry"
    )


def _no(answer: Answer, what: str, kind: str) -> NoReading:
    place = answer.url.partition("/v2/")[0]
    return NoReading(RESOURCE, f"{place} {what}", kind=kind, evidence={"url": place, "status": answer.status})
