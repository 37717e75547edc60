"""python -m bench.domains.contenders NAME WORLD.json: check all domains in one way, and print the results and the cost.

The output is JSON: wall and CPU seconds, and for each domain with a fault, the fault.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.domains.world import BASE

World = dict[str, Any]
Wrong = dict[str, str]
THREADS = 32


def sweep(world: World) -> Wrong:
    """The suite's own sweep."""
    from runbook_checks.probes.domains.sweep import Plan, sweep
    from runbook_checks.probes.net.far_ends import FarEnds

    here = FarEnds(("127.0.0.0/8",))
    where = {"resolver": world["resolver"], "port": world["port"], "ca_file": world["ca_file"]}
    plan = Plan(base_host=BASE, far_ends=here, **where)
    swept = sweep(list(world["domains"]), plan)
    wrong: Wrong = {name: f"unseen: {why}" for name, why in swept.unseen.items()}
    for name, token in world["domains"].items():
        facts = swept.facts.get(name)
        if facts is None:
            continue
        if token not in facts.txt.values:
            wrong[name] = "txt-missing"
        elif BASE not in facts.address.aliases:
            wrong[name] = "cname-wrong"
        elif facts.served is None or facts.routed is None or facts.routed.status != 200:
            wrong[name] = f"unreachable: {facts.gone}"
        elif (seen := facts.served.handshake) is not None:
            wrong[name] = "expired" if seen.verify_code == 10 else "untrusted" if not seen.trusted else "wrong-host"
    return wrong


def threads(world: World) -> Wrong:
    """A thread pool with dnspython and requests, as most people would write it."""
    import dns.exception
    import dns.resolver
    import requests
    from requests.adapters import HTTPAdapter

    host, _, port = world["resolver"].partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port)

    class Pinned(HTTPAdapter):
        """Connects to the address with the requested name, because the names are not in public DNS."""

        def send(self, request: Any, *arguments: Any, **more: Any) -> Any:
            name = request.url.split("/")[2].rpartition(":")[0]
            request.headers["Host"] = name
            self.poolmanager.connection_pool_kw.update(server_hostname=name, assert_hostname=name)
            request.url = f"https://127.0.0.1:{world['port']}/"
            return super().send(request, *arguments, **more)

    def look(name: str, token: str) -> tuple[str, str | None]:
        try:
            texts = [b"".join(record.strings).decode() for record in resolver.resolve(f"_reverseai.{name}", "TXT")]
        except dns.exception.DNSException:
            texts = []
        if token not in texts:
            return name, "txt-missing"
        alias = str(resolver.resolve(name, "CNAME")[0].target).rstrip(".")
        if alias != BASE:
            return name, "cname-wrong"
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", Pinned())
        try:
            session.get(f"https://{name}:{world['port']}/", verify=world["ca_file"], timeout=5)
        except requests.exceptions.SSLError as error:
            return name, "expired" if "expired" in str(error) else "wrong-host"
        return name, None

    with ThreadPoolExecutor(THREADS) as pool:
        return {name: why for name, why in pool.map(lambda item: look(*item), world["domains"].items()) if why}


def handshakes(world: World) -> Wrong:
    """The lower bound: only verified handshakes, one epoll, as fast as Python's ssl allows."""
    import select

    context = ssl.create_default_context(cafile=world["ca_file"])
    poll, waiting = select.epoll(), iter(world["domains"])
    open_: dict[int, tuple[ssl.SSLSocket, str]] = {}
    wrong: Wrong = {}

    def begin() -> None:
        name = next(waiting, None)
        if name is None:
            return
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", world["port"]))
        secured = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        open_[secured.fileno()] = secured, name
        poll.register(secured, select.EPOLLOUT)

    for _ in range(64):
        begin()
    while open_:
        for number, _ in poll.poll():
            secured, name = open_[number]
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                poll.modify(number, select.EPOLLIN)
                continue
            except ssl.SSLCertVerificationError as error:
                wrong[name] = "expired" if error.verify_code == 10 else "wrong-host"
            except OSError as error:
                wrong[name] = type(error).__name__
            del open_[number]
            secured.close()
            begin()
    return wrong


