"""A team's own suite: its environments, runbooks, checks and capabilities, in a repository full of traps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.ci import team
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = PROJECT / "docs" / "example" / "suite"
CHECKS = Path(sys.executable).with_name("runbook-checks")
TOKEN = "warehouse-t0ken"
STUCK = "checks/orders.py::check_paid_orders_are_shipped[bookshop]"


class Shop:
    """The bookshop and its warehouse, at one address; the warehouse requires its token."""

    def __init__(self) -> None:
        self.picking: Any = {"picker": "picker-1", "stopped_s": 0, "waiting": 3, "missing": 0}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_known = self.path != "/picking" or self.headers["Authorization"] == f"Bearer {TOKEN}"
                answer = shop.picking if self.path == "/picking" else {"checks": {"database": "ok"}}
                body = json.dumps(answer if is_known else {"error": "who are you?"}).encode()
                self.send_response(200 if is_known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def running(self) -> Iterator[Shop]:
        thread = Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop().running() as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The example's suite in a repository whose settings, hooks and modules would each spoil a run."""
    folder = team.made(tmp_path / "repository")
    team.without_what_comes_before_us(folder)
    shutil.rmtree(folder / "checks")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "checks" / "conftest.py").write_text(team.RAISES)
    (folder / "checks" / "unrelated.py").write_text(team.RAISES)
    return folder


