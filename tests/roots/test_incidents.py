"""An incident is reported as one root cause that explains all its consequences, however the checks are run."""

from __future__ import annotations

import pytest

from runbook_checks_lab.systems import SYSTEMS
from tests.harness import LabClient
from tests.roots.documents import causes_of, not_clear, roots_of

CS, AURA, REVERSE, SALES = "ai-customer-service", "aura-flow", "reverseai", "sales-ai"
DATABASES = {f"database-gone@{system}": f"database.unreachable[{system}] connection-refused" for system in SYSTEMS}
EXPIRED = {f"certificate-expired@{system}": f"domain.certificate-expired[{system}] expired" for system in SYSTEMS}
RESOLVER = f"unreadable:resolver[{CS}]"
# Simultaneous incidents of different systems, and the root cause expected for each: they are independent.
TOGETHER = {
    "databases-gone": DATABASES,
    "name-server-gone": {f"name-server-gone@{CS}": RESOLVER},
    "certificates-expired": EXPIRED,
    "one-each": {
        f"clock-behind@{CS}": f"webhook.clock-drift[{CS}] server-behind",
        f"disk-full@{AURA}": f"capacity.disk[{AURA}] nearly-full",
        f"llm-provider-down@{REVERSE}": f"execution.failing[{REVERSE}] llm-provider",
        f"groq-down@{SALES}": f"dependency.provider-incident[{SALES}] outage",
    },
    "another-each": {
        f"clock-ahead@{CS}": f"webhook.clock-drift[{CS}] server-ahead",
        f"ai-provider-down@{AURA}": f"ai.quota-exceeded[{AURA}] provider-down",
        f"cloudflare-down@{SALES}": f"dependency.provider-incident[{SALES}] outage",
    },
    "and-another": {
        f"clock-behind@{AURA}": f"webhook.clock-drift[{AURA}] server-behind",
        f"slack-down@{SALES}": f"dependency.provider-incident[{SALES}] outage",
    },
}
# The minimum number of results that each explains, so that none counts as explained merely by being unknown.
TAKES_ALONG = {
    f"database.unreachable[{CS}]": 8,
    f"database.unreachable[{AURA}]": 20,
    f"database.unreachable[{REVERSE}]": 30,
    f"database.unreachable[{SALES}]": 14,
    RESOLVER: 110,
    f"domain.certificate-expired[{CS}]": 13,
    f"domain.certificate-expired[{AURA}]": 17,
    f"domain.certificate-expired[{REVERSE}]": 12,
    f"domain.certificate-expired[{SALES}]": 8,
    f"webhook.clock-drift[{CS}]": 6,
    f"capacity.disk[{AURA}]": 4,
    f"execution.failing[{REVERSE}]": 2,
    f"dependency.provider-incident[{SALES}]": 1,
    f"ai.quota-exceeded[{AURA}]": 2,
}


# How checks that are not clear are run again: in reverse order, alone or together, or in several processes.
AGAIN = {
    "databases-gone": (("-n", "4"),),
    "name-server-gone": (("-n", "2"),),
    "certificates-expired": (("--gate", "P1"),),
    "one-each": (("--serial",), ("-n", "2"), ("-n", "4")),
    "another-each": (("-n", "2"),),
    "and-another": (("--serial",),),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_incident_is_one_root_in_any_order_and_any_number_of_processes(everything: LabClient, name: str) -> None:
    wanted = TOGETHER[name]
    systems = {incident.rpartition("@")[2] for incident in wanted} if name != "name-server-gone" else set(SYSTEMS)
    chosen = [word for system in SYSTEMS if system in systems for word in ("--system", system)]
    with everything.incident(*wanted):
        ran = everything.check(*chosen)
        document = ran.document
        again = [*chosen, *reversed(not_clear(document))]
        others = [everything.check(*again, *how) for how in AGAIN[name]]
    reported = roots_of(document)
    causes = causes_of(document)
    plain = {f"{root.partition('#')[0]} {causes.get(root.partition('#')[0]) or ''}".strip() for root in reported}
    assert plain == set(wanted.values()), ran.stdout
    assert len(reported) == len(wanted), ran.stdout
    for root, explained in reported.items():
        least = TAKES_ALONG.get(root.partition("#")[0], 0)
        assert len(explained) >= least, f"{root} explains {sorted(explained)}"
    for other in others:
        assert roots_of(other.document) == reported, other.stdout
        assert other.code == ran.code == 1
