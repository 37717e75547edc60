"""A front end or API that browsers cannot use, and CORS that accepts a foreign page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.names import MEGABYTE
from runbook_checks_lab.faults.aura_flow import fault, system
from runbook_checks_lab.servers.files import away

if TYPE_CHECKING:
    from runbook_checks_lab.aura_flow.rules import CorsRules
    from runbook_checks_lab.lab import Lab

PATIENCE_S = 3.0  # the limit on an upload in environments/lab.yaml


def _cors(lab: Lab) -> CorsRules:
    return system(lab).service.behaviour.cors


@fault("web.cors-rejected", cause="origin-not-allowed")
def origin_left_out(lab: Lab) -> None:
    _cors(lab).origins = ["http://localhost:5173"]


@fault("web.cors-rejected", cause="method-not-allowed")
def read_only_methods(lab: Lab) -> None:
    _cors(lab).methods = ("GET", "HEAD", "POST")


@fault("web.cors-rejected", cause="header-not-allowed")
def no_authorization(lab: Lab) -> None:
    _cors(lab).headers = ("content-type",)


@fault("web.cors-rejected", cause="no-cors-headers")
def cors_not_set_up(lab: Lab) -> None:
    _cors(lab).is_silent = True


@fault("web.cors-open", cause="any-origin")
def star(lab: Lab) -> None:
    _cors(lab).judges = "any"


@fault("web.cors-open", cause="origin-reflected")
def name_compared_at_its_end(lab: Lab) -> None:
    _cors(lab).judges = "suffix"


@fault("web.cors-open", cause="null-origin")
def null_allowed(lab: Lab) -> None:
    _cors(lab).judges = "null too"


@fault("web.asset-missing", cause="not-found")
def preloaded_module_gone(lab: Lab) -> Iterator[None]:
    with away(system(lab).site.path("font")), away(system(lab).site.path("hero_large")):
        yield


@fault("web.asset-missing", cause="wrong-type")
def index_in_place_of_a_script(lab: Lab) -> Iterator[None]:
    system(lab).proxy.behaviour.answers_missing_with_index = True
    with away(system(lab).site.path("vendor")):
        yield


@fault("web.asset-missing", cause="index-missing")
def nothing_built(lab: Lab) -> Iterator[None]:
    with away(system(lab).site.path("index.html")):
        yield


@fault("web.proxy-broken", cause="backend-not-reached")
def wrong_upstream(lab: Lab) -> None:
    system(lab).proxy.behaviour.knows_backend = False


@fault("web.proxy-broken", cause="no-redirect")
def plain_served(lab: Lab) -> None:
    system(lab).proxy.behaviour.redirects = False


@fault("web.proxy-broken", cause="proxy-down")
def nginx_ended(lab: Lab) -> None:
    system(lab).proxy.behaviour.is_down = True
    for front in (system(lab).front, system(lab).plain):
        front.behaviour.door = "refused"


@fault("web.page-slow", cause="slow-first-paint")
def slow_style(lab: Lab) -> None:
    """The page is painted only after the style sheet has loaded: about three seconds for its 6 KB."""
    system(lab).proxy.behaviour.rates[system(lab).site.names["style"]] = "1500"


@fault("web.page-slow", cause="slow-load")
def slow_script_and_picture(lab: Lab) -> None:
    """The script requests the picture, so they load one after the other, about three seconds each."""
    for name in ("entry", "chart"):
        system(lab).proxy.behaviour.rates[system(lab).site.names[name]] = "1500"


@fault("web.page-slow", cause="script-error")
def script_for_another_page(lab: Lab) -> Iterator[None]:
    script = system(lab).site.path("entry")
    built = script.read_text()
    script.write_text(built.replace('getElementById("root")', 'getElementById("app")'))
    yield
    script.write_text(built)


@fault("web.upload-failing", cause="too-slow")
def slow_uploads(lab: Lab) -> None:
    system(lab).service.behaviour.upload_delay_s = PATIENCE_S + 0.5


@fault("web.upload-failing", cause="refused")
def proxy_takes_a_megabyte(lab: Lab) -> None:
    system(lab).proxy.behaviour.max_body = "1m"


@fault("web.upload-failing", cause="limit-not-enforced")
def no_limit(lab: Lab) -> None:
    system(lab).proxy.behaviour.max_body = "0"
    system(lab).service.behaviour.upload_limit = 1024 * MEGABYTE
