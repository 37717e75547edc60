"""Settings of the service's own host: variables, address, rollback."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.prometheus import BasicLogin
from runbook_checks.config.capabilities.rules import PositiveInt, program, settings
from runbook_checks.config.secrets import Text


@settings
class StoreRule:
    """When a service refuses to start without its database."""

    enabled: str
    """The variable that switches the database on; must be true."""
    dsn: str
    """The variable with the DSN."""


@settings
class ModeRule:
    """The variable with the mode that a service runs in."""

    variable: str
    """The variable."""
    production: str = "production"
    """Its value in production."""


@settings
class Variables:
    """The variables of the instance about to start, and where they are kept: exactly one source."""

    process: bool = False
    """The source is the environment of this very process."""
    file: Text | None = None
    """The source is this dotenv file."""
    command: list[str] | None = None
    """The source is what this command prints, in dotenv form."""
    required: list[str] = field(default_factory=list)
    """The variables the service needs."""
    secret: list[str] = field(default_factory=list)
    """Those whose values are secrets."""
    dsn: dict[str, str] = field(default_factory=dict)
    """Variable with a DSN, to the engine it must name: postgresql or mysql."""
    store: StoreRule | None = None
    """When the service refuses to start without its database."""
    mode: ModeRule | None = None
    """The variable with the mode."""
    address: str | None = None
    """The variable with the address the service will listen on."""
    samples: list[str] = field(default_factory=list)
    """Secrets printed in a runbook, which are refused."""
    shortest_secret: PositiveInt = 16
    """No secret may have fewer characters."""

    def __post_init__(self) -> None:
        if [self.process, self.file is not None, self.command is not None].count(True) > 1:
            raise ValueError("give one of 'process', 'file' and 'command', not several")
        program(self.command)

    @property
    def has_source(self) -> bool:
        return self.process or self.file is not None or self.command is not None


@settings
class Host:
    """Whether the suite runs on the service's own host."""

    here: bool = False
    """The suite runs on the host, before the service starts."""
    address: Text | None = None
    """Where the service will listen; else the variable named by variables.address."""
    default_address: str | None = None
    """Where it listens when that variable is not set."""
    program: str = ""
    """The name of the service's program, by which a previous instance is recognised."""


@settings
class Image:
    """An image in a registry (the HTTP API v2 of the OCI distribution specification)."""

    registry: Text | None = None
    """The registry's address; without one no image is looked for."""
    repository: str
    """The image's name."""
    tag: str = "previous"
    """The tag of the previous version."""
    login: BasicLogin | None = None
    """The login that may pull it."""
    realms: list[str] = field(default_factory=list)
    """Token realms that may receive the login, beside hosts of the registry's own domain."""


@settings
class Rollback:
    """What a rollback needs; each file and image that is named must exist."""

    artefact: Text | None = None
    """The previous version's artefact."""
    configuration: Text | None = None
    """The previous configuration."""
    script: Text | None = None
    """The rollback script; it must be executable."""
    image: Image | None = None
    """Or the previous version's image, in place of the artefact or beside it."""
