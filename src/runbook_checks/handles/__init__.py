"""What a check is handed: one class for each capability, in a module of its own.

A check names the class in the annotation of a parameter (`database: Database`), and nothing else registers it: a new
handle is a new module here, or in the checks of a team's own suite.
"""

from runbook_checks.config.secrets import Secret, Text
from runbook_checks.handles.base import Handle

__all__ = ["Handle", "Secret", "Text"]
