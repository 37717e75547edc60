"""An output replaces no device, pipe, link or folder: it is written to, or refused before any check runs."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from runbook_checks.output import files as outputs
from tests.harness import PROJECT, LabClient, describe, run

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "ü" * 200_000  # more than the capacity of a pipe
NULL, FULL, NO_DISK = os.makedev(1, 3), os.makedev(1, 7), os.makedev(7, 250)
STRANGER = 12345
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes and other users' files")


def node(path: Path, kind: int, device: int) -> Path:
    try:
        os.mknod(path, 0o666 | kind, device)
        path.chmod(0o666)
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)) if kind == stat.S_IFCHR else None
    except OSError as error:
        pytest.skip(f"device nodes cannot be created: {error.strerror}")
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def reading(path: Path) -> Iterator[list[bytes]]:
    """Yield everything that is written to a pipe, complete at the end of the block."""
    reported: list[bytes] = []
    reader = threading.Thread(target=lambda: reported.append(path.read_bytes()), daemon=True)
    reader.start()
    yield reported
    reader.join(20)


def test_link_stays_a_link_and_a_dangling_one_creates_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "deep").mkdir()
    for name, target in (("link", "target"), ("deep/up", "../link"), ("dangling", "made")):
        (tmp_path / name).symlink_to(target)
        outputs.require(tmp_path / name)
        outputs.write(tmp_path / name, f"by {name}")
        assert os.readlink(tmp_path / name) == target
        assert (tmp_path / name).read_text() == f"by {name}"
    assert (tmp_path / "target").read_text() == "by deep/up"


def test_file_with_several_names_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("something longer than what comes")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    outputs.write(tmp_path / "one", "new")
    assert (tmp_path / "two").read_text() == "new"


def test_existing_file_keeps_its_mode_and_a_new_one_uses_the_umask(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "there").chmod(0o640)
    for mask, mode in ((0o077, 0o600), (0o027, 0o640), (0o002, 0o664)):
        with umask(mask):
            outputs.write(tmp_path / f"{mask:o}", "new")
            outputs.write(tmp_path / "there", "new")
        assert mode_of(tmp_path / f"{mask:o}") == mode
        assert mode_of(tmp_path / "there") == 0o640


@is_root
def test_existing_file_keeps_its_owner(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    os.chown(tmp_path / "there", STRANGER, STRANGER + 1)
    outputs.write(tmp_path / "there", "new")
    state = (tmp_path / "there").stat()
    assert (state.st_uid, state.st_gid) == (STRANGER, STRANGER + 1)


def test_file_in_a_folder_that_allows_no_new_one_is_written_in_place() -> None:
    with tempfile.TemporaryDirectory() as name:
        there, folder, user = Path(name, "there"), Path(name), os.geteuid()
        there.write_text("something longer than what comes")
        there.chmod(0o666)
        folder.chmod(0o555)
        os.seteuid(user or STRANGER)  # root may write everywhere
        try:
            outputs.require(there)
            outputs.write(there, "new")
            with pytest.raises(OSError, match="Permission denied"):
                outputs.require(folder / "absent")
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        assert there.read_text() == "new"


def test_pipe_stays_a_pipe_and_gets_everything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    outputs.require(tmp_path / "pipe")
    with reading(tmp_path / "pipe") as reported:
        outputs.write(tmp_path / "pipe", LONG)
    assert reported == [LONG.encode()]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_pipe_without_a_reader_times_out(tmp_path: Path) -> None:
    """Without a reader, with one that reads nothing, and with one that closes early."""
    for name in ("alone", "stuck", "left"):
        os.mkfifo(tmp_path / name)
    stuck = os.open(tmp_path / "stuck", os.O_RDONLY | os.O_NONBLOCK)
    left = os.open(tmp_path / "left", os.O_RDONLY | os.O_NONBLOCK)

    def outcome(name: str) -> str | None:
        try:
            outputs.write(tmp_path / name, LONG)
        except OSError as error:
            return error.strerror
        return "written"

    with ThreadPoolExecutor() as pool:
        reported = {name: pool.submit(outcome, name) for name in ("alone", "stuck", "left")}
        time.sleep(0.5)
        os.close(left)
        assert reported["left"].result(5) == "Broken pipe"
        assert reported["alone"].result(30) == "no reader opened this pipe within 10 s"
        assert reported["stuck"].result(30) == "the reader stopped reading for 10 s"
    os.close(stuck)


def test_socket_and_folder_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path, sentence in ((tmp_path / "socket", "it is a socket"), (tmp_path, "it is a folder")):
            for refuse in (outputs.require, lambda path: outputs.write(path, "x")):
                with pytest.raises(OSError, match=sentence):
                    refuse(path)
        assert (tmp_path / "socket").is_socket()


@is_root
def test_device_stays_a_device(tmp_path: Path) -> None:
    null, full = node(tmp_path / "null", stat.S_IFCHR, NULL), node(tmp_path / "full", stat.S_IFCHR, FULL)
    disk = node(tmp_path / "disk", stat.S_IFBLK, NO_DISK)
    outputs.require(null)
    outputs.write(null, LONG)
    with pytest.raises(OSError, match="No space left"):
        outputs.write(full, "x")
    with pytest.raises(OSError, match="block device"):
        outputs.require(disk)
    with pytest.raises(OSError, match="block device"):
        outputs.write(disk, "x")
    assert null.is_char_device()
    assert full.is_char_device()
    assert disk.is_block_device()


def test_inherited_descriptor_is_written_to(tmp_path: Path) -> None:
    """Process substitution is one: `--results >(jq .roots)`; a file is appended to, and nothing else is changed."""
    code = "import sys; from pathlib import Path; from runbook_checks.output import files as outputs\n"
    code += "p = Path(sys.argv[1]); outputs.require(p); outputs.write(p, 'new')"
    (tmp_path / "input").touch()
    with (tmp_path / "file").open("w+") as file, (tmp_path / "input").open() as other:
        file.write("before ")
        file.flush()
        for handed, named, sentence in (
            ((file.fileno(),), f"/dev/fd/{file.fileno()}", ""),
            ((file.fileno(),), f"/proc/self/fd/{file.fileno()}", ""),
            ((), f"/dev/fd/{other.fileno()}", "Bad file descriptor"),
            ((), "/dev/fd/0", "it is open for reading only"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", code, named], pass_fds=handed, cwd=PROJECT, stdin=other,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert sentence in done.stderr
            assert bool(done.returncode) == bool(sentence), done.stderr
    assert (tmp_path / "file").read_text() == "before newnew"


def test_descriptor_of_another_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours, pytest.raises(OSError, match="Bad file descriptor"):
        outputs.require(Path(f"/dev/fd/{ours.fileno()}"))


@is_root
@pytest.mark.parametrize("kind", ["link", "file", "pipe"])
def test_object_of_another_user_in_a_shared_folder_is_refused(tmp_path: Path, kind: str) -> None:
    shared, target, planted = tmp_path / "shared", tmp_path / "target", tmp_path / "shared" / "r.json"
    shared.mkdir()
    shared.chmod(0o1777)
    target.write_text("ours")
    if kind == "link":
        planted.symlink_to(target)
    elif kind == "pipe":
        os.mkfifo(planted)
    else:
        planted.touch()
    os.chown(planted, STRANGER, STRANGER, follow_symlinks=False)
    for refuse in (outputs.require, lambda path: outputs.write(path, "x")):
        with pytest.raises(OSError, match="it belongs to another user"):
            refuse(planted)
    assert target.read_text() == "ours"


def test_file_is_complete_or_unchanged_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("old")
    code = "import resource, sys; from pathlib import Path; from runbook_checks.output import files as outputs\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); outputs.write(Path(sys.argv[1]), 'x' * 2000)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "r")], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "File too large" in done.stderr
    assert (tmp_path / "r").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_run_writes_through_links_and_pipes(lab: LabClient, tmp_path: Path) -> None:
    """One run with an output of each kind; nothing is replaced, and every document is complete."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "r.json").symlink_to("target.json")
    (tmp_path / "junit.xml").write_text("old")
    (tmp_path / "junit.xml").chmod(0o640)
    words = ("--results", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "pipe"))
    with reading(tmp_path / "pipe") as summary:
        ran = lab.check("-m", "backup", *words, "--junitxml", str(tmp_path / "junit.xml"))
    assert ran.code == 0, describe(ran)
    assert json.loads((tmp_path / "target.json").read_text()) == ran.document
    assert (tmp_path / "r.json").is_symlink()
    assert ran.folder
    assert summary[0].decode() == (ran.folder / "summary.md").read_text()
    assert (tmp_path / "junit.xml").read_bytes() == (ran.folder / "junit.xml").read_bytes()
    ElementTree.parse(tmp_path / "junit.xml")  # noqa: S314 - our own file
    assert mode_of(tmp_path / "junit.xml") == 0o640


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--results", "{0}"), "it is a folder"),
        (("--metrics", "{0}/socket"), "it is a socket"),
        (("--junitxml", "{0}/socket"), "--junitxml {0}/socket can't be written: it is a socket"),
        (("--results", "{0}/a", "--markdown", "{0}/./a"), "--markdown {0}/a can't be written: --results is written"),
        (("--results", "{0}/link", "--junitxml", "{0}/file"), "--junitxml {0}/file can't be written: --results is"),
        (("--results", "{0}/file", "--log-file", "{0}/file"), "--log-file {0}/file can't be written: --results is"),
        (("--log-file", "{0}/pipe"), "--log-file {0}/pipe can't be written: it is no regular file"),
        (("-o", "log_file={0}/pipe"), "log_file {0}/pipe can't be written: it is no regular file"),
        (("--results={0}/e.yaml",), "--results {0}/e.yaml can't be written: this run reads it"),
        (("--results=",), "--results=: names no file"),
        (("--markdown={0}/new/",), "--markdown={0}/new/: names no file"),
        (("--baseline={0}/pipe",), "--baseline {0}/pipe: it is not a regular file"),
        (("--known={0}/pipe",), "can't be read: it is not a regular file"),
        (("--debug={0}",), "--debug {0} can't be written: it is a folder"),
        (("--alluredir", "{0}/file"), "--alluredir {0}/file can't be written: File exists"),
        (("--alluredir", "{0}", "--clean-alluredir"), "--clean-alluredir would remove other files than Allure's"),
    ],
)
def test_4_for_what_cannot_be_written(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to("file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        env = tmp_path / "e.yaml"
        env.write_text("name: e\ntier: staging\nsystems: {ai-customer-service: {backups: {folder: .}}}\n")
        ran = run("--env", str(env), *(word.format(tmp_path) for word in words), out=tmp_path / "out")
    assert ran.code == 4, ran.output()
    assert sentence.format(tmp_path) in ran.output()
    assert "Traceback" not in ran.output()
    assert ran.folder is None, "no check ran"
    assert (tmp_path / "file").read_text() == "kept"


def test_file_that_is_also_standard_output_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "r").open("w") as printed:
        words = [sys.executable, "-m", "pytest", "--env", "lab", "--results", str(tmp_path / "r")]
        done = subprocess.run(words, cwd=PROJECT, stdout=printed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert "can't be written: standard output is written there" in done.stderr


@pytest.mark.parametrize("words", [("-q",), ("--paste",)])
def test_document_on_standard_output_is_the_only_output(lab: LabClient, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")  # like /dev/stdout
    ran = lab.check("-m", "backup", "--results", str(tmp_path / "stdout"), *words)
    assert ran.code == 0, describe(ran)
    assert json.loads(ran.stdout) == ran.document
    assert "passed (exit 0)" in ran.stderr


def test_files_of_a_run_are_private_with_umask_077(lab: LabClient, tmp_path: Path) -> None:
    with umask(0o077):
        words = [sys.executable, "-m", "pytest", "--env", "lab", "--system", "ai-customer-service", "-m", "backup"]
        words += ["--out", str(tmp_path / "out"), "--results", str(tmp_path / "r"), "--junitxml", str(tmp_path / "j")]
        words += ["--alluredir", str(tmp_path / "allure")]
        environment = os.environ | {"CHECKS_LAB": str(lab.state)}
        done = subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    left = [path for path in tmp_path.rglob("*") if not path.is_symlink()]
    assert {"r", "j", "results.json"} <= {path.name for path in left}
    assert [str(path) for path in left if mode_of(path) & 0o077] == []


def test_latest_link_of_another_user_is_left_alone(lab: LabClient, tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("theirs")
    ran = lab.check("-m", "backup", "--out", str(tmp_path))
    assert ran.code == 0, describe(ran)
    assert (tmp_path / "latest").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
