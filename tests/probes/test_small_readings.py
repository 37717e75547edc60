"""Small readings: variables, files, processes and signatures, with valid and invalid input."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from runbook_checks.probes.auth.signing import SCHEMES, hmac_sha256
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.host.files import look_at, newest
from runbook_checks.probes.host.process import holder
from runbook_checks.probes.host.variables import parse_dotenv, read_variables
from runbook_checks.probes.logs.file import read_entries
from tests.probes.conftest import taking

SECRET = "s3cret-value-never-shown"

DOTENV = {
    "A=1": "1",
    "export A=1": "1",
    "  export   A = 1  ": "1",
    "A=": "",
    "A= # nothing": "",
    "A=a b": "a b",
    "A=a#b": "a#b",
    "A=a # b": "a",
    "A='a # b' # c": "a # b",
    'A="a\\nb"': "a\nb",
    "A='a\\nb'": "a\\nb",
    'A="say \\"hi\\""': 'say "hi"',
    'A="line one\nline two"': "line one\nline two",
    "A='{\n}'\nB=2": "{\n}",
    "A=1\r\nB=2\r\n": "1",
    "A=1\rB=2": "1",
    "# A=0\nA=1": "1",
    "A=0\nA=1": "1",
    "A=a=b=c": "a=b=c",
    "A=中文": "中文",
    "A=$HOME": "$HOME",
}


@pytest.mark.parametrize("text", DOTENV)
def test_dotenv(text: str) -> None:
    found = parse_dotenv(text)
    assert found["A"] == DOTENV[text]
    if "B=2" in text:
        assert found["B"] == "2"


@pytest.mark.parametrize("text", ["", "just words", "=x", "A B=x", "#A=1", 'A="never ends', "A='"])
def test_lines_that_set_nothing(text: str) -> None:
    assert parse_dotenv(text) == {}


def test_a_dotenv_file_with_a_byte_order_mark(tmp_path: Path, entries: list[Reading]) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfA=" + SECRET.encode() + b"\r\nB='2'\r\n")
    assert read_variables(path) == read_variables(str(path)) == {"A": SECRET, "B": "2"}
    assert entries[0].facts == {"names": ["A", "B"]}
    assert SECRET not in repr(entries)


def test_files_without_variables_are_no_reading(tmp_path: Path) -> None:
    (tmp_path / "utf16").write_text("A=1", encoding="utf-16")
    (tmp_path / "binary").write_bytes(b"A=1\0")
    (tmp_path / "huge").write_bytes(b"A" * (1 << 20) + b"=1")
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "utf16", "binary", "huge", "pipe", ".", "a\0b"):
        with taking(0.5), pytest.raises(NoReading) as caught:
            read_variables(tmp_path / name)
        assert caught.value.resource == "variables"
        assert "\n" not in str(caught.value)


def test_the_process_environment(monkeypatch: pytest.MonkeyPatch, entries: list[Reading]) -> None:
    monkeypatch.setenv("PROBES_TEST", SECRET)
    assert read_variables("process")["PROBES_TEST"] == SECRET
    assert SECRET not in repr(entries)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_of_a_command() -> None:
    assert read_variables(python("print('A=1; echo $HOME')")) == {"A": "1; echo $HOME"}
    assert read_variables(python("import sys; print('B=2' if not sys.stdin.read() else '')")) == {"B": "2"}


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (python(f"print('A={SECRET}'); raise SystemExit(3)"), "ended with exit code 3"),
        (python("import os; os.kill(os.getpid(), 9)"), "ended with signal 9"),
        (python(f"import sys; sys.exit('{SECRET}')"), "ended with exit code 1"),
        (["/nonexistent/program"], "cannot run .*: No such file"),
        (["/etc/passwd"], "cannot run .*: Permission denied"),
        (["a\0b"], "cannot run"),
        ([], "no words"),
        (python("print('A=' + 'x' * (1 << 21))"), "larger than 1 MiB"),
        (python("import sys; sys.stdout.buffer.write(b'A=\\xff')"), "not UTF-8"),
    ],
)
def test_failing_command_is_reported_without_its_output(words: list[str], reported: str) -> None:
    with taking(2), pytest.raises(NoReading, match=reported) as caught:
        read_variables(words)
    assert SECRET not in str(caught.value)
    assert caught.value.resource == "variables"


def is_running(mark: str) -> bool:
    return any(mark in (process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))


@pytest.mark.parametrize("way", ["expires", "given up"])
def test_command_that_hangs_is_killed_with_its_children(way: str) -> None:
    mark = f"31.{os.getpid()}"
    code = f"import subprocess, time; subprocess.Popen(['sleep', '{mark}']); print('A=1', flush=True); time.sleep(31)"
    deadline = Deadline(0.7 if way == "expires" else 30)
    threading.Timer(0.7, deadline.expire).start()
    token = current.set(deadline)
    try:
        with taking(1.5), pytest.raises(NoReading) as caught:
            read_variables(python(code))
    finally:
        current.reset(token)
    assert caught.value.kind == "timeout"
    end = time.monotonic() + 2
    while is_running(mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(mark)


def test_background_child_of_a_command_does_not_delay_the_reading() -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '32.7'], start_new_session=False); print('A=1', flush=True)"
    with taking(1.5):
        assert read_variables(python(code)) == {"A": "1"}


def test_facts_of_a_file(tmp_path: Path) -> None:
    script = tmp_path / "rollback.sh"
    script.write_text("#!/bin/sh\n")
    assert look_at(tmp_path / "missing") is None
    found = look_at(script)
    assert found is not None
    assert (found.path, found.size, found.is_executable) == (script, 10, False)
    assert abs(found.mtime - time.time()) < 10
    script.chmod(0o755)
    assert (found := look_at(script)) is not None
    assert found.is_executable
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path, loop, Path("a\0b"), script / "below"):
        with pytest.raises(NoReading):
            look_at(path)


def test_the_newest_files_of_a_folder(tmp_path: Path) -> None:
    for age, name in enumerate(["b_1.sql", "b_2.sql", "b_3.sql"]):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "b_dir.sql").mkdir()
    (tmp_path / "b_gone.sql").symlink_to(tmp_path / "missing")
    (tmp_path / "other.txt").write_text("x")
    assert [f.path.name for f in newest(tmp_path, "b_*.sql")] == ["b_1.sql", "b_2.sql", "b_3.sql"]
    assert newest(tmp_path, "none*") == []


@pytest.mark.parametrize("name", ["missing", "a-file", "a\0b"])
def test_unreadable_folder_is_no_reading(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_text("x")
    with pytest.raises(NoReading, match="can't be listed") as caught:
        newest(tmp_path / name, "*")
    assert caught.value.resource == "backups"


def test_listening_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "", "0.0.0.0"):  # noqa: S104 - only looked up
            found = holder(host, port)
            assert found is not None
            assert found.pid == os.getpid()
            assert found.program.startswith("python") or found.program
        assert holder("127.0.0.2", port) is None
    assert holder("127.0.0.1", port) is None


def test_process_on_the_wildcard_address_holds_every_address() -> None:
    with socket.create_server(("", 0)) as server:
        assert holder("127.0.0.1", server.getsockname()[1]) is not None


def test_a_host_without_an_address_is_no_reading() -> None:
    with pytest.raises(NoReading) as caught:
        holder("does-not-exist.invalid", 80)
    assert (caught.value.resource, caught.value.kind) == ("host", "name-not-resolved")


# RFC 4231, 4.2 to 4.8; of case 5 the first 128 bits.
VECTORS = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "message", "digest"), VECTORS, ids=[f"case-{n}" for n in range(1, 8)])
def test_hmac_sha256_by_the_vectors_of_rfc_4231(key: bytes, message: bytes, digest: str) -> None:
    assert hmac_sha256(key, message)[: len(digest)] == digest


def test_a_signature_covers_timestamp_and_body() -> None:
    signature = SCHEMES["custom"].sign("Jefe", "1777873479", b'{"a":1}').digest
    assert signature == hmac_sha256(b"Jefe", b'1777873479.{"a":1}')
    assert signature == signature.lower()
    assert len(signature) == 64
    assert SCHEMES["custom"].sign("密钥", "1", b"").digest == hmac_sha256("密钥".encode(), b"1.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_file_without_read_permission_is_no_reading(tmp_path: Path) -> None:
    closed, file = tmp_path / "closed", tmp_path / "file"
    closed.mkdir()
    file.write_text("A=1")
    file.chmod(0)
    closed.chmod(0)
    try:
        for reader in (
            lambda: read_variables(file),
            lambda: newest(closed, "*"),
            lambda: look_at(closed / "x"),
            lambda: read_entries(file, since=0, until=1),
        ):
            with pytest.raises(NoReading, match="Permission denied"):
                reader()
    finally:
        closed.chmod(0o700)