def run(
    repository: Path, *words: str, at: Path | None = None, shop: Shop | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    variables |= team.variables(repository) | {"COLUMNS": "80"}
    if shop:
        variables |= {"BOOKSHOP_URL": shop.url, "WAREHOUSE_URL": shop.url, "WAREHOUSE_TOKEN": TOKEN}
    return subprocess.run(
        [str(CHECKS), *words], cwd=at or repository, env=variables | more, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def document(repository: Path) -> dict[str, Any]:
    return dict(json.loads((repository / "reports" / "out" / "latest" / "results.json").read_text()))


def outcomes(repository: Path) -> dict[str, str]:
    return {row["check"]: row["outcome"] for row in document(repository)["results"]}


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["serial", "spread"])
def test_checks_of_a_team_run_with_the_built_in_ones(repository: Path, shop: Shop, spread: tuple[str, ...]) -> None:
    before = {path for path in repository.rglob("*") if "reports" not in path.parts}
    clear = run(repository, "--env", "staging", *spread, shop=shop)
    assert clear.returncode == 0, clear.stdout + clear.stderr
    healthy = {"checks/health.py::check_health_address_answers[bookshop]": "clear", STUCK: "clear"}
    assert outcomes(repository) == healthy
    shop.picking = {"picker": "picker 1", "stopped_s": 90, "waiting": 30, "missing": 0}
    found = run(repository, "--env", "staging", *spread, shop=shop)
    assert found.returncode == 1, found.stdout + found.stderr
    [finding] = next(row for row in document(repository)["results"] if row["check"] == STUCK)["findings"]
    assert (finding["cause"], finding["because"]) == ("picker-stopped", "the picker picker 1 has been stopped for 90 s")
    assert finding["remedy"] == ["Start it again: `systemctl restart 'picker 1'`"]
    assert document(repository)["roots"] == ["orders.stuck[bookshop]"]
    assert f'reproduce  runbook-checks --env staging "{STUCK}"' in found.stdout
    assert before == {path for path in repository.rglob("*") if "reports" not in path.parts and path.suffix != ".pyc"
                      and path.name != "__pycache__"}  # fmt: skip
    assert subprocess.run(["git", "init", "-q", "."], cwd=repository, check=True).returncode == 0  # noqa: S607
    status = subprocess.run(["git", "status", "--short", "reports"], cwd=repository, capture_output=True, check=True)  # noqa: S607
    assert status.stdout == b"", "git ignores a run's files"


def test_suite_is_found_from_its_folder_and_by_path(repository: Path, shop: Shop, tmp_path: Path) -> None:
    inside = repository / "elsewhere"
    assert run(repository, "--env", "staging", at=inside, shop=shop).returncode == 0
    path = str(repository / "environments" / "staging.yaml")
    assert run(repository, f"--env={path}", at=tmp_path, shop=shop).returncode == 0
    assert len(outcomes(repository)) == 2
    for words in (("--env", "staging"), (f"--env={path}",), ("run", "staging")):
        assert (
            run(repository, *words, STUCK, at=inside if words[-1] == "staging" else tmp_path, shop=shop).returncode == 0
        )
        one = run(repository, *words, STUCK, shop=shop)
        assert one.returncode == 0, one.stdout + one.stderr
        assert list(outcomes(repository)) == [STUCK]
        built_in = run(repository, *words, "checks/health.py::check_health_address_answers[bookshop]", shop=shop)
        assert built_in.returncode == 0, built_in.stdout + built_in.stderr
    by_area = run(repository, "--env", "staging", "-m", "orders and p1", shop=shop)
    assert by_area.returncode == 0, by_area.stdout + by_area.stderr
    assert list(outcomes(repository)) == [STUCK]


def test_environments_found_are_listed(repository: Path) -> None:
    none = run(repository)
    assert none.returncode == 4
    assert "(there are: staging, lab)" in none.stderr
    wrong = run(repository, "--env", "stagin")
    assert "did you mean 'staging'? (there are: staging, lab)" in wrong.stderr


def test_unreadable_source_is_unknown_and_secrets_are_not_shown(repository: Path, shop: Shop) -> None:
    shop.picking = ["no", "mapping"]
    unknown = run(repository, "--env", "staging", shop=shop)
    assert unknown.returncode == 10, unknown.stdout + unknown.stderr
    assert "unexpected response from the warehouse: HTTP 200" in unknown.stdout
    assert document(repository)["roots"] == ["unreadable:warehouse[bookshop]"]
    missing = run(repository, "--env", "staging", shop=shop, WAREHOUSE_TOKEN="")
    assert missing.returncode == 10
    assert "{env: WAREHOUSE_TOKEN} is blank" in missing.stdout
    shop.picking = {"picker": TOKEN, "stopped_s": 90, "waiting": 30, "missing": 0}
    reported = run(repository, "--env", "staging", shop=shop)
    assert reported.returncode == 1
    for path in (repository / "reports" / "out").rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace"), path
    assert TOKEN not in reported.stdout


PRINTING = """
import os, sys, time
from runbook_checks import Found, symptom
from ._warehouse import Warehouse
@symptom("orders.stuck")
def check_paid_orders_are_shipped(warehouse: Warehouse) -> None:
    for _ in range(20):
        print("printed", os.environ["WAREHOUSE_TOKEN"])
        print("complained", os.environ["WAREHOUSE_TOKEN"], file=sys.stderr)
        time.sleep(0.02)
    raise Found(None, seen=os.environ["WAREHOUSE_TOKEN"], wanted="nothing")
"""
CHECK = "from runbook_checks import symptom\n@symptom('{}')\ndef check_{}(warehouse: 'W') -> None:\n    pass\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("checks/orders.py", ""),
            "orders.stuck: no check for it; add one, marked @symptom('orders.stuck'), in checks/orders.py",
        ),
        (
            ("checks/more.py", CHECK.format("orders.late", "late")),
            "checks/more.py::check_late: no runbook file describes orders.late; add it under 'symptoms' with title, "
            "why, severity, when and causes",
        ),
        (
            ("checks/more.py", CHECK.format("orders.stuck", "again")),
            "checks/orders.py::check_paid_orders_are_shipped: orders.stuck has a check already, "
            "checks/more.py::check_again",
        ),
        (
            ("checks/more.py", CHECK.format("health.slow", "slow")),
            "checks/more.py::check_slow: health.slow is a built-in symptom, and its check is built in; give yours "
            "another name",
        ),
        (
            ("checks/orders.py", "import runbook_checks\n1 / 0\n"),
            "checks/orders.py, line 2: the module can't be imported: ZeroDivisionError: division by zero",
        ),
        (
            ("checks/_warehouse.py", "import runbook_checks\ndef\n"),
            "checks/_warehouse.py: the module can't be imported: SyntaxError: ",
        ),
        (
            ("checks/more.py", "import runbook_checks, sys\nsys.exit(0)\n"),
            "checks/more.py, line 2: the module can't be imported: SystemExit: 0",
        ),
        (
            ("checks/a.b.py", "import runbook_checks\n"),
            "checks/a.b.py: a module's name must not contain a dot; rename the file",
        ),
        (
            ("checks/orders.py", CHECK.format("orders.stuck", "it").replace("def check_", "def test_")),
            "checks/orders.py::test_it: a check is a function of its module whose name begins with check_; rename it",
        ),
        (
            ("checks/orders.py", CHECK.format("orders.stuck", "it").replace("def ", "async def ")),
            "checks/orders.py::check_it: a check is a plain function; remove async and yield",
        ),
        (
            ("checks/orders.py", CHECK.format("orders.stuck", "it").replace("pass", "yield")),
            "checks/orders.py::check_it: a check is a plain function; remove async and yield",
        ),
        (
            ("checks/orders.py", CHECK.format("orders.stuck", "it") + "check_it.__test__ = False\n"),
            "checks/orders.py::check_it: __test__ disables it; remove __test__",
        ),
        (
            (
                "checks/orders.py",
                "import pytest\n"
                + CHECK.format("orders.stuck", "it").replace("@", "@pytest.mark.parametrize('n', [])\n@"),
            ),
            "checks/orders.py::check_it: a check runs once for each system; remove @pytest.mark.parametrize",
        ),
        (
            ("checks/health.py", CHECK.format("orders.stuck", "health_address_answers")),
            "checks/health.py::check_health_address_answers: a built-in check has this name; rename the function",
        ),
        (
            ("runbooks/bookshop.yaml", "  skip.stuck:\n    title: x\n"),
            "symptoms.skip.stuck: an area can't be called 'skip': -m skip means something else",
        ),
        (
            ("environments/staging.yaml", "warehouse: {url: {env: WAREHOUSE_URL}, tokn: {env: T}}"),
            "systems.bookshop.warehouse: unknown key 'tokn'; did you mean 'token'?",
        ),
        (("environments/staging.yaml", "warehouze: {}"), "systems.bookshop: unknown key 'warehouze'"),
        (
            ("runbooks/bookshop.yaml", "  orders.late:\n"),
            "symptoms: unknown symptom 'orders.late'; one of your own needs its text here: title, why",
        ),
        (
            ("runbooks/bookshop.yaml", "  Orders late:\n    title: x\n"),
            "a symptom is called AREA.NAME, both in lower case; hyphens join the words of NAME",
        ),
        (
            ("runbooks/bookshop.yaml", "  orders.late:\n    title: x\n"),
            "symptoms.orders.late: 'why' is missing",
        ),
    ],
)
def test_inconsistent_suite_is_refused_before_anything_runs(
    repository: Path, change: tuple[str, str], sentence: str
) -> None:
    name, text = change
    path = repository / name
    if name.startswith("environments"):
        text = path.read_text().replace("warehouse: {url: {env: WAREHOUSE_URL}, token: {env: WAREHOUSE_TOKEN}}", text)
    elif name.startswith("runbooks"):
        text = path.read_text() + text
    path.write_text(text)
    refused = run(repository, "--env", "staging")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert sentence in " ".join(refused.stderr.split()), refused.stderr
    assert not (repository / "reports").exists()


