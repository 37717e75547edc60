"""Every mistake in a file is reported in one sentence: the file, the place in it, the mistake, the line.

Each file in bad/ has its expected sentences in comments at the top.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from runbook_checks.config.load import read
from runbook_checks.config.strict_yaml import BadFile
from tests.harness import PROJECT, run

HERE = Path(__file__).parent
BAD = HERE / "bad"
SYSTEMS = ", ".join(sorted(path.stem for path in (PROJECT / "runbooks").glob("*.yaml") if path.stem != "explanations"))
FILES = sorted(path.name for path in BAD.glob("*.yaml"))
# Words of the libraries and of Python, which mean nothing to the author of a file.
LEAKS = re.compile(
    r"\[key\]|Input should|Value error|pydantic|\b(str|dict|bool|None|NoneType|dataclass|int)\b|Error\b|<class"
)


def text_of(path: Path) -> str:
    raw = path.read_bytes()
    return raw.decode("utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw.decode("latin-1")


def expected(path: Path) -> list[str]:
    sentences = re.findall(r"^# expect: (.*)$", text_of(path), re.MULTILINE)
    return [sentence.replace("{systems}", SYSTEMS) for sentence in sentences]


def messages(path: Path) -> list[str]:
    with pytest.raises(BadFile) as caught:
        read(path)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", FILES)
def test_every_mistake_is_reported_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    sentences = messages(Path(name))
    assert sentences == expected(Path(name))
    for sentence in sentences:
        assert re.fullmatch(r"\S+\.yaml: .*[^.] \(line \d+\)", sentence), f"not one sentence with its place: {sentence}"
        assert not LEAKS.search(sentence), f"mentions internals: {sentence}"
        assert "hunter2" not in sentence, "a secret is shown"


def test_there_are_enough_bad_files() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.yaml", b"", "empty.yaml: is empty (line 1)"),
        ("large.yaml", b"#" * (5 << 20), "large.yaml: is larger than 4 MiB (line 1)"),
        ("missing.yaml", None, "missing.yaml: can't be read: No such file or directory (line 1)"),
    ],
)
def test_files_without_a_comment(
    name: str, content: bytes | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    assert messages(Path(name)) == [sentence]


def test_folder_in_place_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("staging.yaml").mkdir()
    assert messages(Path("staging.yaml")) == ["staging.yaml: can't be read: it is not a regular file (line 1)"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("staging.yaml").touch(mode=0o000)
    assert messages(Path("staging.yaml")) == ["staging.yaml: can't be read: Permission denied (line 1)"]


@pytest.mark.parametrize("path", sorted((HERE / "good").glob("*.yaml")), ids=lambda path: str(path.stem))
def test_unusual_valid_files(path: Path) -> None:
    read(path)


@pytest.mark.parametrize(
    "name", ["staging", "negative-numbers", "secret-in-plain-text", "tab", "utf-16", "anchor-bomb"]
)
def test_command_reports_mistakes_and_exits_4(name: str) -> None:
    path = BAD / f"{name}.yaml"
    ran = run(f"--env={path.relative_to(PROJECT)}")
    assert ran.code == 4, ran.output()
    assert ran.stdout == ""
    wanted = [re.sub(r"^(\S+\.yaml: )", r"ERROR: tests/files/bad/\1", sentence) for sentence in expected(path)]
    assert [line for line in ran.stderr.splitlines() if line] == wanted


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("nowhere.yaml", "--env nowhere.yaml: there is no such file"),
        ("labb", "--env labb: there is no such environment; did you mean 'lab'? (there are: lab)"),
        ("tests/files", "--env tests/files: there is no such file"),
    ],
)
def test_command_lists_the_environments(named: str, sentence: str) -> None:
    ran = run(f"--env={named}")
    assert (ran.code, ran.stdout) == (4, "")
    assert [line for line in ran.stderr.splitlines() if line] == [f"ERROR: {sentence}"]


def test_corrected_file_is_read_again(tmp_path: Path) -> None:
    """The cache of read files must not survive a change, also of a runbook file."""
    environment, runbook = tmp_path / "staging.yaml", tmp_path / "runbooks" / "shop.yaml"
    runbook.parent.mkdir()
    runbook.write_text("symptoms: {health.unreachable: }\n")
    environment.write_text("name: s\ntier: staging\nsystems: {shop: {http: {base_url: https://shop.example.com}}}\n")
    counts = []
    for text in ("symptoms: {health.unreachable: }\n", "symptoms: {health.unreachable: , health.slow: }\n"):
        runbook.write_text(text)
        counts += [run(f"--env={environment}", "--list-symptoms").stdout.count("  P") for _ in range(2)]
    (tmp_path / "shop.yaml").write_text("symptoms: {}\n")  # a file with precedence
    counts.append(run(f"--env={environment}", "--list-symptoms").stdout.count("  P"))
    assert counts == [1, 1, 2, 2, 0]
