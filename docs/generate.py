"""Generate files from the code: JSON Schemas, tables in docs/, Prometheus rules, the Grafana dashboard."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from docs import grafana, inventory, keys, prometheus, schemas
from runbook_checks.config.load import read

PROJECT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- made by python -m docs.generate -->", "<!-- until here -->"


def made() -> dict[Path, str]:
    """Return the content of every file that is generated as a whole or in part."""
    texts = read(PROJECT / "environments" / "lab.yaml").texts
    symptoms = sorted(texts)
    files = {
        "environments/environment.schema.json": schemas.as_text(schemas.environment_schema(symptoms)),
        "runbooks/runbook.schema.json": schemas.as_text(schemas.runbook_schema(symptoms)),
        "environments/known.schema.json": schemas.as_text(schemas.known_schema()),
        "runbooks/symptoms.schema.json": schemas.as_text(schemas.symptoms_schema()),
        "runbooks/explanations.schema.json": schemas.as_text(schemas.explanations_schema()),
        "docs/configuration.md": _filled("docs/configuration.md", keys.tables()),
        "docs/symptoms.md": _filled("docs/symptoms.md", inventory.table(texts, checks())),
    }
    files |= {
        "ci/prometheus/rules.yaml": prometheus.rules(texts),
        "ci/prometheus/rules.test.yaml": prometheus.rules_test(texts),
        "ci/grafana/dashboard.json": grafana.dashboard(texts),
        "docs/metrics.md": _filled("docs/metrics.md", prometheus.table()),
    }
    return {PROJECT / name: text for name, text in files.items()}


def checks() -> list[Any]:
    """Return all check functions."""
    names = [path.stem for path in sorted((PROJECT / "checks").glob("*.py")) if path.stem != "__init__"]
    modules = [importlib.import_module(f"checks.{name}") for name in names]
    return [value for module in modules for value in vars(module).values() if hasattr(value, "symptom")]


def _filled(name: str, part: str) -> str:
    """Return a file with its generated part replaced."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text = (PROJECT / name).read_text(encoding="utf-8")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{part}\n\n{END}", text)


def main() -> int:
    """Write the files that have changed, and print their names."""
    for path, text in made().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(PROJECT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
