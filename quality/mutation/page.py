"""Write docs/mutation.md: the readable figures of the mutation campaigns, with the reasons for survivors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quality.mutation.kept import Module, kept, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = """\
# Would a wrong check be detected?

`make mutation` writes this page; do not edit it. One comparison, condition, limit or query keyword is changed at a
time. The changed check is then run against the lab in every state that concerns it: healthy, with each fault, on both
sides of each limit (`boundaries/` in the lab), with each outage (`outages/`). If outcome, causes, severities and
subjects are the same in all of them, the change has *survived*. A change to a probe or a handle is tried with the tests
that run its line, then with checks that run it. A difference must occur twice.

A change between `<` and `<=` has an effect only if a value exactly equals its limit, so these *boundary shifts* are
counted separately and are not included in *tried* and *detected*. Wording, evidence and waiting times are not changed.

Of the changes to probes and handles a random sample is tried (`make mutation ARGS="--probes 250 --seed N"`), each with
at most sixty tests and for a limited time in the lab. A change that was not tried long enough counts as a survivor, so
the figure is a lower bound.

Each survivor needs a reason in `quality/mutation/reasons.yaml`. A test fails if one has none, or if a reason refers to
code that no longer exists.
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
        f"## The checks\n\nAll changes: {_sum(checks)}\n",
        *_table("module", {module.path: [module] for module in checks}),
        f"## Probes and handles\n\nA random sample: {_sum(below)}\n",
        *_table("package", packages),
        "## Survivors and reasons\n",
        *_survivors(modules),
    ]
    return "\n".join(parts)


def _table(kind: str, rows: dict[str, list[Module]]) -> Iterator[str]:
    yield f"| {kind} | changes | tried | detected | | boundary shifts detected |\n|---|---|---|---|---|---|"
    for name, modules in rows.items():
        possible, considered, noticed = (
            sum(getattr(module, figure) for module in modules) for figure in ("possible", "considered", "noticed")
        )
        boundaries, missed = sum(m.boundaries for m in modules), sum(m.on_boundary for m in modules)
        share = f"{100 * noticed / considered:.0f} %" if considered else ""
        shifts = f"{boundaries - missed} of {boundaries}" if boundaries else ""
        yield f"| `{name}` | {possible} | {considered} | {noticed} | {share} | {shifts} |"
    yield ""


def _sum(modules: Iterable[Module]) -> str:
    modules = list(modules)
    considered, noticed = sum(m.considered for m in modules), sum(m.noticed for m in modules)
    shifts, missed = sum(m.boundaries for m in modules), sum(m.on_boundary for m in modules)
    share = f"{100 * noticed / considered:.1f} %" if considered else "none"
    return (
        f"of {sum(m.possible for m in modules)} possible changes to these modules {considered + shifts} were tried,"
        f" {shifts} of them boundary shifts.\nOf the other {considered} changes **{noticed} were detected ({share})**;"
        f" of the boundary shifts {shifts - missed}."
    )


def _survivors(modules: list[Module]) -> Iterator[str]:
    known = reasons()
    for module in modules:
        if not module.survivors:
            continue
        yield f"### `{module.path}`\n"
        for path, where, text, change in module.survivors:
            reason = known.get((path, where, text, change), "no reason given yet")
            yield f"- `{change}` in `{where}`: `{_short(text)}`\\\n  {reason}"
        yield ""


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"
