"""Every command in a runbook text remains one command when pasted, whatever a far end puts into its values."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runbook_checks.config.load import read
from runbook_checks.config.remedy_commands import PLACEHOLDER, mistakes, parts
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.results.wording import filled, word
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = [*sorted((PROJECT / "runbooks" / "symptoms").glob("*.yaml")), *sorted((PROJECT / "runbooks").glob("*.yaml"))]
# Ends any quotes, and executes in every shell that reads it as more than one word.
HOSTILE = "x'y\"z; touch pwned #$(touch pwned)`touch pwned`|touch pwned& * {a,b} $TOKEN !!"
SQL = re.compile(r"[A-Z]+ (?!\{?api)|\\")
TOKEN = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\w+|\S")
# Disabled, so that bash's builtins are commands like any other, and none is found.
RUNNER = """
enable -n kill
command_not_found_handle() { printf '%s\\0' "$@" >>words; }
"""


def sentences(path: Path) -> Iterator[tuple[str, str]]:
    """Each sentence with placeholders, of every engine, and where it stands."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    symptoms = document.get("symptoms") if path.parent.name == "runbooks" else document
    for symptom, text in (symptoms or {}).items():
        for cause, told in ((text or {}).get("causes") or {}).items():
            for step in (told.get("because", ""), *told.get("remedy", ())):
                for sentence in step.values() if isinstance(step, dict) else (step,):
                    yield f"{path.name}: {symptom}:{cause}", sentence


EVERY = [entry for path in FILES for entry in sentences(path)]


def commands(*, sql: bool) -> list[tuple[str, str]]:
    """Return the commands with placeholders, each once, with the first place."""
    found = {part: place for place, sentence in EVERY for part, is_command in parts(sentence) if is_command}
    chosen = {part: place for part, place in found.items() if PLACEHOLDER.search(part)}
    return [(place, part) for part, place in chosen.items() if bool(SQL.match(part)) == sql]


def with_value(command: str, value: str) -> str:
    text = filled(f"`{command}`", dict.fromkeys((m[1] for m in PLACEHOLDER.finditer(command)), value))
    fence = len(text) - len(text.lstrip("`"))
    return text[fence:-fence].strip()


def test_every_text_can_be_filled_safely() -> None:
    wrong = [f"{place}: {mistake}" for place, sentence in EVERY for mistake in mistakes(sentence)]
    assert wrong == []
    assert len(commands(sql=False)) > 60
    assert len(commands(sql=True)) > 15


def test_value_remains_one_shell_word(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on PATH")
    every = [command for _, command in commands(sql=False) if not command.startswith(("{", "hostssl "))]
    lines = [f"printf '%s\\0' '# {number}' >>words; ( {with_value(c, HOSTILE)}\n)" for number, c in enumerate(every)]
    script = tmp_path / "script"
    script.write_text(RUNNER + "\n".join(lines) + "\n")
    subprocess.run(["/bin/sh", "-n", script], check=True)
    subprocess.run(
        [bash, script],
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "empty")},
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert not (tmp_path / "pwned").exists()
    words = re.split(r"# \d+\0", (tmp_path / "words").read_text())[1:]
    assert len(words) == len(every)
    for command, seen in zip(every, words, strict=True):
        wanted = len(PLACEHOLDER.findall(command))
        assert seen.count(HOSTILE) == wanted, f"{command} was read as {seen.split(chr(0))}"


def test_value_remains_one_sql_token() -> None:
    for place, command in commands(sql=True):
        usual, hostile = with_value(command, "shop"), with_value(command, HOSTILE)
        assert len(TOKEN.findall(hostile)) == len(TOKEN.findall(usual)), f"{place}: {hostile}"
        assert "\\" not in with_value(command, "a\\'; DROP TABLE x; --").lstrip("\\"), place


@pytest.mark.parametrize("value", ["a\nb", "a\x1b]0;b", "a\u202eb", "a\u200bb", "\rb"])
def test_value_with_invisible_characters_is_in_no_command(value: str) -> None:
    for place, command in [*commands(sql=False), *commands(sql=True)]:
        text = with_value(command, value)
        assert "b" not in re.sub(r"\w{2,}", "", text.replace(command, "")), place
        assert not re.search(f"[{value.replace('a', '').replace('b', '').replace(']0;', '')}]", text), place


