"""Check that browsers get the whole front end, that it may call the API, and that foreign pages may not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.accounts import Accounts
from runbook_checks.handles.expected_response import summary
from runbook_checks.handles.service import Service
from runbook_checks.handles.web import FrontEnd
from runbook_checks.probes.http.cors import SAFE_METHODS, Grant
from runbook_checks.probes.http.response import Answer
from runbook_checks.probes.web.assets import Asset, PageLook

KIB = 1024
BROWSER_S = 45.0
REDIRECTS = (301, 302, 303, 307, 308)
SCRIPT_TYPES = ("text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript")
SNIFFED = ("", "application/octet-stream", "binary/octet-stream")
# A visitor without a login gets 401 or 403 from the API, and browsers request an icon that many sites lack.
_HARMLESS = (
    r"^Failed to load resource: .* status of 40[13]\b(?!.*\.(?:m?js|css|wasm|woff2?)$)",
    r"^Failed to load resource: .* at \S+/favicon\.ico$",
)
_SILENT = ("connection-refused", "connect-timeout", "read-timeout", "tls-failed", "connection-reset")


@symptom("web.cors-rejected")
def check_front_end_may_call_the_api(web: FrontEnd) -> None:
    """Browsers send a preflight before a call; if it is rejected, the page loads and nothing in it works."""
    rule, origin = web.cors, web.origin
    methods = [method for method in rule.methods if method.upper() not in SAFE_METHODS] or rule.methods[:1]
    answers = {method: web.preflight(origin, method) for method in methods}
    found: dict[str | None, Found] = {}
    for method, (answer, grant) in answers.items():
        rejection = _rejection(rule, origin, method, answer, grant)
        if rejection is None:
            continue
        cause, seen, wanted = rejection
        evidence: dict[str, Any] = {"origin": origin, "method": method, "url": answer.url, "status": answer.status}
        one = Found(cause, seen=seen, wanted=wanted, **evidence, headers=rule.headers)
        no_header = "no Access-Control header was sent"
        ruled_out = {"method-not-allowed": no_header, "header-not-allowed": no_header}
        found.setdefault(cause, one.among(("origin-not-allowed", "no-cors-headers"), ruled_out))
    Found.all(found.values())


def _rejection(rule: Any, origin: str, method: str, answer: Answer, grant: Grant) -> tuple[str | None, str, str] | None:
    """Cause, seen and wanted, if a browser would not send such a request."""
    seen = f"a preflight for {method} from {origin} got {summary(answer)}"
    if not grant.says_anything:
        return _silence(answer, grant), f"{seen} without any Access-Control header", f"{origin} is allowed"
    if grant.origin != origin and (grant.origin != "*" or rule.credentials):
        named = f"{grant.origin} allowed" if grant.origin else "no origin allowed"
        return "origin-not-allowed", f"{seen} with {named}", f"{origin} is allowed"
    if rule.credentials and not grant.credentials:
        return "origin-not-allowed", f"{seen} without credentials allowed", "Access-Control-Allow-Credentials: true"
    if grant.refused_methods([method], credentials=rule.credentials):
        return "method-not-allowed", f"{seen}, and {method} is not among the methods", f"{method} is allowed"
    refused = grant.refused_headers(rule.headers, credentials=rule.credentials)
    if refused:
        wanted = f"{', '.join(rule.headers)} are allowed"
        return "header-not-allowed", f"{seen}, and {', '.join(refused)} not among the headers", wanted
    if not 200 <= answer.status < 300:
        return "origin-not-allowed", f"{seen}, which browsers reject", "2xx"
    return None


def _silence(answer: Answer, grant: Grant) -> str | None:
    """The cause where no Access-Control header came: some libraries send none to an origin that is not listed."""
    if grant.varies:
        return "origin-not-allowed"
    return None if 200 <= answer.status < 300 or answer.status == 403 else "no-cors-headers"


@symptom("web.cors-open")
def check_other_origins_may_not_call_the_api(web: FrontEnd) -> None:
    """Any page that a user visits could otherwise read and change data in the user's name."""
    _require_cors(web)
    open_to: dict[str, list[str]] = {}
    for what, origin in web.foreign_origins().items():
        for answer, grant in (web.preflight(origin, "GET"), web.called_from(origin)):
            if answer.status >= 500:
                raise NoReading("web", f"{answer.url} answers {summary(answer)}", kind="wrong-status")
            cause = _opened(origin, grant)
            if cause is not None and what not in open_to.setdefault(cause, []):
                open_to[cause].append(what)
    if {"any-origin", "origin-reflected"} & set(open_to):
        open_to.pop("null-origin", None)  # null is reflected as any other is
    Found.all(
        Found(
            cause,
            seen=f"{', '.join(whats)} allowed",
            wanted=f"only {web.origin} allowed",
            origin=web.origin,
            url=web.bound.http.url(web.cors.path),
            allowed=", ".join(whats),
        )
        for cause, whats in open_to.items()
    )


