"""The findings about many subjects as a table: CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from runbook_checks.config.untrusted_text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.results.model import Finding

COLUMNS = ("subject", "severity", "cause", "seen", "wanted", "because", "remedy")
# A spreadsheet takes a cell with these first characters for a formula, and customers choose subjects.
FORMULA = ("=", "+", "-", "@")


def table(findings: Iterable[Finding]) -> str:
    """One row for each finding, with the first step of its remedy."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for finding in findings:
        values = [getattr(finding, name) for name in COLUMNS[:-1]]
        writer.writerow([_cell(value) for value in (*values, next(iter(finding.remedy), ""))])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = clean(str(value or ""))
    return f"'{text}" if text.startswith(FORMULA) else text
