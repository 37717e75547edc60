"""A sweep over a thousand domains, against bare handshakes, the runbook's way, and other tools."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.domains.memory import peak_mb
from bench.domains.world import Authority, world
from bench.goals import Figures, Goal
from bench.measuring import PROJECT, Command, NotMeasured, Took, environment, in_turns
from bench.side import HERE
from runbook_checks_lab.toolbox import NotHere, find, libraries
from tools.toolbox import Part, make_ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.domains.world import World
    from bench.side import Side

ROUNDS = 5
COUNT, QUICK_COUNT = 1000, 100
# the runbook's way is measured with this many domains and extrapolated: it takes a second for each ten
FEW = {"loop": 40, "xargs": 200}
DELAY_MS = 30
MANY, QUICK_MANY = 10_000, 1000
PARTS = (
    Part("blackbox", "prometheus-blackbox-exporter", ("prometheus-blackbox-exporter",)),
    Part("dig", "dig", ("bind9-dnsutils",), with_dependencies=True),
)
TITLES = {
    "sweep": "the sweep",
    "loop": "dig and openssl, one after the other",
    "xargs": "dig and openssl, xargs -P 32",
    "blackbox": "prometheus-blackbox-exporter",
    "threads": "32 threads, dnspython and requests",
    "handshakes": "bare handshakes, no names asked, no request",
}


@dataclass
class Contender(Command):
    """One way to check all domains; it prints its cost, without start-up, and its results."""

    wanted: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0

    def run(self) -> Took:
        done = subprocess.run(
            self.words, cwd=self.folder, env=environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotMeasured(f"{self.title}: exit code {done.returncode}\n" + done.stderr[-1500:])
        measured = json.loads(done.stdout)
        if measured["wrong"] != self.wanted:
            differ = sorted(set(measured["wrong"].items()) ^ set(self.wanted.items()))[:4]
            raise NotMeasured(f"{self.title}: its verdicts are not the domains' state: {differ}")
        return Took(measured["wall_s"] * self.scale, measured["cpu_s"] * self.scale)


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Check 1,000 domains, one in a hundred with each of four faults; a contender must distinguish them."""
    trouble = make_ready(PARTS, "the benchmark of the sweep")
    if trouble:
        raise NotMeasured("; ".join(f"no {part}: {why}" for part, why in trouble.items()))
    count, many = (COUNT, MANY) if rounds > 1 else (QUICK_COUNT, QUICK_MANY)
    with world(folder / "quick", count) as quick:
        listed = {name: contender(name, quick) for name in TITLES}
        _refuses_a_foreign_authority(quick, folder / "foreign")
        in_turns(list(listed.values()), rounds)
    late = _late(folder, count, rounds)
    product = listed["sweep"]
    goals = [
        Goal.against("sweep against bare handshakes", product, listed["handshakes"], 1.15),
        # The bare handshakes alone, which no sweep can do without, take 0.52 of it.
        Goal.against("sweep against blackbox-exporter", product, listed["blackbox"], 0.6),
        Goal.against("sweep against dig and openssl in a loop", product, listed["loop"], 0.1),
        _round_trips(late),
        *_memory(folder, count, many),
    ]
    return Figures([*listed.values(), *late.values()], goals)


def _late(folder: Path, count: int, rounds: int) -> dict[int, Contender]:
    """Measure with delayed responses; both worlds have the relay in front of them, which itself takes CPU time."""
    with world(folder / "at-once", count, 0, relay=True) as soon, world(folder / "late", count, DELAY_MS) as late:
        commands = {0: contender("sweep", soon), DELAY_MS: contender("sweep", late)}
        for delay_ms, command in commands.items():
            command.title = f"the sweep through a relay, {delay_ms} ms an answer"
        in_turns(list(commands.values()), rounds)
    return commands


def _round_trips(late: Mapping[int, Contender]) -> Goal:
    """How many answers the sweep waits for one after the other, with nothing else to do."""
    added = [slow.wall_s - soon.wall_s for slow, soon in zip(late[DELAY_MS].runs, late[0].runs, strict=True)]
    text = f"round trips of {DELAY_MS} ms that the sweep waits longer"
    return Goal(text, _figure(text, added), [DELAY_MS / 1000] * len(added), 6)


def contender(name: str, among: World, side: Side = HERE) -> Contender:
    """Return one contender, which prints its cost and results; the sweep is this side's own."""
    few = min(FEW.get(name, len(among.domains)), len(among.domains))
    # Some of the few have faults too.
    wrong = [domain for domain in among.domains if domain.wrong][: few // 25]
    listed = [*wrong, *(domain for domain in among.domains if not domain.wrong)][:few]
    listed = listed if few < len(among.domains) else list(among.domains)
    wanted = {d.name: _seen_by(name, d.wrong) for d in listed if d.wrong and _seen_by(name, d.wrong)}
    file = among.folder / f"{name}.json"
    file.write_text(json.dumps(_world(among, listed) | _programs(name)))
    words = (side.python, "-m", "bench.domains.contenders", name, str(file))
    title = f"{TITLES[name]} {side.title}".strip()
    return Contender(title, words, side.folder, wanted=wanted, scale=len(among.domains) / few)


def _seen_by(name: str, wrong: str) -> str:
    """Return how a contender reports a fault; empty if it cannot detect that fault."""
    if wrong in ("expired", "wrong-host"):
        return "not-trusted" if name == "blackbox" else wrong
    return "" if name == "handshakes" else wrong


def _world(among: World, listed: Sequence[Any]) -> dict[str, Any]:
    return {
        "resolver": among.resolver,
        "port": among.port,
        "ca_file": str(among.ca_file),
        "folder": str(among.folder),
        "domains": {domain.name: domain.token for domain in listed},
    }


def _programs(name: str) -> dict[str, Any]:
    """Return the paths of the programs that a contender starts."""
    try:
        if name == "blackbox":
            return {"blackbox": str(find("prometheus-blackbox-exporter"))}
        if name in FEW:
            dig = find("dig")
            paths = {"LD_LIBRARY_PATH": libraries(dig).get("LD_LIBRARY_PATH", "")}
            return {"dig": str(dig), "libraries": paths}
    except NotHere as error:
        raise NotMeasured(str(error)) from None
    return {}


def _refuses_a_foreign_authority(among: World, folder: Path) -> None:
    """With another authority to trust, no domain may pass."""
    folder.mkdir()
    listed = [domain for domain in among.domains if not domain.wrong][:100]
    file = among.folder / "foreign.json"
    file.write_text(json.dumps(_world(among, listed) | {"ca_file": str(Authority(folder).ca_file)}))
    words = (HERE.python, "-m", "bench.domains.contenders", "sweep", str(file))
    wanted = {domain.name: "untrusted" for domain in listed}
    Contender("the sweep with a foreign authority", words, PROJECT, wanted=wanted).run()


def _memory(folder: Path, few: int, many: int) -> list[Goal]:
    """Measure the peak memory of a whole run of pytest over a thousand domains, and over ten thousand."""
    small, large = (_figure("MB", [peak_mb(folder / str(count), count)]) for count in (few, many))
    return [
        Goal(f"MB of pytest over {many:,} domains, against 120", large, [120.0], 1.0),
        Goal.against(f"MB over {many:,} domains, against {few:,}", large, small, 1.3),
    ]


def _figure(title: str, values: Sequence[float]) -> Command:
    """Return a figure that is not a time, compared with its goal in the same way."""
    return Command(title, (), runs=[Took(value, 0.0) for value in values])
