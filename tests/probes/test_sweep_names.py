"""Facts that a sweep gets from several name servers: CNAMEs, zones, addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.domains.sweep import Facts, Plan, Swept, sweep
from runbook_checks.probes.net.far_ends import FarEnds
from tests.misbehaving.rogue import Rogue, Rule, Zone
from tests.probes.conftest import HERE
from tests.probes.test_sweep import BASE, PLAIN, SHOP, TEXT, TOKEN, failing

ZONE = "example.test"
SERVERS: Zone = {(ZONE, "NS"): ["ns1.dns.test", "ns2.dns.test"], ("ns1.dns.test", "A"): ["127.0.0.1"],
                 ("ns2.dns.test", "A"): ["127.0.0.1"]}  # fmt: skip
WITHOUT_TEXT: Zone = {(BASE, "A"): ["127.0.0.1"], (SHOP, "CNAME"): [BASE], **SERVERS}


class Dns(ExitStack):
    """A resolver, and the server to which zones are delegated."""

    def start(self, zone: Zone, rules: dict[str, Rule] | None = None) -> Rogue:
        return self.enter_context(Rogue(zone, rules))

    def sweep(
        self,
        resolver: Rogue,
        *domains: str,
        authority: Rogue | None = None,
        needs: Callable[[str, Facts, tuple[str, ...]], bool] | None = None,
        **plan: Any,
    ) -> Swept:
        """The addresses' ports are closed, so that the sweep does not wait for servers."""
        port = int(authority.address.partition(":")[2]) if authority else 9
        settings = {"base_host": BASE, "timeout_s": 2.0, "authority_s": 0.5, "port": 9, "far_ends": HERE} | plan
        made = Plan(resolver=resolver.address, authoritative_port=port, **settings)  # type: ignore[arg-type]
        asks = needs or (lambda *_: authority is not None)
        return sweep(domains or (SHOP,), made, needs_authority=asks)


@pytest.fixture
def servers() -> Iterator[Dns]:
    with Dns() as stack:
        yield stack


