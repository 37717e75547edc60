"""Variables of a process, a file or a command, and the reasons when they cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.host.variables import MAX_BYTES, parse_dotenv, read_variables

WRITTEN = {
    'A=""\nB="x"': {"A": "", "B": "x"},
    "A=1\nB=2": {"A": "1", "B": "2"},
    "export A=1\r\n  B = 2 \rC.d_e=": {"A": "1", "B": "2", "C.d_e": ""},
    "# A=1\n\nnothing\nB=x # said\nC=x#y\nD= #z": {"B": "x", "C": "x#y", "D": ""},
    "A=\"\"\nB=''\nC=1": {"A": "", "B": "", "C": "1"},
    'A="x"\nB=\'y\' # said\nC="z" tail': {"A": "x", "B": "y"},
    'A="one\ntwo\n"\nB=1': {"A": "one\ntwo\n", "B": "1"},
    "A='one\ntwo'\nB=1": {"A": "one\ntwo", "B": "1"},
    'A="never\nB=1': {"B": "1"},
    'A=\'never\nB="x"': {"B": "x"},
    'A="a\\nb\\"c\\\\d\\$e\\x"': {"A": 'a\nb"c\\d\\$e\\x'},
    "A=1\nB=$A ${A}": {"A": "1", "B": "$A ${A}"},
    "A='a\\nb\"c'": {"A": 'a\\nb"c'},
    "A=1\nA=2": {"A": "2"},
    "A=x'y' z": {"A": "x'y' z"},
}


@pytest.mark.parametrize("text", WRITTEN)
def test_dotenv_format(text: str) -> None:
    assert parse_dotenv(text) == WRITTEN[text]


def test_variables_of_this_process(monkeypatch: pytest.MonkeyPatch, entries: list[Reading]) -> None:
    monkeypatch.setenv("RUNBOOK_CHECKS_TRIED", "secret-value")
    assert read_variables("process") == dict(os.environ)
    assert "RUNBOOK_CHECKS_TRIED" in entries[0].facts["names"]
    assert "secret-value" not in repr(entries)


def test_variables_of_a_file_and_of_a_command(tmp_path: Path) -> None:
    file = tmp_path / "process"
    file.write_bytes(b"\xef\xbb\xbfA=1\nB=2\n")
    assert read_variables(file) == read_variables(str(file)) == {"A": "1", "B": "2"}
    assert read_variables([sys.executable, "-c", "print('A=1')"]) == {"A": "1"}


@pytest.mark.parametrize(
    ("content", "why"), [(b"A=\xff", "is not UTF-8 text"), (b"A=1\0", "is not text"), (None, "can't be read")]
)
def test_invalid_file(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "variables"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NoReading, match=why) as caught:
        read_variables(file)
    assert caught.value.kind == "unreadable"


def test_at_most_a_mebibyte_is_read(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_bytes(b"A=" + b"x" * (MAX_BYTES - 2))
    assert len(read_variables(file)["A"]) == 2**20 - 2
    file.write_bytes(b"A=" + b"x" * (MAX_BYTES - 1))
    with pytest.raises(NoReading, match="is larger than 1 MiB"):
        read_variables(file)


def test_empty_command() -> None:
    with pytest.raises(NoReading, match="the command has no words"):
        read_variables([])
