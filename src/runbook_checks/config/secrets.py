"""Values by reference, which keeps secrets out of the files.

A reference is `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, ARGUMENT, ...]}`. It is resolved once, when a
check first needs it, and the value of a secret is put on the redaction list as it is read.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Any, ClassVar, Self

from runbook_checks.config.addresses import LOGIN, has_login
from runbook_checks.config.command_variables import visible
from runbook_checks.config.redaction import SHORTEST, Redaction, passwords
from runbook_checks.config.strict_yaml import suggestion
from runbook_checks.inputs.regular_file import read_regular

KINDS = ("env", "file", "command")
# Within the deadline of a check, so that the reference is named and not the deadline.
COMMAND_TIMEOUT_S = 8.0
MAX_BYTES = 1 << 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NO_COMMANDS = "CHECKS_NO_COMMANDS"  # the variable that says the same as the option
FORBIDDEN = f"--no-commands (or {NO_COMMANDS}) keeps programs that a file names from being started"


def allows_commands(is_forbidden: bool = False) -> bool:
    """Whether programs may be started that a file names: neither the option nor the variable says no."""
    return not is_forbidden and os.environ.get(NO_COMMANDS, "") in ("", "0")


FORMS = "{env: NAME}, {file: PATH} or {command: [PROGRAM, ...]}"


def may_be_address(text: str) -> bool:
    """A URL or a DSN in the place of a path, which is quoted where it leads nowhere."""
    return "://" in text or bool(passwords(text))


class Unresolved(Exception):
    """A reference without a value; the message names the reference and never contains a value."""


@dataclass(frozen=True)
class Reference:
    """A value by reference, or (where `allows_literal`) the value itself."""

    kind: str
    target: str | tuple[str, ...]
    allows_literal: ClassVar[bool] = False
    is_secret: ClassVar[bool] = False

    def __str__(self) -> str:
        if self.kind == "literal":
            return str(self.target)
        shown = self.target if isinstance(self.target, str) else f"[{self.target[0]}, ...]"
        return f"{{{self.kind}: {shown}}}"

    @classmethod
    def read(cls, raw: object) -> Self:
        """A reference from what the file says; ValueError with a sentence that never shows a value."""
        if isinstance(raw, cls):
            return raw
        if isinstance(raw, dict):
            return cls._from_mapping(raw)
        if cls.allows_literal and isinstance(raw, float):
            raise ValueError("must stand in quotes: a bare number loses the zeros at its end, 1.10 becomes 1.1")
        if cls.allows_literal and isinstance(raw, str | int) and not isinstance(raw, bool):
            if not str(raw).strip():
                raise ValueError("must not be blank")
            if has_login(str(raw)):
                raise ValueError(LOGIN)
            return cls("literal", str(raw))
        if cls.allows_literal:
            raise ValueError(f"must be text or a reference: {FORMS}")
        raise ValueError(f"a secret is given by reference only: {FORMS}")

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, object]) -> Self:
        if len(raw) != 1:
            raise ValueError(f"a reference has exactly one key: {FORMS}")
        kind, target = next(iter(raw.items()))
        if kind not in KINDS:
            raise ValueError(f"a reference is one of {FORMS}{suggestion(kind, KINDS)}")
        if kind == "command":
            if not isinstance(target, list) or not target or not all(isinstance(t, str) and t for t in target):
                raise ValueError("'command' must be a list of words, the program first, numbers in quotes")
            if may_be_address(target[0]):
                raise ValueError("'command' must begin with a program, not an address or a password")
            return cls(kind, tuple(target))
        if not isinstance(target, str) or not target.strip():
            raise ValueError(f"'{kind}' must be text that is not blank")
        if kind == "env" and not _VARIABLE.fullmatch(target):
            raise ValueError("'env' must be a variable's name alone: letters, digits and _, without $ or a value")
        if kind == "file" and may_be_address(target):
            raise ValueError(
                "'file' must be a path, not an address: write the address into the file, or use {env: NAME}"
            )
        return cls(kind, target)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: Any, _handler: Any) -> dict[str, Any]:
        word = {"type": "string", "minLength": 1}
        name = {"type": "string", "pattern": f"^{_VARIABLE.pattern}$"}
        forms: list[dict[str, Any]] = [
            {"type": "object", "properties": {kind: form}, "required": [kind], "additionalProperties": False}
            for kind, form in zip(KINDS, (name, word, {"type": "array", "items": word, "minItems": 1}), strict=True)
        ]
        return {"anyOf": ([{"type": ["string", "integer"]}] if cls.allows_literal else []) + forms}


@dataclass(frozen=True)
class Secret(Reference):
    """A secret, by reference only."""

    is_secret: ClassVar[bool] = True


@dataclass(frozen=True)
class Text(Reference):
    """Plain text, given in the file or by reference; not a secret."""

    allows_literal: ClassVar[bool] = True


class Commands:
    """Running programs, each in a separate session, so that its child processes end with it."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = Lock()
        self._is_closed = False

    def run(self, words: Any, folder: Path, variables: dict[str, str]) -> tuple[int, bytes]:
        """Exit code and standard output; TimeoutExpired after COMMAND_TIMEOUT_S, OSError where it can't be used."""
        with self._lock:
            if self._is_closed:
                raise OSError(0, "the run is over")
            process = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=variables,
                start_new_session=True,
            )
            self._running.add(process)
        late = Event()

        def give_up() -> None:
            late.set()
            self._end(process)

        timer = Timer(COMMAND_TIMEOUT_S, give_up)
        timer.start()
        try:
            assert process.stdout is not None
            with process.stdout as stream:
                printed = stream.read(MAX_BYTES + 1)
            code = process.wait() if len(printed) <= MAX_BYTES else 0
        finally:
            timer.cancel()
            self._end(process)
        if late.is_set():
            raise subprocess.TimeoutExpired(words, COMMAND_TIMEOUT_S)
        if len(printed) > MAX_BYTES:
            raise OSError(0, f"it printed more than {MAX_BYTES >> 20} MiB")
        return code, printed

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for process in running:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with self._lock:
            self._running.discard(process)


