"""Handles, which checks take as parameters: one class for each capability, each in a separate module.

A check names the class in the annotation of a parameter (`database: Database`); there is no other registration. A new
handle is a new module here, or in the checks of a team's own suite.
"""

from runbook_checks.config.secrets import Secret, Text
from runbook_checks.handles.base import Handle

__all__ = ["Handle", "Secret", "Text"]
