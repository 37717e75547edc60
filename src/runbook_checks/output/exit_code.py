"""End a run with the exit code of its outcome, even if output is lost: a plugin named in pyproject.toml.

pytest loads it before it starts capturing, and so before conftest.py.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.config import ConftestImportFailure

from runbook_checks.config.run import PLUGIN, Run
from runbook_checks.output import destinations as places
from runbook_checks.output import streams

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    streams.steady()
    early_config.pluginmanager.register(Ending(early_config), "runbook-checks-ending")
    places.require_pytests_own(early_config)
    try:
        return (yield)
    except (pytest.UsageError, ConftestImportFailure):  # pytest prints the message and exits with 4
        raise
    except Exception as error:
        streams.say(streams.sentence_of(error))
        raise SystemExit(streams.TROUBLE) from None


class Ending:
    """Keeps the configuration, which some of pytest's hooks do not pass."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @property
    def run(self) -> Run | None:
        """The run, once the command line is read."""
        run = self.config.pluginmanager.get_plugin(PLUGIN)
        return run if isinstance(run, Run) else None

    def _redacted(self, text: str) -> str:
        return self.run.redaction.text(text) if self.run else text

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        """Handle errors that pytest does not handle, and a lost output."""
        try:
            with redirect_stdout(places.terminal(self.config)):  # pytest makes its terminal of it
                code = yield
        except (pytest.UsageError, KeyboardInterrupt, SystemExit):
            raise
        except Exception as error:
            streams.say(self._redacted(streams.sentence_of(error)))
            return streams.TROUBLE
        is_kept = self.run is not None and self.run.is_kept
        return streams.TROUBLE if code == 0 and streams.lost_output() and not is_kept else code

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        try:
            return (yield)
        finally:
            self._leave_vanished_folder()

    def _leave_vanished_folder(self) -> None:
        """Replace a deleted start folder, to which pytest would otherwise fail to return at the end."""
        given = self.config.invocation_params
        if not given.dir.is_dir():
            self.config.invocation_params = type(given)(args=given.args, plugins=given.plugins, dir=Path("/"))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, Any, Any]:
        """Report the error of a plugin that cannot write its file (pytest's cache, on a full disk), and continue."""
        try:
            return (yield)
        except OSError as error:
            streams.say(self._redacted(f"a plugin of pytest's could not write its file: {streams.sentence_of(error)}"))
            return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool | None:
        """Report errors of the machine (disk, files, memory) in one sentence, without a traceback."""
        if not isinstance(excinfo.value, OSError | MemoryError):
            return None
        streams.say(self._redacted(streams.sentence_of(excinfo.value)))
        return True
