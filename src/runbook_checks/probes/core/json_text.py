"""What does a JSON text say? (RFC 8259) Whoever wrote it may mean ill, and whoever reads on should be able to.

The RFC leaves a parser free to set limits (9). Here: no number beyond a double's range (6: such a number "may indicate
potential interoperability problems"), and no deeper nesting than can be written again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_DIGITS = 308
SHALLOW = 60  # with so few brackets nothing is nested deeply: logs are read line by line, in their thousands
SPARE_FRAMES = 120  # how much deeper than its reader a text is parsed: whoever tells of it stands deeper, too


def parsed(text: str | bytes, *, is_strict: bool) -> Any:
    """The value; ValueError for anything else.

    Strict: no NaN or Infinity (6), no name twice in an object (4: which of the two counts is open). Else, as logs
    are written, NaN and Infinity are None, and the last of two counts.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    decode = (_STRICT if is_strict else _LENIENT).decode
    if text.count("[") + text.count("{") <= SHALLOW:
        return decode(text)
    try:
        return _deeper(SPARE_FRAMES, lambda: decode(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _deeper(frames: int, call: Callable[[], Any]) -> Any:
    return _deeper(frames - 1, call) if frames else call()


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number beyond all that is counted with")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond all that is counted with")
    return value


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _nothing(_: str) -> None:
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice")
    return made


# Made once: json.loads makes a decoder for each text.
_STRICT = json.JSONDecoder(parse_constant=_refused, parse_int=_int, parse_float=_float, object_pairs_hook=_once)
_LENIENT = json.JSONDecoder(parse_constant=_nothing, parse_int=_int, parse_float=_float)
