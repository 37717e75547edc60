"""Responses of the proxy, of CORS and of static files that do or do not show a fault."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import HEALTH, MEGABYTE, PLANS, UPLOADS
from runbook_checks_lab.boundaries.aura_flow import boundary, responds
from runbook_checks_lab.boundaries.states import rules
from runbook_checks_lab.registry import untouched

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body

DIRECT = "http.direct_url"


_cors = partial(rules, lambda lab: lab.aura_flow.service.behaviour.cors)
_proxy = partial(rules, lambda lab: lab.aura_flow.proxy.behaviour)

# With credentials a browser does not accept '*'.
boundary("web.cors-rejected", "any-with-credentials", "origin-not-allowed")(_cors(judges="any"))
boundary("web.cors-rejected", "any-without-credentials", settings={"web.cors.credentials": False})(_cors(judges="any"))
boundary("web.cors-rejected", "preflight-403", "origin-not-allowed")(_cors(preflight_status=403))
boundary("web.cors-open", "preflight-503", "unknown")(responds(f"OPTIONS {PLANS}", 503))
boundary("web.cors-open", "preflight-404")(responds(f"OPTIONS {PLANS}", 404))


def _content(name: str, text: str) -> Body:
    """Change the content of one file of the site."""

    def body(lab: Lab) -> Iterator[None]:
        path = lab.aura_flow.site.path(name)
        built = path.read_bytes()
        path.write_text(text)
        yield
        path.write_bytes(built)

    return body


PAGE = "<!doctype html><html><body>{}</body></html>"
boundary("web.asset-missing", "welcome-page", "index-missing")(_content("index.html", PAGE.format("Welcome to nginx!")))
boundary("web.asset-missing", "picture-alone", "index-missing")(
    _content("index.html", PAGE.format('<img src="/apple-touch-icon.png">'))
)
boundary("web.asset-missing", "scripts-elsewhere")(
    _content("index.html", PAGE.format('<script src="https://cdn.runbook-checks.invalid/a.js"></script>'))
)
boundary("web.asset-missing", "page-in-a-script", "wrong-type")(_content("vendor", PAGE.format("Sign in")))


def _file(name: str, how: str) -> Body:
    """Change how nginx serves one file of the site."""

    def body(lab: Lab) -> None:
        place = lab.aura_flow.site.names[name]
        lab.aura_flow.proxy.behaviour.more = f"location = /{place} {{ {how} }}"

    return body


boundary("web.asset-missing", "file-503", "None")(_file("vendor", "return 503;"))
boundary("web.asset-missing", "file-403", "not-found")(_file("vendor", "return 403;"))
boundary("web.asset-missing", "picture-without-type")(_file("hero", "types {} default_type application/octet-stream;"))
boundary("web.asset-missing", "picture-as-text", "wrong-type")(_file("hero", "types {} default_type text/plain;"))
boundary("web.asset-missing", "script-as-text", "wrong-type")(_file("vendor", "types {} default_type text/plain;"))

boundary("web.proxy-broken", "502-and-no-other-way", "backend-not-reached", settings={DIRECT: None})(
    responds(f"GET {HEALTH}", 502)
)
boundary("web.proxy-broken", "504", "backend-not-reached")(responds(f"GET {HEALTH}", 504))
boundary("web.proxy-broken", "404-here-and-there")(responds(f"GET {HEALTH}", 404))
for status in (302, 303, 307, 308):
    boundary("web.proxy-broken", f"redirect-{status}")(_proxy(redirect=f"{status} https"))
boundary("web.proxy-broken", "redirect-to-plain", "no-redirect")(_proxy(redirect="301 http"))


@boundary("web.proxy-broken", "plain-refused", "no-redirect")
def _plain_refused(lab: Lab) -> None:
    lab.aura_flow.plain.behaviour.door = "refused"


boundary("web.upload-failing", "401", "unknown")(responds(f"POST {UPLOADS}", 401))
boundary("web.upload-failing", "403", "unknown")(responds(f"POST {UPLOADS}", 403))


@boundary("web.upload-failing", "too-large-is-400", "unknown")
def _size_not_named(lab: Lab) -> None:
    lab.aura_flow.proxy.behaviour.max_body = "0"
    lab.aura_flow.service.behaviour.too_large_status = 400


@boundary("web.upload-failing", "100-kB-too-little", "refused")
def _slightly_smaller(lab: Lab) -> None:
    lab.aura_flow.service.behaviour.upload_limit = 10 * MEGABYTE - 100_000


boundary("web.page-slow", "10-ms-allowed", "slow-load", settings={"web.load_ms": 10})(untouched)
