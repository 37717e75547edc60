"""Wrong variables and a wrong address of an instance that is about to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.shared import Of, WithAddress, WithVariables
from runbook_checks_lab.servers.port_holder import instance_of, unrelated

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf

SAMPLE = "test-secret-123"


def variables(fault: FaultsOf, of: Of[WithVariables], *, some: str, dsn: str, secret: str) -> None:
    """Takes variable names: one that is required, one with the DSN, one with a secret."""

    def values(lab: Lab) -> dict[str, str]:
        return of(lab).dotenv.behaviour.values

    @fault("preflight.variable-missing", cause="unset")
    def unset(lab: Lab) -> None:
        del values(lab)[some]

    @fault("preflight.variable-missing", cause="blank")
    def blank(lab: Lab) -> None:
        values(lab)[some] = "   "

    @fault("preflight.dsn-malformed", cause="not-a-url")
    def dsn_is_a_remark(lab: Lab) -> None:
        values(lab)[dsn] = "ask the database team"

    @fault("preflight.dsn-malformed", cause="wrong-engine")
    def dsn_of_mysql(lab: Lab) -> None:
        values(lab)[dsn] = values(lab)[dsn].replace("postgresql:", "mysql:")

    @fault("preflight.dsn-malformed", cause="part-missing")
    def dsn_without_database(lab: Lab) -> None:
        values(lab)[dsn] = values(lab)[dsn].rpartition("/")[0] + "/"

    @fault("preflight.example-credential", cause="sample-value")
    def secret_from_the_runbook(lab: Lab) -> None:
        values(lab)[secret] = SAMPLE

    @fault("preflight.example-credential", cause="too-short")
    def secret_of_nine_characters(lab: Lab) -> None:
        values(lab)[secret] = values(lab)[secret][:9]


def wrong_mode(fault: FaultsOf, of: Of[WithVariables], variable: str) -> None:
    @fault("preflight.wrong-mode", cause="development-mode")
    def development_mode(lab: Lab) -> None:
        of(lab).dotenv.behaviour.values[variable] = "development"


def address_in_use(fault: FaultsOf, of: Of[WithAddress], program: str) -> None:
    @fault("preflight.address-in-use", cause="held-by-previous-instance")
    def previous_instance_still_runs(lab: Lab) -> Iterator[None]:
        port = of(lab).next_port
        with lab.hold_port(port, lambda: instance_of(program, port)):
            yield

    @fault("preflight.address-in-use", cause="held-by-other-process")
    def other_process_listens(lab: Lab) -> Iterator[None]:
        port = of(lab).next_port
        with lab.hold_port(port, lambda: unrelated(lab.run.sub("empty"), port)):
            yield
