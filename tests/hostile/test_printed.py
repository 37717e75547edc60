"""Text from a far end is never executed where it is printed: by a CI runner, a terminal, Markdown or a browser."""

from __future__ import annotations

import gzip
import html
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import unicodedata
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from runbook_checks.cli.allure_report import TOOL
from runbook_checks.config.untrusted_text import Printed, clean, json_text, printable
from tests.ci.browser import shown
from tests.harness import PROJECT, run
from tests.hostile.product import environment_file, http
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Ran
    from tests.misbehaving.server import Handler, Visit

OBEYED = (
    "::set-output name=verdict::pass",
    "::stop-commands::x",
    ":\u200b:add-mask::s",
    "##[add-mask]stop",
    "##vso[task.setvariable variable=verdict]pass",
    "##teamcity[buildStop comment='x']",
    "section_start:1:a\r\x1b[0K",
    "travis_fold:start:a\r",
    "\x1b]52;c;cHduZWQ=\x07",
    "\x1b]8;;http://127.0.0.1:9/\x07here\x1b]8;;\x07",
    "\x9b31m\u202erekcatta\u202c",
    "\x1b[8mhidden\x1b[2J",
)
MARKUP = (
    "`<img src=http://127.0.0.1:9/a>`",
    "![x](http://127.0.0.1:9/b)",
    "[y](javascript:alert)",
    "@everyone",
    "&commat;here",
    "owner/name#12",
    "<!-- **x** | ~~y~~ $z$",
)
AT_ONCE = 3  # of these in one response: a sentence in a report is limited
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")


def hostile(words: tuple[str, ...]) -> Handler:
    document = {"status": "DOWN", "components": {f"{' ' * 7}{word}": {"status": "DOWN"} for word in words}}

    def handler(visit: Visit) -> None:
        visit.request()
        visit.say(whole(json.dumps(document).encode(), "Content-Type: application/json", status="503 Unavailable"))

    return handler