SCRIPT = r"""
name=$1 token=$2
txt=$($DIG @"$RESOLVER_HOST" -p "$RESOLVER_PORT" +short TXT "_reverseai.$name")
case $txt in *"$token"*) ;; *) echo "$name txt-missing"; exit 0 ;; esac
alias=$($DIG @"$RESOLVER_HOST" -p "$RESOLVER_PORT" +short CNAME "$name")
[ "$alias" = "$BASE." ] || { echo "$name cname-wrong"; exit 0; }
said=$(openssl s_client -connect "127.0.0.1:$PORT" -servername "$name" -CAfile "$CA" \
  -verify_hostname "$name" </dev/null 2>&1)
case $said in
  *"certificate has expired"*) echo "$name expired" ;;
  *"ostname mismatch"*) echo "$name wrong-host" ;;
  *"Verify return code: 0 (ok)"*) ;;
  *) echo "$name not-reached" ;;
esac
"""


def _by_script(world: World, *way: str) -> Wrong:
    host, _, port = world["resolver"].partition(":")
    words = {"RESOLVER_HOST": host, "RESOLVER_PORT": port, "BASE": BASE, "PORT": str(world["port"])}
    words |= {"CA": world["ca_file"], "DIG": world["dig"]}
    listed = "".join(f"{name} {token}\n" for name, token in world["domains"].items())
    said = subprocess.run(
        ["xargs", *way, "-n", "2", "sh", "-c", SCRIPT, "look"],  # noqa: S607
        input=listed,
        env={**os.environ, **world["libraries"], **words},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split() for line in said.stdout.splitlines())


def loop(world: World) -> Wrong:
    """The runbook's way, one domain after the other."""
    return _by_script(world, "-P", "1")


def xargs(world: World) -> Wrong:
    """The runbook's way, 32 at once."""
    return _by_script(world, "-P", "32")


def blackbox(world: World) -> Wrong:
    """Debian's prometheus-blackbox-exporter: a TXT, a CNAME and an HTTPS probe for each domain."""
    exporter = Path(world["folder"]) / "blackbox.yml"
    exporter.write_text(json.dumps({"modules": dict(_modules(world))}))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words = [
        world["blackbox"],
        f"--config.file={exporter}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return _probed(world, port, child)
    finally:
        child.terminate()
        child.wait()


def _modules(world: World) -> Any:
    for number, (name, token) in enumerate(world["domains"].items()):
        for kind, asked, wanted in (("TXT", f"_reverseai.{name}", token), ("CNAME", name, BASE)):
            answers = {"fail_if_not_matches_regexp": [f".*{wanted}.*"]}
            rule = {
                "query_name": asked,
                "query_type": kind,
                "preferred_ip_protocol": "ip4",
                "validate_answer_rrs": answers,
            }
            yield f"{kind}{number}", {"prober": "dns", "timeout": "5s", "dns": rule}
    tls = {"ca_file": world["ca_file"]}
    http = {"preferred_ip_protocol": "ip4", "tls_config": tls, "fail_if_not_ssl": True}
    yield "https", {"prober": "http", "timeout": "5s", "http": http}


def _probed(world: World, port: int, child: subprocess.Popen[bytes]) -> Wrong:
    import http.client
    import threading

    local = threading.local()

    def ask(path: str) -> bool:
        if not hasattr(local, "client"):
            local.client = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        local.client.request("GET", path)
        return b"\nprobe_success 1" in local.client.getresponse().read()

    def look(number: int, name: str) -> tuple[str, str | None]:
        for kind, why in (("TXT", "txt-missing"), ("CNAME", "cname-wrong")):
            if not ask(f"/probe?module={kind}{number}&target={world['resolver']}"):
                return name, why
        good = ask(f"/probe?module=https&hostname={name}&target=https://127.0.0.1:{world['port']}/")
        return name, None if good else "not-trusted"

    _wait_for(port)
    began, spent = time.perf_counter(), _spent_s(child.pid)
    with ThreadPoolExecutor(THREADS) as pool:
        found = [(name, why) for name, why in pool.map(lambda item: look(*item), enumerate(world["domains"])) if why]
    # The exporter is the client that is measured; its caller does Prometheus' part.
    world["took"] = time.perf_counter() - began, _spent_s(child.pid) - spent
    return dict(found)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


def _spent_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


CONTENDERS: dict[str, Callable[[World], Wrong]] = {
    f.__name__: f for f in (sweep, threads, handshakes, loop, xargs, blackbox)
}


def main(name: str, where: str) -> None:
    import resource

    def spent() -> float:
        used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in used)

    world: World = json.loads(Path(where).read_text())
    before, began = spent(), time.perf_counter()
    wrong = CONTENDERS[name](world)
    wall_s, cpu_s = world.get("took") or (time.perf_counter() - began, spent() - before)
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "wrong": wrong}))


if __name__ == "__main__":
    main(*sys.argv[1:])