def _references(settings: Any) -> Iterator[Reference]:
    if isinstance(settings, Reference):
        yield settings
        return
    if isinstance(settings, Mapping):
        entries = list(settings.values())
    elif isinstance(settings, list | tuple):
        entries = list(settings)
    else:
        entries = [getattr(settings, each.name) for each in fields(settings)] if is_dataclass(settings) else []
    for entry in entries:
        yield from _references(entry)


def variables_named(settings: Any) -> frozenset[str]:
    """The variables that the references in a tree of settings use."""
    return frozenset(str(each.target) for each in _references(settings) if each.kind == "env")


@dataclass
class Vault:
    """Resolves references, each once, relative to the environment file's folder."""

    folder: Path
    redaction: Redaction
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    allows_commands: bool = field(default_factory=allows_commands)
    listed: Collection[str] = ()
    """The environment file's `command_variables`."""
    named: Callable[[], Collection[str]] = tuple
    """The variables that the file's references use; no command sees them unless they are listed."""
    _values: dict[Reference, str | Unresolved] = field(default_factory=dict)
    _turns: dict[Reference, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _commands: Commands = field(default_factory=Commands)

    def value(self, reference: Reference) -> str:
        """The value a reference stands for; Unresolved says which reference gave none, and why."""
        with self._lock:
            turn = self._turns.setdefault(reference, Lock())
        with turn:  # a slow command blocks only the callers that need its output
            if reference not in self._values:
                self._values[reference] = self._resolved(reference)
        value = self._values[reference]
        if isinstance(value, Unresolved):
            raise Unresolved(str(value))
        return value

    def for_commands(self) -> dict[str, str]:
        """The variables that a command of the user sees."""
        return visible(self.variables, self.listed, self.named())

    def foresee(self, settings: Any) -> None:
        """Add the values of variables to the redaction list before they are used: a crash may print them.

        `settings` is any tree of dataclasses, mappings and lists. Files and commands are left until they are needed,
        and what is too short to be taken out is warned of when it is used.
        """
        for reference in _references(settings):
            if reference.kind == "env":
                value = self.variables.get(str(reference.target), "").strip()
                for secret in {value} if reference.is_secret else passwords(value):
                    if len(secret) >= SHORTEST:
                        self.redaction.add(secret, str(reference))

    def _resolved(self, reference: Reference) -> str | Unresolved:
        try:
            value = self._fetch(reference)
        except Unresolved as unresolved:
            return unresolved
        # A proxy's or a service's address is no secret, but one may stand in it.
        for secret in {value} if reference.is_secret else passwords(value):
            self.redaction.add(secret, str(reference) if reference.kind != "literal" else "in an address")
        return value

    def path(self, reference: Reference) -> Path:
        """A path that a reference stands for, relative ones below the environment file's folder."""
        return self._below(self.value(reference))

    def _below(self, name: str) -> Path:
        try:
            return self.folder / Path(name).expanduser()
        except RuntimeError:  # ~ of a user who isn't there
            return self.folder / name

    def _fetch(self, reference: Reference) -> str:
        fetch = {"env": self._variable, "file": self._file, "command": self._command}.get(reference.kind)
        if fetch is None:
            return str(reference.target)
        value = fetch(reference.target)
        if not value.strip():
            raise Unresolved(f"{reference} is blank")
        return value

    def _variable(self, name: Any) -> str:
        value = self.variables.get(name)
        if value is None:
            raise Unresolved(f"{{env: {name}}} can't be resolved: the variable is not set")
        return value

    def _file(self, name: Any) -> str:
        what = f"{{file: {name}}} can't be resolved"
        try:
            content = read_regular(self._below(name), MAX_BYTES)
            if len(content) <= MAX_BYTES:
                return content.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise Unresolved(f"{what}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise Unresolved(f"{what}: the file is not UTF-8") from None
        raise Unresolved(f"{what}: the file is larger than {MAX_BYTES >> 20} MiB")

    def _command(self, words: Any) -> str:
        what = f"{{command: [{words[0]}, ...]}} can't be resolved"
        if not self.allows_commands:
            raise Unresolved(f"{what}: {FORBIDDEN}")
        try:
            code, printed = self._commands.run(words, self.folder, self.for_commands())
        except subprocess.TimeoutExpired:
            raise Unresolved(f"{what}: timed out after {COMMAND_TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise Unresolved(f"{what}: {error.strerror}") from None
        except ValueError:
            raise Unresolved(f"{what}: a word holds a character that no command line can") from None
        if code:
            # What the program printed may hold the secret it failed to hand over.
            raise Unresolved(f"{what}: it ended with exit code {code}")
        try:
            return printed.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise Unresolved(f"{what}: what it printed is not UTF-8") from None

    def close(self) -> None:
        """End the commands that still run, and whatever they started."""
        self._commands.close()
