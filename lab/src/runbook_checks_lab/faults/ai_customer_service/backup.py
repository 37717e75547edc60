"""Unusable backups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.files import remove_backups, write_backups
from runbook_checks_lab.customer_service.names import BACKUP_AGE_H
from runbook_checks_lab.faults.ai_customer_service import fault

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

OLD_H = 50.0


@fault("backup.stale", cause="none")
def no_backups(lab: Lab) -> Iterator[None]:
    remove_backups(lab.customer_service.backups)
    yield
    write_backups(lab.customer_service.backups, BACKUP_AGE_H)


@fault("backup.stale", cause="too-old")
def old_backups(lab: Lab) -> Iterator[None]:
    remove_backups(lab.customer_service.backups)
    write_backups(lab.customer_service.backups, OLD_H)
    yield
    remove_backups(lab.customer_service.backups)
    write_backups(lab.customer_service.backups, BACKUP_AGE_H)
