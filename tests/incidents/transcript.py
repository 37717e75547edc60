"""Record how an incident is reported: the terminal at 80 columns, and Allure's page of the root cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.incidents.stories import STORIES, Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness import LabClient, Ran

HEAD = """\
# Incidents as they are reported

`python -m tests.incidents` writes this page from runs against the lab; do not edit it. Each incident is caused by the
faults shown and checked with the command shown. Values that vary between runs (ports, ids, times) are replaced by words
in capitals, and so are counts of checks, so that a new symptom does not change unrelated incidents.
"""
# In this order: an earlier pattern may contain a later one.
DIFFERS = (
    (r"\d{8}T\d{6}-[0-9a-f]{6}", "RUN"),
    (r"RUN-[0-9a-f]{8}\b", "RUN-ID"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"/[\w./-]*?/runbook-checks-lab-\w+", "LAB"),
    (r"/[\w./-]*?/out/RUN", "reports/out/RUN"),
    (r"\d{4}-\d{2}-\d{2}(?:T|\s+)\d{2}:\d{2}(:\d{2})?(\.\d+)?(\s*UTC|Z|\+\d{2}:\d{2})?", "TIME"),
    (r"\d{4}-\d{2}-\d{2}", "DATE"),
    (r"\b\d{1,2}:\d{2}:\d{2}\b", "TIME"),
    (r"(?<=[\w\]]):\d{5}\b", ":PORT"),
    (r"\bport \d{5}\b", "port PORT"),
    (r"(-p|pid[= ]) ?\d+", r"\1 NUMBER"),
    (r"\b\d+(\.\d+)? (ms|s|min|h|days?)\b", r"N \2"),
    (r"\bin \d+\.\d+s", "in N s"),
    (r"\b\d+ (clear|unknown|skipped)\b", r"N \1"),
)
_EXPLAINS = re.compile(r"^(   explains   )(.*(?:\n {14}.*)*)", re.MULTILINE)


def document(lab_of: Callable[[str], LabClient]) -> str:
    """Return the whole document."""
    return "\n".join([HEAD, *(section(story, lab_of(story.system)) for story in STORIES)])


def section(story: Story, lab: LabClient) -> str:
    """Return the section of one incident."""
    return "\n".join(_story(story, lab))


def _story(story: Story, lab: LabClient) -> Iterator[str]:
    with lab.fault(*story.faults):
        ran = lab.check(*story.typed, "-q")
    words = [
        "pytest --env lab",
        *(f"--fault {fault}" for fault in story.faults),
        f"--system {story.system}",
        *story.typed,
    ]
    yield f"## {story.title}\n\n```text\n$ {' '.join(words)}\n{steady(_report(ran.stdout))}\n```\n"
    yield from _allure(ran)


def _report(stdout: str) -> str:
    """Return the output from the first root cause on; pytest's output before it is always the same."""
    lines = stdout.splitlines()
    first = next((n for n, line in enumerate(lines) if re.match(r"P[0-3] \w", line)), 0)
    last = next((n for n, line in enumerate(lines) if line.startswith("reports: ")), len(lines))
    text = "\n".join(line.rstrip() for line in lines[first:last]).strip()
    return _EXPLAINS.sub(lambda block: block[1] + _without_unseen(block[2]), text)


def _without_unseen(explained: str) -> str:
    """Return the findings that a root cause explains, with one word for all unknown results."""
    lines = [line.strip() for line in explained.splitlines()]
    seen = [line for line in lines if not line.endswith("  unknown")]
    return f"\n{' ' * 14}".join([*seen, *(["... unknown"] if seen != lines else [])])


def _allure(ran: Ran) -> Iterator[str]:
    """Yield the top of Allure's page of each root cause."""
    roots = {root.partition("#")[0] for root in ran.document["roots"]}
    yield "In Allure:\n"
    for result in sorted(ran.allure(), key=lambda result: str(result["fullName"])):
        labels = {label["name"]: label["value"] for label in result["labels"]}
        system = next(each["value"] for each in result["parameters"] if each["name"] == "system")
        if f"{labels['story']}[{system}]" in roots:
            yield f"**{result['name']}** ({result['status']}, {labels['severity']})\n"
            yield f"```text\n{steady(result['statusDetails']['message'].strip())}\n```"
    yield ""


def steady(text: str) -> str:
    """Return the text with everything replaced that varies between runs."""
    for pattern, word in DIFFERS:
        text = re.sub(pattern, word, text)
    return text
