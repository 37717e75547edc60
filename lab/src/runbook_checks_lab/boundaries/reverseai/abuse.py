"""Limits on surges of requests, on their share from one source, and on limits and graylists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.faults.reverseai import abuse, system
from runbook_checks_lab.reverseai.names import PREFIX
from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body


def _surge(source: Callable[[int], str], *, captcha: bool = True, graylist: bool = True) -> Body:
    """80 requests over the limit, from the given sources."""

    def body(lab: Lab) -> Iterator[None]:
        _forget(lab, captcha=captcha, graylist=graylist)
        yield from abuse.surge(lab, "runtime_rate_limited", source)

    return body


def _forget(lab: Lab, *, captcha: bool, graylist: bool) -> None:
    rules = abuse.rules(lab)
    rules["require_captcha"] = captcha
    rules["graylist_policy"] = rules["graylist_policy"] if graylist else None


def _one_and_others(ones: int) -> Callable[[int], str]:
    return lambda number: "192.0.2.66" if number < ones else f"198.51.100.{number}"


def _elsewhere(number: int) -> str:
    return f"198.51.100.{number + 1}"


# A source with half of a surge (and of the few requests on any day) caused it; its name may be hidden.
boundary("abuse.surge", "one-source-60-percent", "single-source")(_surge(_one_and_others(50)))
boundary("abuse.surge", "one-source-40-percent", "rate-limited-surge")(_surge(_one_and_others(35)))
boundary("abuse.surge", "source-not-told", "rate-limited-surge")(_surge(lambda _: ""))

# In a surge either protection is enough; without a surge neither is required.
boundary("abuse.policy-open", "surge-with-captcha")(_surge(_elsewhere, graylist=False))
boundary("abuse.policy-open", "surge-with-graylist")(_surge(_elsewhere, captcha=False))


@boundary("abuse.policy-open", "neither-and-no-surge")
def _neither(lab: Lab) -> None:
    _forget(lab, captcha=False, graylist=False)


def _limit(limit: dict[str, int]) -> Body:
    def body(lab: Lab) -> None:
        abuse.rules(lab)["per_ip"] = limit

    return body


boundary("abuse.policy-open", "one-request-a-minute")(_limit({"max_requests": 1, "window_seconds": 60}))


@boundary("abuse.policy-open", "limit-left-empty", "no-limits")
def _left_empty(lab: Lab) -> None:
    """An API that is less strict than the stand-in returns the value as it was written."""
    limits = {"policy": "public_anonymous", "rate_limit_json": abuse.rules(lab) | {"per_ip": {}}}
    where = f"GET {PREFIX}/workspaces/{abuse.OPEN}/access-policy"
    system(lab).service.behaviour.canned[where] = Canned(200, limits)


def _listed(entry: str) -> Body:
    def body(lab: Lab) -> None:
        abuse.rules(lab)["blacklist"].append(entry)

    return body


# 'hash:' is followed by a digest of any kind, 'sha256:' by one of the right length.
boundary("abuse.list-malformed", "short-hash")(_listed("hash:5e5e5e5e"))
boundary("abuse.list-malformed", "sha256-of-40", "bad-digest")(_listed("sha256:" + 40 * "5"))
