"""Could this release be taken back?"""

from __future__ import annotations

import pytest

from fixtures import Found, symptom
from fixtures.handles import WayBack


@symptom("rollback.not-possible")
def check_rollback_is_possible(way_back: WayBack) -> None:
    """Whoever deploys without a way back finds that out when it is needed most."""
    needed = way_back.needed()
    if not needed:
        pytest.skip("the environment names neither artefact, configuration nor script")
    found = []
    for what, path in needed.items():
        facts = way_back.look_at(path)
        seen = f"there is no {path}" if facts is None else f"{path} is empty" if facts.size == 0 else ""
        if not seen and what == "script" and facts is not None and not facts.is_executable:
            seen = f"{path} is not executable"
        if seen:
            wanted = "an executable script" if what == "script" else f"the previous {what}"
            found.append(Found(f"{what}-missing", seen=seen, wanted=wanted, subject=str(path), path=str(path)))
    Found.all(found)