@pytest.mark.parametrize("how", ["gone", "a file"])
def test_symptoms_without_a_folder_of_checks_are_reported(repository: Path, how: str) -> None:
    shutil.rmtree(repository / "checks")
    if how == "a file":
        (repository / "checks").touch()
    environment = repository / "environments" / "staging.yaml"
    lines = environment.read_text().splitlines(keepends=True)
    environment.write_text("".join(line for line in lines if "warehouse" not in line))
    refused = run(repository, "--env", "staging")
    assert refused.returncode == 4
    assert "orders.stuck: no check for it; add one" in refused.stderr


def test_files_that_are_not_check_modules_are_ignored(repository: Path, shop: Shop) -> None:
    (repository / "checks" / ".#orders.py").symlink_to("somebody@somewhere.1")
    (repository / "checks" / "gone.py").symlink_to("nowhere.py")
    (repository / "checks" / "folder.py").mkdir()
    (repository / "checks" / "again.py").write_text("import runbook_checks\nfrom .orders import *\n")
    assert run(repository, "--env", "staging", shop=shop).returncode == 0
    assert list(outcomes(repository).values()) == ["clear", "clear"]


def test_check_that_returns_a_value_is_unknown_with_its_place(repository: Path, shop: Shop) -> None:
    orders = repository / "checks" / "orders.py"
    text = orders.read_text()
    for body, sentence in (
        ("    return {'waiting': 3}\n", "the check returned a dict; a check is a function that returns nothing"),
        ("    return warehouse.bound.http_at\n", "the check returned a method"),
        ("    raise KeyError('picker')\n", "KeyError: 'picker' (checks/orders.py:15)"),
    ):
        orders.write_text(text.partition("    picking = ")[0] + body)
        ran = run(repository, "--env", "staging", shop=shop)
        assert ran.returncode == 10, ran.stdout + ran.stderr
        assert sentence in " ".join(ran.stdout.split()), ran.stdout