def _require_cors(web: FrontEnd) -> None:
    """NoReading if the front end's own origin is not allowed: rejected foreign origins then prove nothing."""
    answer, grant = web.called_from(web.origin)
    if grant.origin is None and web.preflight(web.origin, "GET")[1].origin is None:
        reason = f"{answer.url} does not allow the front end's own origin either (HTTP {answer.status})"
        raise NoReading("web", reason, kind="control-refused")


def _opened(origin: str, grant: Grant) -> str | None:
    if grant.origin == "*":
        return "any-origin"
    if grant.origin != origin:
        return None
    return "null-origin" if origin == "null" else "origin-reflected"


# ------------------------------------------------------------------ the page and its files
@symptom("web.asset-missing")
def check_page_and_its_files_are_there(web: FrontEnd) -> None:
    """With one missing script users may see a blank page while every health address is healthy."""
    look = web.look()
    _require_page(look)
    Found.all(found for asset in look.assets if (found := _missing(asset)) is not None)
    if look.unseen:
        raise next(iter(look.unseen.values()))
    if look.cut:
        reason = f"{len(look.cut)} of {len(look.cut) + len(look.assets)} files were not requested (web.assets)"
        raise NoReading("web", reason, kind="not-looked-at", evidence={"cut": look.cut[:20]})


def _require_page(look: PageLook) -> None:
    page = look.page
    seen = None
    if page.status != 200:
        seen = summary(page)
    elif not page.is_html:
        seen = "a response that is not HTML"
    elif not any(asset.kind in ("script", "style") for asset in look.assets) and not (look.unseen or look.elsewhere):
        seen = "a page without scripts and styles"
    if seen is not None:
        wanted = "the built front page, with its scripts and styles"
        raise Found("index-missing", seen=seen, wanted=wanted, url=page.url, status=page.status)


def _missing(asset: Asset) -> Found | None:
    evidence: dict[str, Any] = {
        "url": asset.url,
        "kind": asset.kind,
        "status": asset.status,
        "content_type": asset.content_type or "none",
        "referred_by": asset.referred_by,
    }
    subject = urlsplit(asset.url).path
    if asset.status != 200:
        cause = "not-found" if 300 <= asset.status < 500 else None
        found = Found(cause, seen=f"HTTP {asset.status}", wanted="200", subject=subject, **evidence)
        failed = f"HTTP {asset.status} is a failure of the server"
        return found.among((), {"not-found": failed, "wrong-type": failed})
    if asset.is_html or not _fits(asset):
        seen = f"a page of HTML, as {evidence['content_type']}" if asset.is_html else f"type {evidence['content_type']}"
        return Found("wrong-type", seen=seen, wanted=f"a {asset.kind}", subject=subject, **evidence)
    return None


def _fits(asset: Asset) -> bool:
    """Whether a browser would use it: scripts and styles by their type, images and fonts by their content."""
    kind, written = asset.kind, asset.content_type
    if kind == "script":
        return written in SCRIPT_TYPES
    if kind == "style":
        return written == "text/css"
    if kind == "image":
        return written.startswith("image/") or written in SNIFFED
    if kind == "manifest":
        return bool(asset.is_json)
    return written != "text/html"


@symptom("web.page-slow", alone=True)
def check_page_is_quick_in_a_browser(web: FrontEnd) -> None:
    """Users wait for the page, and only a browser knows when it paints and which scripts fail."""
    rule, visit = web.settings, web.visit(BROWSER_S)
    known = (*_HARMLESS, *rule.ignore)
    errors = [error for error in visit.errors if not any(re.search(pattern, error) for pattern in known)]
    if visit.status != 200:
        limit = " (rate limit)" if visit.status == 429 else ""
        raise NoReading("browser", f"the page answers the browser with HTTP {visit.status}{limit}", kind="wrong-status")
    if visit.refused:
        raise NoReading("browser", f"the page refers to {visit.refused[0]}", kind="address-refused")
    evidence: dict[str, Any] = {
        "first_paint_ms": "unknown" if visit.first_paint_ms is None else visit.first_paint_ms,
        "first_paint_limit_ms": rule.first_paint_ms,
        "load_ms": f"more than {visit.waited_ms:g}" if visit.load_ms is None else visit.load_ms,
        "load_limit_ms": rule.load_ms,
        "slowest": visit.slowest,
        "slowest_ms": visit.slowest_ms,
        "errors": "; ".join(errors) or "none",
        "chromium": visit.version,
    }
    found = []
    if errors:
        wanted = "no error in the console"
        found.append(Found("script-error", seen=str(evidence["errors"]), wanted=wanted, **evidence))
    if visit.first_paint_ms is not None and visit.first_paint_ms > rule.first_paint_ms:
        seen, wanted = f"the first paint came after {visit.first_paint_ms:g} ms", f"{rule.first_paint_ms:g} ms or less"
        found.append(Found("slow-first-paint", seen=seen, wanted=wanted, **evidence))
    if visit.blank_ms is not None and visit.blank_ms > rule.first_paint_ms:
        evidence["first_paint_ms"] = f"more than {visit.blank_ms:g}"
        seen, wanted = f"the page is blank after {visit.blank_ms:g} ms", f"{rule.first_paint_ms:g} ms or less"
        found.append(Found("slow-first-paint", seen=seen, wanted=wanted, **evidence))
    if (visit.waited_ms if visit.load_ms is None else visit.load_ms) > rule.load_ms:
        seen, wanted = f"loaded after {evidence['load_ms']} ms", f"{rule.load_ms:g} ms or less"
        found.append(Found("slow-load", seen=seen, wanted=wanted, **evidence))
    Found.all(found)
    if visit.load_ms is None:
        raise NoReading("browser", f"the page was not loaded within {visit.waited_ms:g} ms", kind="timeout")
    if visit.first_paint_ms is None:
        raise NoReading("browser", "the browser reports no first paint; the page may be blank", kind="field-missing")


