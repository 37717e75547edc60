"""What does a results document say of roots, and is that well-formed?"""

from __future__ import annotations

from typing import Any

Roots = dict[str, set[str]]


def roots_of(document: dict[str, Any]) -> Roots:
    """Each root with the names of all that it explains."""
    roots: Roots = {name: set() for name in document["roots"]}
    for name, root in _told(document):
        if root is not None:
            assert root in roots, f"{name} is explained by {root}, which is no root"
            roots[root].add(name)
    for name, root in _told(document):
        assert not (root is None and name not in roots), f"{name} is neither a root nor explained"
        assert name not in roots or root is None or name == root, f"{name} is a root, and explained by {root}"
    return roots


def _told(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    told = []
    for result in document["results"]:
        name = f"{result['symptom']}[{result['system']}]"
        if result["outcome"] == "unknown":
            source = f"unreadable:{result['resource']}[{result['system']}]"
            root = result["explained_by"]
            # Where nobody could read a source, the first unknown stands for it.
            told.append((source if root is None else name, root))
        subjects = [(f"#{f['subject']}" if f["subject"] else "", f["explained_by"]) for f in result["findings"]]
        told += [(name + subject, root) for subject, root in subjects]
    return told


def causes_of(document: dict[str, Any]) -> dict[str, str | None]:
    """The cause of each root that is a finding, by its name without the subject."""
    return {
        f"{result['symptom']}[{result['system']}]": finding["cause"]
        for result in document["results"]
        for finding in result["findings"]
        if finding["explained_by"] is None
    }


def not_clear(document: dict[str, Any]) -> list[str]:
    """The checks that have something to say, by node id."""
    return [result["check"] for result in document["results"] if result["outcome"] in ("found", "unknown")]
