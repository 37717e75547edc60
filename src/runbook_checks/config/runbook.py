"""The contents of a runbook file: what to expect of a system, and what its symptoms mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from runbook_checks.config import capabilities
from runbook_checks.config.capabilities.rules import STRICT, PositiveFloat
from runbook_checks.config.secrets import Text

if TYPE_CHECKING:
    from pathlib import Path

Severity = Literal["P0", "P1", "P2", "P3"]
SEVERITIES: tuple[Severity, ...] = ("P0", "P1", "P2", "P3")
When = Literal["predeploy", "postdeploy", "monitor", "postrollback", "incident", "drill"]
WHENS: tuple[When, ...] = ("predeploy", "postdeploy", "monitor", "postrollback", "incident", "drill")
WORDWISE = re.IGNORECASE | re.MULTILINE
"""How `says` and `from_says` of an edge are looked for."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A cause of a symptom and its remedy."""

    __pydantic_config__ = STRICT
    because: str
    """The fact, as a clause; {placeholders} are filled from the finding."""
    remedy: list[str]
    """The steps; printed, never run. A step may differ by engine: {postgres: TEXT, mysql: TEXT}."""


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """The text of one symptom."""

    __pydantic_config__ = STRICT
    title: str
    """The symptom in a few words, as an engineer sees it."""
    why: str
    """Why the symptom matters."""
    severity: Severity
    """The severity of the gravest possible finding."""
    when: list[When]
    """The occasions on which it is checked."""
    effect: Literal["read", "refused", "write"] = "read"
    """What the check does to the target."""
    quick: bool = False
    """Part of the first check in an incident (`-m quick`), because it is fast and informative."""
    causes: dict[str, Cause]
    """The causes that its check distinguishes."""
    deadline_s: PositiveFloat | None = None
    """Time limit of the check, instead of the system's."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a checklist."""

    __pydantic_config__ = STRICT
    item: str
    """The text of the item."""
    symptoms: list[str] = field(default_factory=list)
    """The symptoms that must be clear."""
    tolerates: Severity | None = None
    """The gravest finding with which the item is still ticked."""
    attested: bool = False
    """No check can verify the item; a person attests it."""

    def __post_init__(self) -> None:
        if bool(self.symptoms) == self.attested:
            raise ValueError("an item has either 'symptoms' or 'attested: true'")


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """A named list of items, answered by checks or attestations."""

    __pydantic_config__ = STRICT
    title: str = ""
    """The title of the checklist."""
    items: list[Item]
    """The items, in order."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """Whom to call if an incident lasts."""

    __pydantic_config__ = STRICT
    after_min: PositiveFloat
    """Minutes after the first alert, if it is not acknowledged."""
    who: list[str]
    """Whom to call."""


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """Whom to call for a severity, and how soon."""

    __pydantic_config__ = STRICT
    within_min: float | None = None
    """The response is due within this many minutes."""
    who: list[str]
    """Whom to call."""
    then: list[Rung] = field(default_factory=list)
    """Whom to call if there is no response, in order of time."""

    def __post_init__(self) -> None:
        if [rung.after_min for rung in self.then] != sorted(rung.after_min for rung in self.then):
            raise ValueError("'then' must go on in the order of time")


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """A client certificate with which the suite identifies itself."""

    __pydantic_config__ = STRICT
    certificate: Text
    """PEM file of the certificate."""
    key: Text
    """PEM file of its key."""


@dataclass(frozen=True, kw_only=True)
class System:
    """One system: what is expected of it and, in an environment, where it runs."""

    __pydantic_config__ = STRICT
    title: str = ""
    """The system's full name."""
    runbook: str | None = None
    """Its runbook file, relative to the environment file; without it runbooks/NAME.yaml."""
    http: capabilities.Http | None = None
    postgres: capabilities.Postgres | None = None
    mysql: capabilities.Mysql | None = None
    executions: capabilities.Executions | None = None
    provisioning: capabilities.Provisioning | None = None
    abuse: capabilities.Abuse | None = None
    workspaces: capabilities.Workspaces | None = None
    webhook: capabilities.Webhook | None = None
    queue: capabilities.Queue | None = None
    slack: capabilities.Slack | None = None
    slack_bot: capabilities.SlackBot | None = None
    groq: capabilities.Groq | None = None
    storage: capabilities.Storage | None = None
    providers: capabilities.Providers | None = None
    variables: capabilities.Variables | None = None
    host: capabilities.Host | None = None
    tls: capabilities.Tls | None = None
    domains: capabilities.Domains | None = None
    logs: capabilities.Logs | None = None
    openapi: capabilities.OpenApi | None = None
    backups: capabilities.Backups | None = None
    rollback: capabilities.Rollback | None = None
    prometheus: capabilities.Prometheus | None = None
    redis: capabilities.Redis | None = None
    ai: capabilities.Ai | None = None
    throughput: capabilities.Throughput | None = None
    web: capabilities.Web | None = None
    auth: capabilities.Auth | None = None
    resolver: Text | None = None
    """The name server to use, IP[:PORT]; without it the machine's resolver."""
    ca_file: Text | None = None
    """A bundle of certificate authorities to trust instead of the public ones."""
    client_certificate: ClientCertificate | None = None
    """A client certificate with which the suite identifies itself."""
    proxy: Text | None = None
    """The HTTP proxy to use; proxy variables are ignored."""
    clear_text: list[str] = field(default_factory=list)
    """Hosts and networks (10.0.0.0/8) that may get passwords and tokens without TLS; this machine always may."""
    headers: dict[str, Text] = field(default_factory=dict)
    """Headers of every request, such as a gateway's access token; their values are redacted."""
    deadline_s: PositiveFloat = 10
    """Time limit of a check, unless its symptom has another."""
    symptoms: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """The symptoms to check, each with the texts that replace the shared ones."""
    checklists: dict[str, Checklist] = field(default_factory=dict)
    """Its checklists."""
    escalation: dict[Severity, Escalation] = field(default_factory=dict)
    """Whom to call."""


