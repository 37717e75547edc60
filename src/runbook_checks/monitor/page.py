"""The status page, one static HTML file: open incidents, 90 days of each symptom, availability, past incidents."""

from __future__ import annotations

import json
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import clean
from runbook_checks.locations import SUITE
from runbook_checks.monitor import figures, undeliverable
from runbook_checks.monitor.messages import clock, length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.files import Files
    from runbook_checks.monitor.figures import History
    from runbook_checks.monitor.store import Row, Store

STYLE = SUITE / "reports" / "status-page.css"
HEIGHTS = {"clear": 6, "found": 10, "unknown": 8, "none": 2}  # readable without colours
WORDS = {"clear": "clear", "found": "found", "unknown": "unknown", "none": "no run"}
SET_ASIDE_S = 7 * 86400.0
STALE = 3  # intervals without a new page, after which the page says that it is out of date
# A static page is not told that the monitor stopped: the browser's clock decides.
SCRIPT = """
const state = document.getElementById("state"), made = Number(state.dataset.made), late = Number(state.dataset.late);
const look = () => {
  const age = Date.now() / 1000 - made;
  if (age < late) return;
  state.className = "state stale";
  const long = age > 7200 ? `${Math.round(age / 3600)} hours` : `${Math.round(age / 60)} minutes`;
  state.textContent = `Last check ${long} ago. The information below may be out of date.`;
};
look(); setInterval(look, 30000);
document.addEventListener("visibilitychange", () => document.hidden || location.reload());
"""


def page(store: Store, files: Files, at: float, every_min: float) -> str:
    """The whole page; it loads nothing from elsewhere."""
    name = escape(files.environment.name)
    opened = figures.incidents(store, at, is_open=True)
    last = store.row("SELECT max(at) AS at FROM run WHERE at <= ?", at)  # the clock may have been ahead
    looked_at = last["at"] if last and last["at"] else at
    parts = [
        f'<header><h1>{name}</h1><p class="soft">Last check <time>{clock(looked_at)}</time></p></header><main>',
        _state(opened, looked_at, every_min),
        *_open(opened, files, at),
        *_set_aside(undeliverable.recent(store, at - SET_ASIDE_S)),
        *(part for system in figures.systems(store) for part in _system(store, files, system, at)),
        *_ended(figures.incidents(store, at, is_open=False)),
        f"</main><footer><p>Generated {clock(at)} by runbook-checks.</p></footer>",
    ]
    style = STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: status</title><style>{style}</style></head><body>"
        + "\n".join(parts)
        + f"<script>{SCRIPT}</script></body></html>\n"
    )


def _state(opened: list[Row], looked_at: float, every_min: float) -> str:
    counted = [row for row in opened if not row["acknowledged"]]
    late = max(STALE * every_min * 60, 300)
    word = "All clear." if not opened else f"{len(opened)} open, all acknowledged."
    if counted:
        word = f"{len(counted)} open: {', '.join(_counts(counted))}."
    kind = "state bad" if counted else "state"
    return f'<p class="{kind}" id="state" role="status" data-made="{looked_at:.0f}" data-late="{late:.0f}">{word}</p>'


def _counts(rows: Iterable[Row]) -> Iterator[str]:
    for severity, group in groupby(sorted(row["severity"] for row in rows)):
        yield f"{len(list(group))} {severity}"


def _open(rows: list[Row], files: Files, at: float) -> Iterator[str]:
    yield "<section><h2>Open incidents</h2>"
    if not rows:
        yield '<p class="soft">No open incidents.</p>'
    for row in rows:
        details, chosen = json.loads(row["told"]), files.systems.get(row["system"])
        text = chosen.symptoms.get(row["symptom"]) if chosen else None
        grave = " grave" if row["severity"] in ("P0", "P1") and not row["acknowledged"] else ""
        yield f'<article class="card{grave}"><h3>{_tag(row)} {escape(figures.name_of(row))}</h3>'
        yield _paragraph(text.title if text else "A data source gives no answer.")
        yield from (_paragraph(details[name]) for name in ("seen", "because") if details.get(name))
        if details.get("explains"):
            explains = details["explains"]
            yield _paragraph(
                f"Explains {len(explains)} other result{'s' * (len(explains) > 1)}: {'; '.join(explains[:10])}"
            )
        yield f'<p class="soft">Since <time>{clock(row["began"])}</time>, {length(at - row["began"])}</p>'
        if row["acknowledged"]:
            yield _paragraph(f"Acknowledged {row['acknowledged']}")
        yield "</article>"
    yield "</section>"