def test_no_value_is_read_as_an_option_a_server_or_a_file() -> None:
    for value in ("-oProxyCommand=x", "--config=/etc/x", "+tcp", "@evil.example"):
        for place, command in commands(sql=False):
            options, _, _ = with_value(command, value).partition(" -- ")
            begins_so = [text for text in options.split() if text.startswith(value)]
            assert not begins_so or command.startswith("{"), f"{place}: {options}"


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("curl -H 'Origin: {origin}' {url}", "{origin} stands inside quotes"),
        ('curl -H "Origin: {origin}"', "{origin} stands inside quotes"),
        ('echo "it\\"s {x}"', "{x} stands inside quotes"),
        ("echo 'a\\' {x} 'b'", ""),
        ("SELECT 1 FROM t WHERE a = '{x}'", "{x} stands inside quotes"),
        ("echo \\{x}", "{x} stands behind \\"),
        ("echo ${x}", "{x} stands behind $"),
        ("echo | {x}", "{x} stands where a shell expects a command"),
        ("echo a > {x}", "{x} stands where a shell expects a command"),
        ("ssh web1 systemctl restart {x}", "{x} is read once more"),
        ("sh -c {x}", "{x} is read once more"),
        ("bash -o pipefail -c {x}", "{x} is read once more"),
        ("script -c {x}", "{x} is read once more"),
        ("python3 -c {x}", "{x} is read once more"),
        ("psql -h db -c {x}", "{x} is read once more"),
        ("trap {x} EXIT", "{x} is read once more"),
        ("[[ {x} -eq 1 ]]", "{x} is read once more"),
        ("declare -i a={x}", "{x} is read once more"),
        ("if {x}", "{x} stands where a shell expects a command"),
        ("sudo -u app {x}", "{x} stands where a shell expects a command"),
        ("A=1 {x}", "{x} stands where a shell expects a command"),
        ("SELECT {x:name}", "{x:name} has an unknown kind 'name' (there are: 'mysql', 'text', 'words')"),
        ("grep {x:text}", "{x:text} has an unknown kind 'text' (there are: 'words')"),
        ("systemctl restart {x}", ""),
    ],
)
def test_unsafe_placeholder_in_a_runbook_text_is_a_mistake(tmp_path: Path, command: str, wrong: str) -> None:
    steps = {"because": "it is {x}", "remedy": ["Look.", f"Try: `{command}`"]}
    shop = {"http": {}, "symptoms": {"health.slow": {"causes": {"slow-server": steps}}}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(shop, width=1000))
    environment = {"name": "e", "tier": "staging", "systems": {"shop": {"http": {"base_url": "http://127.0.0.1:9"}}}}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(environment))
    reported = ""
    try:
        read(tmp_path / "e.yaml")
    except BadFile as bad:
        reported = str(bad)
    if wrong:
        assert f"shop.yaml: symptoms.health.slow.causes.slow-server.remedy[1]: {wrong}" in reported
        assert reported.endswith(" (line 9)")
    else:
        assert reported == ""


def test_values_are_quoted_for_their_language() -> None:
    values = {"t": 'Order "Items"', "s": "o'x", "w": "character varying(255)", "l": ["SELECT", "INSERT"], "a": "all"}
    for command, wanted in {
        "VACUUM {t}": '`VACUUM "Order ""Items"""`',
        "DROP USER {s:text}@'%'": "`DROP USER 'o''x'@'%'`",
        "ALTER TABLE x ALTER y TYPE {w:words}": "`ALTER TABLE x ALTER y TYPE character varying(255)`",
        "GRANT {l:words} ON {a:mysql}.*": "``GRANT SELECT, INSERT ON `all`.*``",
        "GRANT {s:words} ON x": "`GRANT S ON x`",
        "ls {s}": "`ls 'o'\"'\"'x'`",
    }.items():
        assert filled(f"`{command}`", values) == wanted
    assert filled("it's `ls` of {b}", {"b": "`rm`"}) == "it's `ls` of 'rm'", (
        "only the runbook's own commands are commands"
    )
    assert word("checks/a.py::b[c]") == '"checks/a.py::b[c]"'
    assert word("$(x)") == "'$(x)'"
