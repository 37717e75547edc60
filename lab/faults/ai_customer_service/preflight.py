"""What can be wrong with the variables and the address of the instance that is about to start?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.faults.ai_customer_service import fault
from lab.servers.squatter import instance_of, unrelated

if TYPE_CHECKING:
    from lab.lab import Lab


def _change(lab: Lab, name: str, value: str) -> None:
    lab.customer_service.dotenv.behaviour.values[name] = value


def _remove(lab: Lab, name: str) -> None:
    del lab.customer_service.dotenv.behaviour.values[name]


@fault("preflight.variable-missing", cause="unset")
def log_level_unset(lab: Lab) -> None:
    _remove(lab, "AI_CS_LOG_LEVEL")


@fault("preflight.variable-missing", cause="blank")
def log_level_blank(lab: Lab) -> None:
    _change(lab, "AI_CS_LOG_LEVEL", "   ")


@fault("preflight.memory-fallback", cause="postgres-disabled")
def postgres_disabled(lab: Lab) -> None:
    _change(lab, "AI_CS_POSTGRES_ENABLED", "false")


@fault("preflight.memory-fallback", cause="dsn-missing")
def dsn_removed(lab: Lab) -> None:
    _remove(lab, "AI_CS_POSTGRES_DSN")


@fault("preflight.dsn-malformed", cause="not-a-url")
def dsn_is_a_remark(lab: Lab) -> None:
    _change(lab, "AI_CS_POSTGRES_DSN", "ask the database team")


@fault("preflight.dsn-malformed", cause="wrong-engine")
def dsn_of_mysql(lab: Lab) -> None:
    _change(lab, "AI_CS_POSTGRES_DSN", lab.customer_service.dsn("ai_cs").replace("postgresql:", "mysql:"))


@fault("preflight.dsn-malformed", cause="part-missing")
def dsn_without_database(lab: Lab) -> None:
    _change(lab, "AI_CS_POSTGRES_DSN", lab.customer_service.dsn("ai_cs").rpartition("/")[0] + "/")


@fault("preflight.example-credential", cause="sample-value")
def secret_from_the_runbook(lab: Lab) -> None:
    _change(lab, "AI_CS_WEBHOOK_SECRET", "test-secret-123")


@fault("preflight.example-credential", cause="too-short")
def secret_of_nine_characters(lab: Lab) -> None:
    _change(lab, "AI_CS_WEBHOOK_SECRET", lab.customer_service.service.behaviour.secret[:9])


@fault("preflight.wrong-mode", cause="development-mode")
def development_mode(lab: Lab) -> None:
    _change(lab, "AI_CS_RUNTIME_ENV", "development")


@fault("preflight.address-in-use", cause="held-by-previous-instance")
def previous_instance_still_runs(lab: Lab) -> Iterator[None]:
    port = lab.customer_service.next_port
    with lab.squatter(port, lambda: instance_of("ai-customer-service", port)):
        yield


@fault("preflight.address-in-use", cause="held-by-other-process")
def other_process_listens(lab: Lab) -> Iterator[None]:
    port = lab.customer_service.next_port
    with lab.squatter(port, lambda: unrelated(lab.run.sub("empty"), port)):
        yield