CAPABILITIES: tuple[str, ...] = tuple(f.name for f in fields(System) if str(f.type).startswith("capabilities."))
# What lies behind another capability, and has no address of its own: there wherever that is given.
BEHIND = {"executions": "mysql", "provisioning": "mysql", "abuse": "mysql", "workspaces": "http"}


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One symptom explains others, on the same system and subject."""

    __pydantic_config__ = STRICT
    from_: str
    """The symptom that explains, or `symptom:cause` (`from` in the file)."""
    to: list[str] = field(default_factory=list)
    """What it explains: symptoms, `area.*`, `symptom:cause`."""
    through: str | None = None
    """Or everything whose check looks through this capability."""
    when_unknown: bool = False
    """It explains only that a check could not look."""
    same_subject: bool = False
    """It explains only what is about the same subject, or what has none as it has none."""
    says: str = ""
    """It explains only what says this: a regular expression for what was seen, or for why it is unknown."""
    from_says: str = ""
    """It explains only where it says this itself."""
    names_it: bool = False
    """It explains only what names its subject (of an operation, its address)."""

    def __post_init__(self) -> None:
        for pattern in (self.says, self.from_says):
            re.compile(pattern)

    @property
    def is_by_words(self) -> bool:
        """What ties the two is said in so many words: their subjects may differ."""
        return bool(self.says or self.from_says or self.names_it)

    def reaches(self, symptom: str) -> bool:
        """Whether it may explain a symptom, with one cause or another."""
        return any(fnmatchcase(symptom, to.partition(":")[0]) for to in self.to)


@dataclass(frozen=True, kw_only=True)
class Explanations:
    """What explains what."""

    __pydantic_config__ = STRICT
    edges: list[Edge]
    """In order of preference."""
    resources: dict[str, list[str]]
    """A resource that gave no answer, to the symptoms that explain it."""

    def looked_for(self, symptom: str) -> set[str]:
        """The regular expressions that edges look for in the words of a symptom's findings and unknowns."""
        said = {edge.says for edge in self.edges if edge.through or edge.reaches(symptom)}
        said |= {edge.from_says for edge in self.edges if edge.from_.partition(":")[0] == symptom}
        return said - {""}

    def asks_for_names(self, symptom: str) -> bool:
        """Whether an edge looks for another's subject in the words of a symptom."""
        return any(edge.names_it and edge.reaches(symptom) for edge in self.edges)


@dataclass(frozen=True)
class Chosen:
    """A system in an environment: its settings, the texts of its symptoms, and what the environment gives."""

    name: str
    settings: System
    symptoms: dict[str, Symptom]
    given: frozenset[str]
    folder: Path
    own: dict[str, Any] = field(default_factory=dict)
    """The settings of the team's own capabilities, by name."""