def obeyed(text: str) -> list[str]:
    """Return the lines that a CI runner would take for a command; .NET's comparison ignores invisible characters."""
    found = []
    for line in re.split(r"[\r\n]", text):
        shown = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cf"))
        if re.search(r"^\s*::|(?<!\w)::[a-z-]+( .*)?::", shown) or re.search(
            r"##\w*\[|(section_(start|end)|travis_\w+):", shown
        ):
            found.append(line)
        if re.match(r"(---|\+\+\+|~~~|\^\^\^)(\s|$)", shown):
            found.append(line)
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment file of services whose responses contain all of it."""
    every = OBEYED + MARKUP
    with ExitStack() as stack:
        servers = [hostile(every[at : at + AT_ONCE]) for at in range(0, len(every), AT_ONCE)]
        systems = {f"shop-{n}": http(stack.enter_context(FakeServer(b)).url) for n, b in enumerate(servers)}
        yield environment_file(tmp_path_factory.mktemp("printed"), systems)


def look(environment: Path, *words: str) -> Ran:
    planted = {"PLANTED_SECRET": "planted-secret-0123", "PLANTED_TOKEN": "planted-token-0123"}
    return run(
        f"--env={environment}", "-k", "ready or overall", *words, variables=planted, out=environment.with_name("out")
    )


@pytest.mark.parametrize(
    "words",
    [("-v", "-s", "-rA", "--tb=long"), ("--paste",), ("-n", "2", "-q")],
    ids=" ".join,
)
def test_no_line_is_a_command(environment: Path, words: tuple[str, ...]) -> None:
    ran = look(environment, *words)
    assert ran.code == 1, ran.output()
    assert "set-output name=verdict" in ran.stdout, "the text is still shown"
    assert obeyed(ran.output()) == []
    assert not RAW.search(ran.output())
    assert ran.folder is not None
    for name in ("summary.md", "results.json"):
        assert obeyed((ran.folder / name).read_text()) == [], "nor is text printed from a file"
    assert "##[add-mask]stop" in json.dumps(ran.document), "the document has the original text"


@pytest.mark.parametrize("words", [("-s",), ("-rA", "-p", "no:threadexception"), ("-vv",)], ids=" ".join)
def test_output_of_a_library_is_not_a_command(environment: Path, words: tuple[str, ...]) -> None:
    ran = look(environment, "--system", "shop-0", "-p", "tests.hostile.printing_plugin", *words)
    assert "set-output name=verdict" in ran.output()
    assert ("INTERNALERROR" in ran.output()) == ("-vv" in words)
    assert obeyed(ran.output()) == []
    assert not RAW.search(ran.output())


def test_title_in_an_environment_file_is_not_a_command(environment: Path) -> None:
    document = json.loads(environment.read_text())
    document["systems"]["shop-0"]["checklists"] = {"c": {"items": [{"item": f"a\n{OBEYED[0]}", "attested": True}]}}
    other = environment.with_name("other.yaml")
    other.write_text(json.dumps(document))
    ticked = look(other, "--checklist", "shop-0/c")
    assert "[?] a : :set-output name=verdict::pass" in ticked.stdout
    assert obeyed(ticked.output()) == []
    assert obeyed(look(other, "--list-symptoms").output()) == []
    document["name"] = f"x\n{OBEYED[0]}##[add-mask]stop"
    document["\n##[add-mask]stop"] = "x"
    document["systems"]["shop-0"]["symptoms"] = {f"\n{OBEYED[0]}": None}
    other.write_text(json.dumps(document))
    refused = look(other)
    assert refused.code == 4
    assert "unknown symptom" in refused.stderr
    assert obeyed(refused.output()) == []


def test_summary_shows_markup_as_text(environment: Path) -> None:
    """An independent CommonMark parser decides how the summary looks."""
    markdown_it = pytest.importorskip("markdown_it")
    ran = look(environment)
    assert ran.folder is not None
    page = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render((ran.folder / "summary.md").read_text())
    assert not re.search(r"<(img|a|s|del)\b|<!--|<h\d>\s*<", page), page
    assert "&lt;img src=http://127.0.0.1:9/a&gt;" in page
    assert not re.search(r"(?<!\w)@\w|#\d", re.sub(r"<code>.*?</code>", "", page)), "it mentions a user"


def test_command_in_the_summary_can_be_pasted(tmp_path: Path) -> None:
    """A backtick in a file name does not end the code; the code is exactly the command."""
    markdown_it = pytest.importorskip("markdown_it")
    name = "a`<img src=x>`' $(touch pwned) [b](c).sql.gz"
    (tmp_path / "dumps").mkdir()
    dump = tmp_path / "dumps" / name
    dump.write_bytes(gzip.compress(b"-- dump\n" * 1000)[:-20])
    os.utime(dump, (time.time() - 600,) * 2)  # the file is complete
    shop = {"backups": {"folder": "dumps", "pattern": "*.gz"}, "symptoms": {"backup.corrupt": None}}
    environment = environment_file(tmp_path, {"shop-0": shop})
    ran = run("--env", str(environment), "-m", "backup", out=tmp_path / "out")
    assert ran.folder is not None, ran.output()
    page = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render((ran.folder / "summary.md").read_text())
    shown_as_code = [html.unescape(code) for code in re.findall("<code>(.*?)</code>", page)]
    assert f"gzip -tv -- {shlex.quote(name)}" in shown_as_code, page
    assert not re.search(r"<(img|a)\b", page), page


def test_report_shows_markup_as_text(environment: Path, tmp_path: Path) -> None:
    """A request to another host, or an error in the page's console, fails the test as well."""
    if shutil.which("npm") is None or not TOOL.exists():
        pytest.skip("Allure is not installed: `make report` fetches it")
    ran = look(environment, "-k", "ready", "--system", "shop-4")
    assert ran.folder is not None
    words = ["-m", "runbook_checks.cli.allure_report", "--results", str(ran.folder / "allure"), "--to", str(tmp_path)]
    subprocess.run([sys.executable, *words], check=True, cwd=PROJECT, capture_output=True)
    with shown(tmp_path / "index.html") as view:
        view.get_by_text("health.not-ready: ").first.click()
        view.get_by_text("evidence").first.click()
        view.get_by_text(MARKUP[0]).first.wait_for()
        assert view.locator("img[src*='127.0.0.1']").count() == 0
        assert view.locator("a[href^=javascript]").count() == 0


def test_line_written_in_pieces_is_read_as_a_whole() -> None:
    stream = io.StringIO()
    printed = Printed(stream)
    for piece in (
        "   ",
        "::warning::x\n",
        "\x1b[31m",
        "::error::y\x1b[0m\n",
        "##",
        "vso",
        "[x]\n",
        "a" * 5000,
        "::b\n:",
    ):
        printed.write(piece)
    printed.write(":c\r::d\n--- e\n")
    assert obeyed(re.sub(r"\x1b\[\d+m", "", stream.getvalue())) == []
    assert "\x1b[31m" in stream.getvalue(), "colours stay"
    assert "\x1b" not in printable("\x1b[31m::x"), "except those in a text"
    assert "a::b" in stream.getvalue(), "within a line it is not a command"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_the_product_rewrites_a_line_on_a_terminal() -> None:
    stream = Terminal()
    printed = Printed(stream)
    own = ["\r\x1b[K12 of 100", "\x1b[1m\rcollecting ... \x1b[0m", "\x1b[32m.\x1b[0m"]
    for piece in (*own, "a\rb", "\x1b[2Jc"):
        printed.write(piece)
    assert stream.getvalue() == "".join(own) + "a b [2Jc"


def test_long_line_is_processed_quickly() -> None:
    begun = time.process_time()
    for piece in ("::a ", "##", " ", ":", "--", "\x1b[0m", "\r", "section_start"):
        printable(piece * 50_000)
        json_text(piece * 50_000)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "character", ["\u200b", "\xad", "\u2060", "\ufe0f", "\U000e0041", "\u3164", "\u034f", "\ufeff"]
)
def test_invisible_characters_hide_no_command(character: str) -> None:
    assert obeyed(printable(f"{character}:{character}:{character}error::x ##{character}[x]")) == []
    assert character not in clean(f"a{character}b")
