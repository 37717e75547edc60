"""docs/mutation.md: the figures of the mutation campaigns and the reasons for survivors, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quality.mutation.kept import Module, kept, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = """\
# Would a wrong check be noticed?

Made by `make mutation`; don't edit. One comparison, condition, limit or word of a query is changed at a time. The
changed check is then run against the lab in every state that concerns it: healthy, with each fault, on both sides of
each limit (`boundaries/` in the lab), with each outage (`outages/`). Where outcome, causes, severities and subjects are
the same in all of them, the change has *survived*. A change to a probe or a handle is tried with the tests that run its
line, then with checks that run it. A difference has to show twice.

A change between `<` and `<=` only shows for a value that equals its limit to the last digit, so these *shifts of a
boundary* are counted apart; *tried* and *noticed* leave them out. Wording, evidence and waiting times are not changed.

Of probes and handles only a random share is tried (`make mutation ARGS="--probes 250 --seed N"`), each change with at
most sixty tests and with the lab for a limited time. What was not tried stays a survivor: the figure is a lower bound.

A survivor needs a reason in `quality/mutation/reasons.yaml`: a test fails where one has none, and where a reason names
code that is gone.
"""


def document() -> str:
    modules = kept()
    checks = [module for module in modules if module.path.startswith("checks/")]
    below = [module for module in modules if module not in checks]
    packages: dict[str, list[Module]] = {}
    for module in below:
        packages.setdefault(module.path.rpartition("/")[0], []).append(module)
    parts = [
        HEAD,
        f"## The checks\n\nEvery change: {_sum(checks)}\n",
        *_table("module", {module.path: [module] for module in checks}),
        f"## Probes and handles\n\nA random share: {_sum(below)}\n",
        *_table("package", packages),
        "## What survived, and why\n",
        *_survivors(modules),
    ]
    return "\n".join(parts)


def _table(kind: str, rows: dict[str, list[Module]]) -> Iterator[str]:
    yield f"| {kind} | changes | tried | noticed | | shifts of a boundary noticed |\n|---|---|---|---|---|---|"
    for name, modules in rows.items():
        possible, counted, noticed = (
            sum(getattr(module, figure) for module in modules) for figure in ("possible", "counted", "noticed")
        )
        boundaries, missed = sum(m.boundaries for m in modules), sum(m.on_boundary for m in modules)
        share = f"{100 * noticed / counted:.0f} %" if counted else ""
        shifts = f"{boundaries - missed} of {boundaries}" if boundaries else ""
        yield f"| `{name}` | {possible} | {counted} | {noticed} | {share} | {shifts} |"
    yield ""


def _sum(modules: Iterable[Module]) -> str:
    modules = list(modules)
    counted, noticed = sum(m.counted for m in modules), sum(m.noticed for m in modules)
    shifts, missed = sum(m.boundaries for m in modules), sum(m.on_boundary for m in modules)
    share = f"{100 * noticed / counted:.1f} %" if counted else "none"
    return (
        f"of {sum(m.possible for m in modules)} possible changes to these modules {counted + shifts} were tried,"
        f" {shifts} of them shifts of a boundary.\nOf the {counted} others **{noticed} were noticed ({share})**;"
        f" of the shifts {shifts - missed}."
    )


def _survivors(modules: list[Module]) -> Iterator[str]:
    known = reasons()
    for module in modules:
        if not module.survivors:
            continue
        yield f"### `{module.path}`\n"
        for path, where, text, change in module.survivors:
            reason = known.get((path, where, text, change), "no reason is given yet")
            yield f"- `{change}` in `{where}`: `{_short(text)}`\\\n  {reason}"
        yield ""


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"
