"""Resolve the references of an environment's monitoring section; an unresolved one is an error of the round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.config.secrets import Unresolved

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config.secrets import Reference, Vault


def text_of(reference: Reference | None, vault: Vault, troubles: list[str]) -> str | None:
    """The value of a reference; None without one, and None with a sentence in `troubles` if it is unresolved."""
    if reference is None:
        return None
    try:
        return vault.value(reference)
    except Unresolved as unresolved:
        troubles.append(str(unresolved))
        return None


def path_of(reference: Reference | None, vault: Vault, troubles: list[str]) -> Path | None:
    """The same for a path, relative to the environment file's folder."""
    if reference is None or text_of(reference, vault, troubles) is None:
        return None
    return vault.path(reference)
