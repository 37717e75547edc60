"""The suite's plugins, in the order in which a run goes through them."""

pytest_plugins = [
    "runbook_checks.plugin.options",
    "runbook_checks.plugin.selection",
    "runbook_checks.plugin.list_symptoms",
    "runbook_checks.reports.plugin",
    "runbook_checks.plugin.lab",
    "runbook_checks.plugin.crash_redaction",
    "runbook_checks.plugin.scheduler",
    "runbook_checks.plugin.records",
    "runbook_checks.plugin.rerun",
    "runbook_checks.plugin.leftovers",
    "runbook_checks.plugin.progress",
]
