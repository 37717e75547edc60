"""Everything that the files of a run say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.config.secrets import Vault, variables_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runbook_checks.config.environment import Environment
    from runbook_checks.config.redaction import Redaction
    from runbook_checks.config.runbook import Chosen, Explanations, Symptom


@dataclass(frozen=True)
class Files:
    """All that was read for a run: the environment, its systems, and which files it came from."""

    environment: Environment
    systems: dict[str, Chosen]
    texts: dict[str, Symptom]
    explanations: Explanations
    sources: tuple[Path, ...]
    folder: Path
    suite: Path | None = None
    """The team's suite that the environment file belongs to."""

    @property
    def own_symptoms(self) -> dict[str, Symptom]:
        """The texts of the team's own symptoms, for which its own checks answer."""
        every = [chosen.symptoms.items() for chosen in self.systems.values()]
        return {name: text for symptoms in every for name, text in symptoms if name not in self.texts}

    @property
    def areas(self) -> frozenset[str]:
        """The areas of all symptoms, built-in and the team's; each is a marker."""
        return frozenset(name.partition(".")[0] for name in (*self.texts, *self.own_symptoms))

    def vault(self, redaction: Redaction) -> Vault:
        """What resolves the references of these files."""

        def named() -> frozenset[str]:
            return variables_named([self.environment, *_settings(self.systems.values())])

        return Vault(self.folder, redaction, listed=self.environment.command_variables, named=named)


def _settings(systems: Iterable[Chosen]) -> Iterator[Any]:
    for chosen in systems:
        yield chosen.settings
        yield from chosen.own.values()
