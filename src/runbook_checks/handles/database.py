"""The database of a system, whichever engine it runs: a check that asks for one gets the handle of that engine."""

from __future__ import annotations

from typing import TypeAlias

from runbook_checks.handles.mysql import MysqlDatabase
from runbook_checks.handles.postgres import PostgresDatabase

Database: TypeAlias = PostgresDatabase | MysqlDatabase
