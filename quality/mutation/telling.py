"""How is a campaign told? As docs/mutation.md, made from what is kept of it and the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quality.mutation.kept import Module, kept, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = """\
# Would anybody notice if a check were wrong?

Made by `make mutation`; don't edit. A comparison, a condition, a limit or a word of a query is changed, and the changed
check is asked about the lab in every state that has to do with it: healthy, with each fault, on both sides of each
limit (`boundaries/` in the lab), with each outage (`outages/`). Where outcome, causes, severities and subjects stay the
same in all of them, the change has *survived*. What lies below the checks is asked of the tests that run its line, each
by another way, and then of checks that run it. A difference has to show twice.

Between `<` and `<=` only a value that equals its limit to the last digit tells, so these *shifts of a boundary* are
counted apart. What is only told (sentences, evidence) and how long is waited is not changed. In the tables *tried* and
*noticed* leave the shifts out.

Below the checks only a share is drawn (`make mutation ARGS="--probes 250 --seed N"`), sixty tests at most are asked for
each change, and the lab for a limited time; what was not asked yet stays a survivor. So the figure there is a lower
bound.

A survivor needs a reason in `quality/mutation/reasons.yaml`: a test fails where one has none, and where a reason speaks
of code that is gone.
"""


def document() -> str:
    modules = kept()
    checks = [module for module in modules if module.path.startswith("checks/")]
    parts = [
        HEAD,
        *_table("The checks", "every change", checks),
        *_table(
            "Probes and queries", "a share, drawn by lot", [m for m in modules if not m.path.startswith("checks/")]
        ),
        "## What survived, and why\n",
        *_survivors(modules),
    ]
    return "\n".join(parts)


def _table(title: str, how: str, modules: list[Module]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{how[0].upper()}{how[1:]}: {_sum(modules)}\n"
    yield "| module | changes | tried | noticed | | shifts of a boundary noticed |\n|---|---|---|---|---|---|"
    for module in modules:
        share = f"{100 * module.noticed / module.counted:.0f} %" if module.counted else ""
        shifts = f"{module.boundaries - module.on_boundary} of {module.boundaries}" if module.boundaries else ""
        yield f"| `{module.path}` | {module.possible} | {module.counted} | {module.noticed} | {share} | {shifts} |"
    yield ""


def _sum(modules: Iterable[Module]) -> str:
    modules = list(modules)
    counted, noticed = sum(m.counted for m in modules), sum(m.noticed for m in modules)
    shifts, missed = sum(m.boundaries for m in modules), sum(m.on_boundary for m in modules)
    share = f"{100 * noticed / counted:.1f} %" if counted else "none"
    return (
        f"of {sum(m.possible for m in modules)} possible changes to these modules {counted + shifts} were tried,"
        f" {shifts} of them mere shifts of a boundary.\nOf the {counted} others **{noticed} were noticed ({share})**;"
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
