"""Decide whether a registry's login may be sent to the token realm that the registry names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from runbook_checks.inputs.address import is_ip
from runbook_checks.probes.http.target import same_origin

if TYPE_CHECKING:
    from collections.abc import Collection

# Subdomains of these belong to different owners. A registry there is trusted as its own realm only.
SHARED = (
    *("azurecr.io", "pkg.dev", "gcr.io", "amazonaws.com", "icr.io", "ocir.io", "jfrog.io", "cloudfront.net"),
    *("azurewebsites.net", "cloudapp.net", "azure.com", "googleapis.com", "run.app", "web.app", "appspot.com"),
    *("github.io", "githubusercontent.com", "gitlab.io", "herokuapp.com", "fly.dev", "vercel.app", "netlify.app"),
    *("workers.dev", "pages.dev", "onrender.com", "ts.net", "ngrok.io", "ngrok.app", "duckdns.org", "nip.io"),
)
SECOND_LEVEL = ("ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ltd", "me", "mil", "ne", "net", "or", "org", "plc")


def parsed(realm: str) -> SplitResult | None:
    """The realm's address; None where it is not an http(s) URL, or has a user."""
    try:
        parts = urlsplit(realm)
        _ = parts.port
    except ValueError:
        return None
    is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and not set("@\\ ") & set(parts.netloc)
    return parts if is_plain else None


def is_trusted(realm: SplitResult, registry: str, named: Collection[str]) -> bool:
    """Whether the realm is the registry itself, or by https its host, its domain or a host in `named`."""
    if same_origin(realm.geturl(), registry):
        return True
    host, own = (realm.hostname or "").lower(), (urlsplit(registry).hostname or "").lower()
    return realm.scheme == "https" and (host in {name.lower() for name in named} or _is_kin(host, own))


def _is_kin(host: str, registry: str) -> bool:
    """registry-1.docker.io and auth.docker.io, registry.example.com and example.com, but not a.co.uk and b.co.uk."""
    if host == registry:
        return True
    domain = registry.partition(".")[2]
    if is_ip(registry) or is_ip(host) or not _is_ones_own(domain):
        return False
    return host == domain or host.endswith(f".{domain}")


def _is_ones_own(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) < 2 or any(f".{domain}".endswith(f".{shared}") for shared in SHARED):
        return False
    return not (len(labels) == 2 and len(labels[1]) == 2 and labels[0] in SECOND_LEVEL)
