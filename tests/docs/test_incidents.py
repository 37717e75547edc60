"""Incidents are reported as recorded in docs/incidents.md."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest

from tests.incidents.__main__ import DOCUMENT
from tests.incidents.stories import STORIES, Story
from tests.incidents.transcript import section

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import LabClient


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_incident_is_reported_as_reviewed(lab_of: Callable[[str], LabClient], story: Story) -> None:
    kept, reported = DOCUMENT.read_text(), section(story, lab_of(story.system))
    begins = kept.index(f"## {story.title}\n")
    ends = kept.find("\n## ", begins + 1)
    was = kept[begins : ends if ends >= 0 else None].strip()
    if was.split() == reported.split():
        return  # the line breaks depend on the length of a number
    change = "\n".join(
        difflib.unified_diff(was.splitlines(), reported.strip().splitlines(), "reviewed", "now", lineterm="")
    )
    pytest.fail(f"review the change; if it is an improvement, run `python -m tests.incidents`\n{change}")