# ------------------------------------------------------------------ the proxy
@symptom("web.proxy-broken")
def check_proxy_passes_on(web: FrontEnd, service: Service) -> None:
    """Users reach the back end only through the proxy, so a wrong route is an outage."""
    path = service.settings.health.path
    wanted = "a response of the back end"
    try:
        answer = service.get(path)
    except NoReading as gone:
        if gone.kind in _SILENT and _answers(web, path):
            evidence: dict[str, Any] = {"url": service.url, "status": "none", "direct": "answers"}
            raise Found("proxy-down", seen=gone.reason, wanted=wanted, **evidence) from None
        raise
    if not service.is_health_document(answer):
        own = _own_answer(web, path)
        if answer.status in (502, 504) or (own is not None and service.is_health_document(own)):
            seen = f"HTTP {answer.status} with {'a page' if answer.is_html else 'another document'}"
            direct = "http.direct_url is not configured" if own is None else f"HTTP {own.status}"
            raise Found(
                "backend-not-reached", seen=seen, wanted=wanted, url=answer.url, status=answer.status, direct=direct
            )
        if own is None:
            reason = f"{answer.url} answers {summary(answer)}, unlike the back end; set http.direct_url to compare"
            raise NoReading("http", reason, kind="control-refused")
    _require_redirect(web)


def _answers(web: FrontEnd, path: str) -> bool:
    return _own_answer(web, path) is not None


def _own_answer(web: FrontEnd, path: str) -> Answer | None:
    try:
        return web.direct_health(path)
    except NoReading:
        return None


def _require_redirect(web: FrontEnd) -> None:
    try:
        answer = web.plain()
    except NoReading as gone:
        if gone.kind not in _SILENT:
            raise
        evidence: dict[str, Any] = {
            "url": gone.evidence.get("url", "the plain address"),
            "status": "none",
            "direct": "not requested",
        }
        raise Found("no-redirect", seen=gone.reason, wanted="a redirect to HTTPS", **evidence) from None
    if answer is None:
        return
    location = answer.headers.get("location") or ""
    if answer.status in REDIRECTS and location.lower().startswith("https://"):
        return
    seen = f"plain HTTP got {summary(answer)}"
    evidence = {"url": answer.url, "status": answer.status, "direct": "not requested"}
    raise Found("no-redirect", seen=seen, wanted="a redirect to HTTPS", **evidence)


# ------------------------------------------------------------------ uploads
@symptom("web.upload-failing", alone=True)
def check_files_up_to_the_limit_are_taken(web: FrontEnd, accounts: Accounts) -> None:
    """Uploads must work up to the promised size, and larger ones must not fill the disk."""
    rule, token = web.upload, accounts.user_token()
    below, above = rule.limit_bytes - 64 * KIB, rule.limit_bytes + 64 * KIB
    answer = web.send_file(below, token)
    taken_s = answer.timings.total_ms / 1000
    evidence: dict[str, Any] = {
        "url": answer.url,
        "status": answer.status,
        "size": below,
        "limit": rule.limit_bytes,
        "taken_s": round(taken_s, 1),
    }
    if answer.status in (401, 403):
        raise NoReading("auth", f"{answer.url} refuses the user's token (HTTP {answer.status})", kind="control-refused")
    if answer.status not in rule.accepted:
        seen = f"a file of {below} bytes got {summary(answer)}"
        raise Found("refused", seen=seen, wanted="it is accepted", **evidence)
    web.clean_up(_document(answer), token, below)
    found = []
    if taken_s > rule.within_s:
        seen = f"a file of {below} bytes took {taken_s:.1f} s"
        found.append(Found("too-slow", seen=seen, wanted=f"{rule.within_s:g} s or less", **evidence))
    beyond = web.send_file(above, token)
    if beyond.status in rule.accepted:
        web.clean_up(_document(beyond), token, above)
        seen = f"a file of {above} bytes got HTTP {beyond.status}"
        evidence = {**evidence, "status": beyond.status, "size": above}
        found.append(Found("limit-not-enforced", seen=seen, wanted="413", **evidence))
    elif beyond.status != 413 and not found:
        reason = f"a file beyond the limit got HTTP {beyond.status}, which does not refuse it for its size"
        raise NoReading("web", reason, kind="wrong-status")
    Found.all(found)


def _document(answer: Answer) -> Any:
    try:
        return answer.json()
    except NoReading:
        return None