def test_cause_that_the_runbook_does_not_list_is_found_and_says_which_it_lists(repository: Path, shop: Shop) -> None:
    orders = repository / "checks" / "orders.py"
    orders.write_text(orders.read_text().replace('"picker-stopped"', '"picker-stoped"'))
    shop.picking = {"picker": "picker 1", "stopped_s": 90, "waiting": 30, "missing": 0}
    found = run(repository, "--env", "staging", shop=shop)
    assert found.returncode == 1, found.stdout + found.stderr
    [finding] = next(row for row in document(repository)["results"] if row["check"] == STUCK)["findings"]
    assert (finding["cause"], finding["remedy"]) == ("picker-stoped", [])
    because = "the check names a cause that the runbook does not list; did you mean 'picker-stopped'?"
    assert finding["because"] == f"{because}; its causes: picker-stopped, shelf-empty"
    assert because in " ".join(found.stdout.split())


def test_check_that_asks_for_nothing_and_times_out_is_a_root_by_its_symptom(repository: Path, shop: Shop) -> None:
    hanging = CHECK.format("orders.stuck", "paid_orders_are_shipped").replace("pass", "time.sleep(60)")
    (repository / "checks" / "orders.py").write_text("import time\n" + hanging.replace("warehouse: 'W'", ""))
    runbook = repository / "runbooks" / "bookshop.yaml"
    runbook.write_text(runbook.read_text().replace("    severity: P1\n", "    severity: P1\n    deadline_s: 1\n"))
    ran = run(repository, "--env", "staging", shop=shop)
    assert ran.returncode == 10, ran.stdout + ran.stderr
    assert document(repository)["roots"] == ["unreadable:orders.stuck[bookshop]"]


@pytest.mark.parametrize("how", [("--deselect", STUCK), (f"--deselect={STUCK}",)], ids=["apart", "joined"])
def test_check_is_deselected_by_the_name_that_is_printed(repository: Path, shop: Shop, how: tuple[str, ...]) -> None:
    ran = run(repository, "--env", "staging", *how, shop=shop)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert outcomes(repository) == {"checks/health.py::check_health_address_answers[bookshop]": "clear"}


def test_module_that_loops_while_it_is_imported_is_given_up(repository: Path) -> None:
    looping = """
import runbook_checks, time
while True:
    try:
        time.sleep(60)
    except Exception:
        pass
"""
    (repository / "checks" / "more.py").write_text(looping)
    refused = run(repository, "--env", "staging")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    sentence = "checks/more.py, line 5: the module can't be imported: NotInTime: the import timed out after 10 s"
    assert sentence in " ".join(refused.stderr.split()), refused.stderr