def _set_aside(rows: list[Row]) -> Iterator[str]:
    """The messages that a channel refused permanently, and its readers have not received."""
    if not rows:
        return
    yield "<section><h2>Undelivered messages</h2>"
    for row in rows:
        yield f'<article class="card"><h3>{escape(clean(row["title"]))}</h3>'
        yield _paragraph(f"{row['channel']} refused it: {row['error']}")
        yield f'<p class="soft">Set aside <time>{clock(row["set_aside_at"])}</time></p></article>'
    yield "</section>"


def _tag(row: Row) -> str:
    return f'<span class="tag">{escape(row["severity"])}</span>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(clean(str(text)))}</p>"


def _system(store: Store, files: Files, system: str, at: float) -> Iterator[str]:
    chosen = files.systems.get(system)
    title = chosen.settings.title if chosen and chosen.settings.title else system
    yield f"<section><h2>{escape(title)}</h2>"
    yield _availability(store, files, system, at)
    every = figures.symptoms(store, system, at)
    troubled = [history for history in every if {"found", "unknown"} & set(history.days)]
    calm = [history for history in every if history not in troubled]
    yield _key()
    yield f"<ul>{''.join(map(_days, troubled))}</ul>"
    if calm:
        head = f"{len(calm)} symptoms clear for {figures.DAYS} days"
        yield f"<details><summary>{head}</summary><ul>{''.join(map(_days, calm))}</ul></details>"
    yield "</section>"


def _availability(store: Store, files: Files, system: str, at: float) -> str:
    rules = files.environment.monitoring
    objective = rules.availability_percent.get(system) if rules else None
    shown = figures.dates(at)
    parts = []
    for words, since in (("today", shown[-1]), ("30 days", shown[-30]), (f"{figures.DAYS} days", shown[0])):
        known = figures.uptime(store, system, since)
        value = "unknown" if known.percent is None else f"{known.percent:.3f} %"
        if objective is not None and known.percent is not None:
            value += " (met)" if known.percent >= objective else " (missed)"
        if known.unseen_percent:
            value += f", {known.unseen_percent:.1f} % unknown"
        parts.append(f"<div><dt>Available, {words}</dt><dd>{value}</dd></div>")
    if objective is not None:
        parts.append(f"<div><dt>Objective</dt><dd>{objective:g} %</dd></div>")
    return f'<dl class="figures">{"".join(parts)}</dl>'


def _key() -> str:
    colours = "".join(
        f'<span><i style="background:var(--{word})"></i>{WORDS[word]}</span>'
        for word in ("clear", "found", "unknown", "none")
    )
    return f'<p class="key soft">{colours}</p>'


def _days(history: History) -> str:
    """A bar of days, one rectangle for each stretch of equal days; its label gives the counts."""
    bars, start = [], 0
    for word, group in groupby(history.days):
        width, height = len(list(group)), HEIGHTS[word]
        bars.append(f'<rect class="{word}" x="{start}" y="{10 - height}" width="{width}" height="{height}"/>')
        start += width
    counted = ", ".join(
        f"{WORDS[w]} on {history.days.count(w)}" for w in ("found", "unknown", "none") if w in history.days
    )
    spoken = f"{history.symptom}, {figures.DAYS} days: {counted or 'clear on all'}"
    share = "" if history.clear_percent is None else f"{history.clear_percent:.2f} %"
    name = escape(f"{history.severity} {history.symptom}")
    return (
        f'<li class="days"><p class="names"><span>{name}</span><span class="soft">{share}</span></p>'
        f'<svg viewBox="0 0 {figures.DAYS} 10" preserveAspectRatio="none" role="img" aria-label="{escape(spoken)}">'
        f"{''.join(bars)}</svg></li>"
    )


def _ended(rows: list[Row]) -> Iterator[str]:
    yield f"<section><h2>Incidents of the last {figures.DAYS} days</h2>"
    if not rows:
        yield '<p class="soft">None.</p>'
    for row in rows:
        how = "resolved" if row["how"] == "resolved" else "no longer checked"
        yield f'<article class="card"><h3>{_tag(row)} {escape(figures.name_of(row))}</h3>'
        lasted = length((row["cleared"] or row["ended"]) - row["began"])
        yield f'<p class="soft"><time>{clock(row["began"])}</time>, lasted {lasted}, {how}</p></article>'
    yield "</section>"
