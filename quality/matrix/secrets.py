"""Find secrets of the lab in a run's output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.product.test_secrets import said, written

if TYPE_CHECKING:
    from tests.harness import LabClient, Ran

SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DSN")
SHORTEST = 10


def planted(lab: LabClient) -> dict[str, str]:
    """Return the secrets in the lab's environment, by variable, and passwords within them."""
    found = {name: value for name, value in lab.variables.items() if SECRET.search(name) and "\n" not in value}
    inside = {f"{name} (password)": urlsplit(value).password or "" for name, value in found.items() if "://" in value}
    return {
        name: value for name, value in {**found, **inside}.items() if len(value) >= SHORTEST and "/" not in value[:1]
    }


def leaks(ran: Ran, known: dict[str, str]) -> list[str]:
    """Return the secrets in a run's output, in any encoding, each with its place."""
    assert ran.folder is not None
    forms = {name: [form for form in written(value) if len(form) >= SHORTEST] for name, value in known.items()}
    return [
        f"{name} in {where}"
        for where, text in said(ran, ran.folder)
        for name, several in forms.items()
        if any(form in text for form in several)
    ]