def test_what_a_check_prints_shows_no_secret(repository: Path, shop: Shop) -> None:
    """Also a secret that the check takes from its environment, in place of the reference."""
    (repository / "checks" / "orders.py").write_text(PRINTING)
    for how in ((), ("-s",), ("-n", "2"), ("--serial",)):
        ran = run(repository, "--env", "staging", *how, STUCK, shop=shop)
        assert ran.returncode == 1, ran.stdout + ran.stderr
        assert TOKEN not in ran.stdout + ran.stderr, how
    failing = "import runbook_checks, os\nraise ValueError(os.environ['WAREHOUSE_TOKEN'])\n"
    (repository / "checks" / "more.py").write_text(failing)
    refused = run(repository, "--env", "staging", shop=shop)
    assert refused.returncode == 4
    assert TOKEN not in refused.stderr
    assert "checks/more.py, line 2: the module can't be imported: ValueError: " in refused.stderr


def test_clone_of_the_project_is_not_a_team_suite(tmp_path: Path, shop: Shop) -> None:
    clone = tmp_path / "clone"
    for name in ("checks", "environments", "runbooks", "src"):
        shutil.copytree(PROJECT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    text = "name: mine\ntier: staging\nsystems: {ai-customer-service: {http: {base_url: URL}}}\n".replace(
        "URL", shop.url
    )
    (clone / "environments" / "mine.yaml").write_text(text.replace("URL", shop.url))
    listed = run(clone, "--env", "mine", "--list-symptoms", shop=shop)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "health.unreachable" in listed.stdout


def test_reproduce_line_has_the_options_of_the_run(repository: Path, shop: Shop) -> None:
    url = "http://127.0.0.1:9"
    ran = run(repository, "--env", "staging", "--base-url", url, "-m", "health", shop=shop)
    assert ran.returncode == 1
    assert f'reproduce  runbook-checks --env staging --base-url {url} "checks/health.py::' in ran.stdout


def test_capability_without_settings_is_reported(repository: Path, shop: Shop) -> None:
    environment = repository / "environments" / "staging.yaml"
    environment.write_text(
        "".join(line for line in environment.read_text().splitlines(True) if "warehouse" not in line)
    )
    ran = run(repository, "--env", "staging", shop=shop)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    reported = " ".join(ran.stdout.split())
    assert (
        f"orders.stuck is not checked ({STUCK.partition('[')[0]}): no system of staging configures warehouse"
        in reported
    )
    assert "orders.stuck" in run(repository, "--env", "staging", "--list-symptoms", shop=shop).stdout


@pytest.mark.parametrize("how", [{"words": ("--no-commands",)}, {"CHECKS_NO_COMMANDS": "1"}])
def test_python_of_a_pull_request_is_not_run(repository: Path, shop: Shop, how: dict[str, Any]) -> None:
    for name in ("orders", "_warehouse"):
        (repository / "checks" / f"{name}.py").write_text("import runbook_checks\nopen('ran', 'w')\n")
    words = how.pop("words", ())
    ran = run(repository, "--env", "staging", *words, shop=shop, **how)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 symptoms of the suite's own are not checked" in " ".join(ran.stdout.split())
    assert not (repository / "ran").exists()


def test_monitor_and_gate_run_a_team_suite(repository: Path, shop: Shop, tmp_path: Path) -> None:
    shop.picking = {"picker": "picker-1", "stopped_s": 90, "waiting": 30, "missing": 0}
    gate = run(repository, "gate", "postdeploy", "staging", shop=shop)
    assert gate.returncode == 0, gate.stdout + gate.stderr  # orders.stuck is not checked after a deployment
    monitored = run(repository, "monitor", "staging", "--state", str(tmp_path / "state"), shop=shop)
    assert monitored.returncode == 0, monitored.stdout + monitored.stderr
    assert "orders.stuck" in monitored.stdout


def test_strict_types_work_in_a_team_repository(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "checks"]
    checked = subprocess.run(words, cwd=tmp_path / "suite", capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    check = tmp_path / "suite" / "checks" / "orders.py"
    check.write_text(check.read_text().replace("picking.waiting <=", "picking.wating <="))
    assert "wating" in subprocess.run(words, cwd=tmp_path / "suite", capture_output=True, text=True, check=False).stdout
