"""Parse JSON (RFC 8259) from far ends with limits that the RFC leaves to the parser (section 9).

A number beyond a double's range and nesting too deep to write again are refused.
"""

from __future__ import annotations

import json
from math import isinf
from typing import Any

SHALLOW = 60  # fewer brackets cannot nest deeply; thousands of log lines are parsed
SPARE_FRAMES = 120  # code that reads the value may be this much deeper on the stack than the parser


def parsed(text: str | bytes, *, is_strict: bool) -> Any:
    """Parse the value; ValueError if it is not valid.

    Strict: no NaN or Infinity (section 6), no duplicate name in an object (4). Otherwise, as in logs, NaN and Infinity
    are None, and the last value of a name counts.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    is_shallow = text.count("[") + text.count("{") <= SHALLOW
    try:
        return _decoded(text, _STRICT if is_strict else _LENIENT, 0 if is_shallow else SPARE_FRAMES)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decoded(text: str, decoder: json.JSONDecoder, frames: int) -> Any:
    return _decoded(text, decoder, frames - 1) if frames else decoder.decode(text)


def _float(text: str) -> float:
    if isinf(value := float(text)):
        raise ValueError("number out of range")
    return value


def _int(text: str) -> int:
    _float(text)
    return int(text)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("duplicate name in an object")
    return made


_STRICT = json.JSONDecoder(parse_constant=_refused, parse_int=_int, parse_float=_float, object_pairs_hook=_once)
_LENIENT = json.JSONDecoder(parse_constant=lambda _: None, parse_int=_int, parse_float=_float)
