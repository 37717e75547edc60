"""Read the verification text and the addresses of domains from a resolver and from the zones' own name servers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runbook_checks.inputs.address import is_ip
from runbook_checks.probes.domains.facts import Authority, Facts, shared
from runbook_checks.probes.net.dns_packets import AAAA, CNAME, NS, TXT, A
from runbook_checks.probes.net.name_server import Answer, NameServer, answer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.probes.domains.plan import Plan
    from runbook_checks.probes.net.event_loop import Loop

MAX_SERVERS = 4
MAX_ALIASES = 16
FAILED = ("server-failure", "timeout")


class Names:
    """Queries one resolver and, if its answers do not suffice, the servers that a zone is delegated to."""

    def __init__(self, loop: Loop, plan: Plan, resolver: NameServer) -> None:
        self.loop, self.plan, self.resolver = loop, plan, resolver
        self.base_addresses: tuple[str, ...] = ()
        self._servers: dict[tuple[str, int], NameServer] = {}
        self._delegations: dict[str, Authority] = {}

    def close(self) -> None:
        for server in (self.resolver, *self._servers.values()):
            server.close()

    async def look_up_base(self) -> Answer:
        """Look up the addresses of the base host, which an apex has in place of a CNAME."""
        host = self.plan.base_host
        if not host:
            return Answer("no-such-name")
        asked = [self.resolver.ask(host, kind) for kind in (A, AAAA)]
        four = await answer_of(self.resolver, host, A, asked[0])
        six = await answer_of(self.resolver, host, AAAA, asked[1])
        self.base_addresses = (*four.values, *six.values)
        return four

    async def facts(self, domain: str) -> Facts:
        """Query the resolver about a domain, for text and address at once."""
        address_asked = self.resolver.ask(domain, A)
        try:
            text_asked = self.resolver.ask(self.plan.text_name(domain), TXT)
        except ValueError:  # with its prefix the name is too long to exist
            text_asked = None
        address = await answer_of(self.resolver, domain, A, address_asked)
        text = Answer("no-such-name")
        if text_asked:
            text = await answer_of(self.resolver, self.plan.text_name(domain), TXT, text_asked)
        facts = Facts(domain, text, shared(address))
        if self._is_odd(address):
            await self._follow(facts)
        return facts

    def _is_odd(self, address: Answer) -> bool:
        is_alias = address.said == "there" and self.plan.base_host in address.aliases
        return not is_alias or bool(address.beside)

    async def _follow(self, facts: Facts) -> None:
        """Query what one A answer does not contain: IPv6 addresses, and the aliases of a loop answered by SERVFAIL."""
        address = facts.address
        if address.said == "server-failure":
            aliases = await self._walk(facts.domain)
            if aliases and aliases[-1] in (facts.domain, *aliases[:-1]):
                facts.address = Answer("no-such-record", aliases=aliases, is_loop=True)
        elif address.said != "timeout" and not address.is_loop:
            facts.address6 = await answer_of(self.resolver, facts.domain, AAAA)

    async def _walk(self, domain: str) -> tuple[str, ...]:
        """Query the aliases one by one, which works even if the resolver fails to follow them."""
        aliases: list[str] = []
        here = domain
        while len(aliases) < MAX_ALIASES:
            answer = await answer_of(self.resolver, here, CNAME)
            if answer.said != "there":
                break
            here = answer.values[0]
            aliases.append(here)
            if here == domain or here in aliases[:-1]:
                break
        return tuple(aliases)

    async def ask_authority(self, facts: Facts) -> None:
        """Query the zone's own servers: once caches expire, their answers are what every resolver returns."""
        found = await self._delegation(facts)
        if found.problem:
            facts.authority = found
            return
        servers = await self._addresses(found.servers)
        for name, address in servers:
            server = self._server((address, self.plan.authoritative_port))
            text = await self._within_a_try(server, self.plan.text_name(facts.domain), TXT)
            where = await self._within_a_try(server, facts.domain, A)
            if text.said in FAILED and where.said in FAILED:
                continue
            six = await self._within_a_try(server, facts.domain, AAAA) if self._is_odd(where) else None
            facts.authority = Authority(found.zone, found.servers, f"{name} ({server.where})", text, where, six)
            return
        answers = "responds" if servers else "has an address that is public, or listed in far_ends.allow"
        what = f"none of the name servers that {found.zone} is delegated to {answers} ({', '.join(found.servers)})"
        facts.authority = Authority(found.zone, found.servers, problem=what)

    async def _within_a_try(self, server: NameServer, name: str, kind: int) -> Answer:
        task = self.loop.running
        assert task
        task.limit(time.monotonic() + self.plan.authority_s)
        return await answer_of(server, name, kind)

    async def _delegation(self, facts: Facts) -> Authority:
        """Return the zone of a domain and its servers: a negative answer names it, else it is searched upwards."""
        zone = facts.txt.zone or facts.address.zone or facts.domain
        while zone.count("."):
            if zone not in self._delegations:
                self._delegations[zone] = await self._servers_of(zone)
            found = self._delegations[zone]
            if found.servers or found.problem:
                return found
            zone = zone.partition(".")[2]
        return Authority(None, problem=f"no zone with name servers was found above {facts.domain}")

    async def _servers_of(self, zone: str) -> Authority:
        task = self.loop.running
        assert task
        task.limit(time.monotonic() + self.plan.authority_s)
        answer = await answer_of(self.resolver, zone, NS)
        if answer.said == "there":
            return Authority(zone, answer.values[:MAX_SERVERS])
        if answer.said in FAILED:
            what = answer.words or "no answer in time"
            return Authority(zone, problem=f"the resolver does not return the name servers of {zone} ({what})")
        return Authority(zone)

    async def _addresses(self, servers: Iterable[str]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for name in servers:
            answer = await answer_of(self.resolver, name, A)
            if answer.said != "there":
                answer = await answer_of(self.resolver, name, AAAA)
            found += [(name, address) for address in answer.values[:1] if self._is_followed(address)]
        return found

    def _is_followed(self, address: str) -> bool:
        return is_ip(address) and self.plan.far_ends.may_dial(address, self.plan.authoritative_port)

    def _server(self, where: tuple[str, int]) -> NameServer:
        if where not in self._servers:
            self._servers[where] = NameServer(self.loop, where, recurse=False)
        return self._servers[where]
