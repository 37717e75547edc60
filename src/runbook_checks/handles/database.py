"""The database of a system: a check that asks for `Database` gets the handle of the system's engine."""

from __future__ import annotations

from typing import TypeAlias

from runbook_checks.handles.mysql import MysqlDatabase
from runbook_checks.handles.postgres import PostgresDatabase

Database: TypeAlias = PostgresDatabase | MysqlDatabase
