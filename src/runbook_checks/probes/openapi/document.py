"""Read an OpenAPI document, and work out the address of its operations."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runbook_checks.inputs.regular_file import open_regular, why
from runbook_checks.probes.core import hypothesis_home
from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    from schemathesis import APIOperation, BaseSchema
    from schemathesis import Case as AnyCase

    from runbook_checks.probes.http.client import Http

    Case = AnyCase[Any]
    Operation = APIOperation[Any, Any, Any, Any]

MAX_FILE = 16 << 20
MAX_PARTS = 1_000_000
_first = threading.Lock()


def fetch(document: str | Path, http: Http, resource: str) -> tuple[str, int | None, Path | None]:
    """The document's text, and its HTTP status or its file."""
    if isinstance(document, Path) or not document.startswith(("/", "http://", "https://")) or os.path.isfile(document):
        return _read(Path(document), resource), None, Path(document)
    answer = http.get(document)
    evidence = {"status": answer.status}
    if answer.status in (404, 410):
        raise NoReading(resource, f"{answer.url} answers {answer.status}", kind="document-missing", evidence=evidence)
    if answer.status != 200:
        why = f"{answer.url} answers {answer.status}, so the document cannot be read"
        raise NoReading(resource, why, kind="wrong-status", evidence=evidence)
    if b"\xef\xbf\xbd" not in answer.body and "\ufffd" in answer.text:
        why = f"{answer.url} is not text in its charset or UTF-8"
        raise NoReading(resource, why, kind="document-missing", evidence=evidence)
    return answer.text.removeprefix("\ufeff"), answer.status, None


def _read(file: Path, resource: str) -> str:
    try:
        with open_regular(file) as stream:
            raw = stream.read(MAX_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise NoReading(resource, f"{file} does not exist", kind="document-missing") from None
    except OSError as error:
        raise NoReading(resource, f"{file} cannot be read: {why(error)}", kind="unreadable") from None
    if len(raw) > MAX_FILE:
        raise NoReading(resource, f"{file} is larger than {MAX_FILE >> 20} MiB", kind="unreadable")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoReading(resource, f"{file} is not UTF-8 text", kind="document-missing") from None


def parse(text: str, document: str, status: int | None, file: Path | None, resource: str) -> BaseSchema:
    evidence = {} if status is None else {"status": status}
    _load()
    from schemathesis import openapi

    try:
        _refuse_duplicates(text)
        schema = openapi.from_file(text, config=_config())
        if _unfolded(schema.raw_schema) > MAX_PARTS:
            raise TypeError(f"with its aliases expanded it has more than {MAX_PARTS} parts, or no end")
        paths = schema.raw_schema.get("paths", {})
        if not isinstance(paths, dict):
            raise TypeError("its paths are not a mapping")
    except Exception as error:
        why = f"{document} is not an OpenAPI document: {one_line(str(error), 120)}"
        raise NoReading(resource, why, kind="document-missing", evidence=evidence) from None
    schema.raw_schema.setdefault("paths", {})
    for outside in _outside(schema.raw_schema, is_file=file is not None):
        # The library would fetch it itself: by any resolver, without a deadline, from any host.
        why = f"{document} refers to {one_line(outside, 80)!r}, which is not fetched"
        raise NoReading(resource, why, kind="external-reference", evidence=evidence)
    if file is not None:
        schema.location = file.absolute().as_uri()
    return schema


def _refuse_duplicates(text: str) -> None:
    """Refuse two entries of one name: the library takes the last, and the author may mean the first."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
            raise TypeError(f"it has {one_line(twice, 60)!r} twice in one place")
        return made

    with suppress(ValueError):  # YAML, or not readable
        json.loads(text, object_pairs_hook=once)


def _unfolded(whole: Any) -> int:
    """The number of parts with every alias expanded; an alias may refer to a part that contains it."""
    sizes: dict[int, int] = {}
    waiting = [whole]
    while waiting:
        node = waiting[-1]
        inner = [part for part in _inner(node) if id(part) not in sizes]
        if inner and id(node) not in sizes:
            sizes[id(node)] = MAX_PARTS + 1  # for the case that it contains itself
            waiting += inner
        else:
            waiting.pop()
            sizes[id(node)] = 1 + sum(sizes[id(part)] for part in _inner(node))
    return sizes[id(whole)]


def _inner(node: Any) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []


def _outside(node: Any, *, is_file: bool) -> Iterator[str]:
    """References to other documents (a file may refer to its neighbours); external examples are removed."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if isinstance(node.get("externalValue"), str):
                del node["externalValue"]
            reference = node.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#") and (not is_file or ":" in reference):
                yield reference
            waiting.extend(node.values())


def _load() -> None:
    """Import the heavy libraries once: schemathesis patches hypothesis, and neither may write files here."""
    with _first:
        hypothesis_home.settle()
        from schemathesis.checks import load_all_checks
        from schemathesis.generation.hypothesis import setup

        setup()
        load_all_checks()


def _config() -> Any:
    """Settings without a schemathesis.toml, without generated credentials, and with ASCII only."""
    from schemathesis import Config
    from schemathesis.config import GenerationConfig

    config = Config(seed=1)
    config.projects.default.generation = GenerationConfig(
        allow_x00=False, allow_extra_parameters=False, codec="ascii", with_security_parameters=False
    )
    return config


def base_url(http: Http, schema: BaseSchema) -> str:
    """The base address with the path of the document's server; a path in both counts once.

    The host in the document is not used: a copy under test publishes the same document.
    """
    base = http.url("").rstrip("/")
    try:
        declared = schema.declared_base_path().rstrip("/")
    except Exception:  # a server with variables that have no default
        declared = ""
    own = urlsplit(base).path
    if declared == own or declared.startswith(own + "/"):
        declared = declared[len(own) :]
    elif own.endswith(declared):
        declared = ""
    return base + (f"/{declared.lstrip('/')}" if declared else "")