def says(rcode: dns.rcode.Rcode, *kinds: str) -> Rule:
    """Fail queries of these types, or all."""

    def rule(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        is_meant = not kinds or query.question[0].rdtype.name in kinds
        return [failing(query, rcode) if is_meant else truth.to_wire()]

    return rule


def silent(*kinds: str) -> Rule:
    def rule(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        return [] if query.question[0].rdtype.name in kinds else [truth.to_wire()]

    return rule


def step_by_step(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
    """The CNAME alone, without its target."""
    truth.answer = truth.answer[:1]
    return [truth.to_wire()]


def with_zone(_: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
    truth.authority.append(dns.rrset.from_text(f"{ZONE}.", 0, "IN", "SOA", "ns1.dns.test. a.test. 1 2 3 4 5"))
    return [truth.to_wire()]


# --------------------------------------------------------------------------------- authority
def test_authoritative_servers_have_newer_records_than_the_resolver(servers: Dns) -> None:
    resolver, authority = servers.start(WITHOUT_TEXT), servers.start(PLAIN)
    facts = servers.sweep(resolver, authority=authority).facts[SHOP]
    assert facts.txt.values == ()
    reported = facts.authority
    assert reported is not None
    assert (reported.zone, reported.servers, reported.problem) == (ZONE, ("ns1.dns.test", "ns2.dns.test"), "")
    assert reported.asked == f"ns1.dns.test ({authority.address})"
    assert reported.txt is not None
    assert reported.txt.values == (TOKEN,)
    assert reported.address is not None
    assert reported.address.aliases == (BASE,)
    assert (SHOP, "NS") in resolver.asked, "the zone was searched upwards from the name"


def test_name_servers_at_internal_addresses_are_not_queried(servers: Dns) -> None:
    """The owner of a zone chooses its name servers."""
    resolver, authority = servers.start(WITHOUT_TEXT), servers.start(PLAIN)
    reported = servers.sweep(resolver, authority=authority, far_ends=FarEnds()).facts[SHOP].authority
    assert reported is not None
    assert "far_ends.allow" in reported.problem
    assert authority.asked == []


def test_zone_is_reported_for_missing_records_and_queried_once(servers: Dns) -> None:
    other = f"other.{ZONE}"
    zone = WITHOUT_TEXT | {(other, "CNAME"): [BASE]}
    resolver = servers.start(zone, {TEXT: with_zone, f"_reverseai.{other}": with_zone})
    authority = servers.start(PLAIN | {(f"_reverseai.{other}", "TXT"): ['"second"']})
    found = servers.sweep(resolver, SHOP, other, authority=authority, at_once=1).facts
    assert found[SHOP].txt.zone == ZONE
    for domain, text in ((SHOP, TOKEN), (other, "second")):
        reported = found[domain].authority
        assert reported is not None
        assert reported.txt is not None
        assert reported.txt.values == (text,)
    assert [kind for _, kind in resolver.asked].count("NS") == 1
    assert (SHOP, "NS") not in resolver.asked


def test_zone_of_the_address_is_used_if_the_texts_zone_is_unknown(servers: Dns) -> None:
    zone = {key: values for key, values in WITHOUT_TEXT.items() if key[0] != SHOP}
    resolver = servers.start(zone, {SHOP: with_zone, TEXT: says(dns.rcode.SERVFAIL)})
    found = servers.sweep(resolver, authority=servers.start(PLAIN)).facts[SHOP]
    assert found.authority is not None
    assert found.authority.zone == ZONE
    assert (SHOP, "NS") not in resolver.asked


@pytest.mark.parametrize(
    ("fails", "asked", "is_told"),
    [
        ({TEXT: says(dns.rcode.SERVFAIL)}, "ns1.dns.test", False),
        ({TEXT: lambda *_: []}, "ns1.dns.test", False),
        ({SHOP: says(dns.rcode.SERVFAIL)}, "ns1.dns.test", True),
        ({SHOP: lambda *_: []}, "ns1.dns.test", True),
        ({SHOP: lambda *_: [], TEXT: says(dns.rcode.SERVFAIL)}, "", False),
        ({SHOP: says(dns.rcode.REFUSED), TEXT: lambda *_: []}, "", False),
    ],
)
def test_server_that_answers_one_of_two_queries_counts(
    servers: Dns, fails: dict[str, Rule], asked: str, is_told: bool
) -> None:
    resolver, authority = servers.start(WITHOUT_TEXT), servers.start(PLAIN, fails)
    reported = servers.sweep(resolver, authority=authority, timeout_s=4.0).facts[SHOP].authority
    assert reported is not None
    assert reported.asked.partition(" ")[0] == asked
    if asked:
        assert reported.txt is not None
        assert (reported.txt.values == (TOKEN,)) == is_told
    else:
        assert "none of the name servers that example.test is delegated to responds (ns1" in reported.problem


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (says(dns.rcode.SERVFAIL, "NS"), f"the resolver does not return the name servers of {SHOP} (SERVFAIL)"),
        (silent("NS"), f"the resolver does not return the name servers of {SHOP} (no answer in time)"),
    ],
)
def test_resolver_without_the_name_servers_of_a_zone(servers: Dns, rule: Rule, problem: str) -> None:
    resolver = servers.start(WITHOUT_TEXT, {SHOP: rule})
    reported = servers.sweep(resolver, authority=servers.start(PLAIN)).facts[SHOP].authority
    assert reported is not None
    assert reported.problem == problem


def test_domain_without_a_zone_and_servers_without_a_usable_address(servers: Dns) -> None:
    without = {key: values for key, values in WITHOUT_TEXT.items() if key[1] != "NS"}
    reported = servers.sweep(servers.start(without), authority=servers.start(PLAIN)).facts[SHOP].authority
    assert reported is not None
    assert reported.problem == f"no zone with name servers was found above {SHOP}"
    v6: Zone = {(BASE, "A"): ["127.0.0.1"], (SHOP, "CNAME"): [BASE], (ZONE, "NS"): ["ns6.test", "ns0.test"],
                ("ns6.test", "AAAA"): ["::1"]}  # fmt: skip
    resolver = servers.start(v6)
    reported = servers.sweep(resolver, authority=servers.start(PLAIN)).facts[SHOP].authority
    assert reported is not None
    assert "(ns6.test, ns0.test)" in reported.problem
    assert ("ns6.test", "AAAA") in resolver.asked


def test_addresses_of_the_base_host_are_resolved_first(servers: Dns) -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []
    lost: list[bytes] = []

    def second_time(_: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        lost.append(truth.to_wire())
        return lost[2:][-1:]

    def needs(domain: str, _: Facts, base: tuple[str, ...]) -> bool:
        seen.append((domain, base))
        return False

    resolver = servers.start(PLAIN, {BASE: second_time})
    swept = servers.sweep(resolver, needs=needs, timeout_s=4.0)
    assert seen == [(SHOP, ("127.0.0.1",))]
    assert swept.base_addresses == ("127.0.0.1",)


# ------------------------------------------------------------------------------ aliases and addresses
def test_cnames_from_separate_answers_are_followed(servers: Dns) -> None:
    chain: Zone = {(SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): ["b.test"], ("b.test", "CNAME"): [BASE],
                   (BASE, "A"): ["127.0.0.1"]}  # fmt: skip
    rules: dict[str, Rule] = dict.fromkeys((SHOP, "a.test", "b.test"), step_by_step)
    facts = servers.sweep(servers.start(chain, rules)).facts[SHOP]
    assert (facts.address.said, facts.address.aliases) == ("there", ("a.test", "b.test", BASE))
    assert facts.address6 is None, "the CNAME points to the base host, which is sufficient"


@pytest.mark.parametrize("rule", [step_by_step, None])
def test_loop_beside_the_domain_is_one(servers: Dns, rule: Rule | None) -> None:
    loop: Zone = {(SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): ["b.test"], ("b.test", "CNAME"): ["a.test"]}
    rules: dict[str, Rule] = dict.fromkeys((SHOP, "a.test", "b.test"), rule) if rule else {}
    facts = servers.sweep(servers.start({**loop, (BASE, "A"): ["127.0.0.1"]}, rules)).facts[SHOP]
    assert (facts.address.is_loop, facts.address.aliases) == (True, ("a.test", "b.test", "a.test"))
    assert facts.address6 is None
    assert facts.gone is not None
    assert facts.gone.reason == "CNAME loop"


@pytest.mark.parametrize(
    ("last", "aliases", "is_loop"),
    [("b.test", ("a.test", "b.test", "a.test"), True), (SHOP, ("a.test", SHOP), True), ("c.test", (), False)],
)
def test_cname_loop_is_distinguished_from_a_failure(
    servers: Dns, last: str, aliases: tuple[str, ...], is_loop: bool
) -> None:
    zone: Zone = {(BASE, "A"): ["127.0.0.1"], (SHOP, "CNAME"): ["a.test"], ("a.test", "CNAME"): [last]}
    zone |= {("b.test", "CNAME"): ["a.test"]}
    rule = says(dns.rcode.SERVFAIL, "A", "AAAA")
    address = servers.sweep(servers.start(zone, dict.fromkeys((SHOP, "a.test", "b.test"), rule))).facts[SHOP].address
    assert (address.is_loop, address.aliases) == (is_loop, aliases)
    assert address.said == ("no-such-record" if is_loop else "server-failure")


def test_answers_of_name_servers_are_reported_unchanged(servers: Dns) -> None:
    names = {f"x{n}.{ZONE}": dns.rcode.Rcode(n) for n in (1, 2, 4, 5, 9)}
    resolver = servers.start({(BASE, "A"): ["127.0.0.1"]}, {name: says(rcode) for name, rcode in names.items()})
    swept = servers.sweep(resolver, *names, f"gone.{ZONE}")
    words = {name: facts.address.words for name, facts in swept.facts.items()}
    assert words == {f"x1.{ZONE}": "FORMERR", f"x2.{ZONE}": "SERVFAIL", f"x4.{ZONE}": "NOTIMP", f"x5.{ZONE}": "REFUSED",
                     f"x9.{ZONE}": "RCODE 9", f"gone.{ZONE}": ""}  # fmt: skip
    assert swept.facts[f"gone.{ZONE}"].address.said == "no-such-name"
    reasons = [swept.facts[name].gone.reason for name in (f"x2.{ZONE}", f"gone.{ZONE}")]  # type: ignore[union-attr]
    assert reasons == ["the name servers failed (SERVFAIL)", "the name does not exist (NXDOMAIN)"]


@pytest.mark.parametrize("rcode", [dns.rcode.FORMERR, dns.rcode.NOTIMP])
def test_server_without_edns_is_queried_again_without(servers: Dns, rcode: dns.rcode.Rcode) -> None:
    def old(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        return [failing(query, rcode) if query.edns >= 0 else truth.to_wire()]

    resolver = servers.start(PLAIN, {TEXT: old})
    assert servers.sweep(resolver).facts[SHOP].txt.values == (TOKEN,)
    assert resolver.asked.count((TEXT, "TXT")) == 2


def test_shortest_answers_are_read(servers: Dns) -> None:
    def bare(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        answer = dns.message.make_response(query)
        answer.use_edns(False)
        assert len(answer.to_wire()) == 21
        return [answer.to_wire()]

    facts = servers.sweep(servers.start(PLAIN, {"a.b": bare}), "a.b").facts["a.b"]
    assert facts.address.said == "no-such-record"
    assert facts.gone is not None
    assert facts.gone.reason == "the name has no address"


def test_names_are_queried_in_lower_case_and_reported_as_given(servers: Dns) -> None:
    swept = servers.sweep(servers.start(PLAIN), "Shop.Example.TEST.")
    assert swept.facts["Shop.Example.TEST."].domain == SHOP
    assert swept.facts["Shop.Example.TEST."].txt.values == (TOKEN,)
    assert swept.questions == 4, "two for the domain, two for the base host"


def test_domain_of_ipv6_alone(servers: Dns) -> None:
    swept = servers.sweep(servers.start({(BASE, "AAAA"): ["::1"], (SHOP, "AAAA"): ["::1"]}))
    facts = swept.facts[SHOP]
    assert (facts.address.said, facts.addresses, swept.base_addresses) == ("no-such-record", ("::1",), ("::1",))
    assert facts.gone is not None
    assert facts.gone.kind in ("connection-refused", "not-connected", "connect-timeout")


def test_both_address_families_of_a_domain_with_another_target(servers: Dns) -> None:
    zone: Zone = {(BASE, "A"): ["127.0.0.1"], (SHOP, "A"): ["127.0.0.9"], (SHOP, "AAAA"): ["::1"]}
    assert servers.sweep(servers.start(zone)).facts[SHOP].addresses == ("127.0.0.9", "::1")


def test_many_domains_are_distributed_and_all_reported(servers: Dns) -> None:
    names = [f"n{n}.{ZONE}" for n in range(250)]
    counted: list[tuple[int, int]] = []
    resolver = servers.start({(BASE, "A"): ["127.0.0.1"]})
    plan = Plan(resolver=resolver.address, base_host=BASE, timeout_s=5.0, at_once=600)
    swept = sweep(names, plan, progress=lambda done, of: counted.append((done, of)))
    assert {facts.address.said for facts in swept.facts.values()} == {"no-such-name"}
    assert (len(swept.facts), swept.unseen) == (250, {})
    assert counted[-1] == (250, 250)


# --------------------------------------------------------------------------------------- TCP
@pytest.mark.parametrize(
    ("pieces", "is_read"),
    [
        (lambda answer: [answer], True),
        (lambda answer: [answer[:1], answer[1:2], answer[2:20], answer[20:]], True),
        (lambda answer: [answer + b"more"], True),
        (lambda answer: [answer[:2], bytes([answer[2] ^ 1]), answer[3:]], False),
        (lambda answer: [answer[:15] + b"x" + answer[16:]], False),
        (lambda _: [], False),
        (lambda answer: [answer[:30]], False),
    ],
    ids=["whole", "in pieces", "with more", "another id", "another question", "nothing", "half"],
)
def test_answers_by_tcp(servers: Dns, pieces: Callable[[bytes], list[bytes]], is_read: bool) -> None:
    def cut(query: dns.message.Message, _: dns.message.Message) -> Iterable[bytes]:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    resolver = servers.start(PLAIN, {TEXT: cut})
    resolver.by_tcp = pieces
    text = servers.sweep(resolver, timeout_s=0.8).facts[SHOP].txt
    assert (text.said, text.values) == (("there", (TOKEN,)) if is_read else ("timeout", ()))


# ------------------------------------------------------------------------------- time and resolver
def test_domains_not_checked_in_time_are_reported(servers: Dns) -> None:
    late = f"late.{ZONE}"
    resolver = servers.start(PLAIN, dict.fromkeys((late, f"_reverseai.{late}"), lambda *_: []))
    swept = servers.sweep(resolver, SHOP, late, "a..test", timeout_s=9.0, limit_s=0.8)
    assert set(swept.facts) == {SHOP}
    assert swept.unseen[late] == "the sweep timed out after 0.8 s"
    assert "empty label" in swept.unseen["a..test"]


def test_silent_names_make_room_for_others(servers: Dns) -> None:
    names = [f"silent{n}.{ZONE}" for n in range(4)]
    rules: dict[str, Rule] = {}
    for name in names:
        rules |= dict.fromkeys((name, f"_reverseai.{name}"), lambda *_: [])
    swept = servers.sweep(servers.start(PLAIN, rules), *names, SHOP, at_once=1, timeout_s=2.5, limit_s=6.0)
    assert SHOP in swept.facts


def test_without_a_base_host_every_target_is_reported(servers: Dns) -> None:
    swept = servers.sweep(servers.start(PLAIN), base_host="")
    assert swept.facts[SHOP].address.aliases == (BASE,)
    assert swept.base_addresses == ()


@pytest.mark.parametrize(
    ("given", "reported"), [("127.0.0.77", "127.0.0.77:53"), ("127.0.0.77:9", "127.0.0.77:9"), ("[::1]:9", "[::1]:9")]
)
def test_resolver_is_reported_with_its_port(given: str, reported: str) -> None:
    with pytest.raises(NoReading) as caught:
        sweep([SHOP], Plan(resolver=given, base_host=BASE, timeout_s=0.5))
    assert caught.value.evidence["resolver"] == reported
    assert caught.value.evidence["resolver_state"] == "silent"


def test_invalid_resolver_is_no_reading() -> None:
    with pytest.raises(NoReading) as caught:
        sweep([SHOP], Plan(resolver="resolver.test", base_host=BASE))
    assert caught.value.kind == "no-resolver"
