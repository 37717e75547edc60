"""Compare a response with the OpenAPI document, and describe the difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.json_text import parsed
from runbook_checks.probes.core.reading import one_line

if TYPE_CHECKING:
    import requests
    from schemathesis import APIOperation
    from schemathesis import Case as AnyCase
    from schemathesis.core.failures import Failure

    from runbook_checks.probes.http.client import Answer

    Case = AnyCase[Any]
    Operation = APIOperation[Any, Any, Any, Any]


def failures(case: Case, request: requests.PreparedRequest, answer: Answer) -> list[Failure]:
    from schemathesis import Response
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks

    response = Response(
        status_code=answer.status,
        headers={name.lower(): [value] for name, value in answer.headers.items()},
        content=answer.body,
        request=request,
        elapsed=answer.timings.total_ms / 1000,
        verify=True,
    )
    try:
        case.validate_response(
            response,
            checks=[
                not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )
    except FailureGroup as group:
        return list(group.exceptions)
    return []


def gravest(operation: Operation, answer: Answer, failures: list[Failure]) -> tuple[str, str] | None:
    """The kind of the gravest violation, and a sentence about it."""
    from schemathesis.core.failures import ServerError
    from schemathesis.openapi.checks import UndefinedStatusCode

    status, listed = answer.status, ", ".join(operation.responses.status_codes) or "nothing"
    names = [type(failure) for failure in failures]
    if ServerError in names and not lists(operation, status):
        return "server-error", f"It answers {status} to a request that the document allows; it lists {listed}."
    if UndefinedStatusCode in names:
        return "undocumented-status", f"It answers {status}; the document lists {listed}."
    if (no_json := _no_json(operation, answer)) is not None:
        return "schema-mismatch", no_json
    sentences = sorted(_sentence(failure, answer) for failure in failures if not isinstance(failure, ServerError))
    return ("schema-mismatch", sentences[0]) if sentences else None


def lists(operation: Operation, status: int, *, with_default: bool = False) -> bool:
    by_number = {str(status), f"{status // 100}XX"}
    listed = {str(code).upper() for code in operation.responses.status_codes}
    return bool(listed & by_number) or (with_default and "DEFAULT" in listed)


def _no_json(operation: Operation, answer: Answer) -> str | None:
    """Stricter than the library, which reads NaN as null and accepts two entries of one name."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    promised = operation.responses.find_by_status_code(answer.status)
    if (
        not (kind == "application/json" or kind.endswith("+json"))
        or not promised
        or "content" not in promised.definition
    ):
        return None
    try:
        parsed(answer.body.decode("utf-8-sig"), is_strict=True)
    except ValueError:
        return f"The {answer.status} answer is not JSON (RFC 8259), or has an entry twice."
    return None


def _sentence(failure: Failure, answer: Answer) -> str:
    """What is wrong and where, without the value, because bodies contain customers' data."""
    from schemathesis.openapi.checks import JsonSchemaError, UndefinedContentType

    if isinstance(failure, JsonSchemaError):
        place = "/" + "/".join(map(str, failure.instance_path))
        keyword = str(failure.schema_path[-1]) if failure.schema_path else "schema"
        if keyword == "required":
            rule = failure.validation_message
        elif keyword in failure.schema:
            rule = f"it is {_json_type(failure.instance)} and breaks {keyword}: {_short(failure.schema[keyword])}"
        else:
            rule = f"it is {_json_type(failure.instance)} and breaks {keyword}"
        return f"In the {answer.status} answer at {place}: {rule}."
    if isinstance(failure, UndefinedContentType):
        documented = ", ".join(failure.defined_content_types)
        return f"The {answer.status} answer is {one_line(failure.content_type, 60)}; the document lists {documented}."
    return f"In the {answer.status} answer: {failure.title}."


def _json_type(value: Any) -> str:
    names: Mapping[type, str] = {
        dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"
    }  # fmt: skip
    return names.get(type(value), "a number")


def _short(rule: Any) -> str:
    return one_line(json.dumps(rule, ensure_ascii=False, default=str), 80)
