"""Read the root causes in a results document, and assert that they are consistent."""

from __future__ import annotations

from typing import Any

Roots = dict[str, set[str]]


def roots_of(document: dict[str, Any]) -> Roots:
    """Return each root cause with the names of all results that it explains."""
    roots: Roots = {name: set() for name in document["roots"]}
    for name, root in _named_results(document):
        if root is not None:
            assert root in roots, f"{name} is explained by {root}, which is not a root"
            roots[root].add(name)
    for name, root in _named_results(document):
        assert not (root is None and name not in roots), f"{name} is neither a root nor explained"
        assert name not in roots or root is None or name == root, f"{name} is a root, and explained by {root}"
    return roots


def _named_results(document: dict[str, Any]) -> list[tuple[str, str | None]]:
    reported = []
    for result in document["results"]:
        name = f"{result['symptom']}[{result['system']}]"
        if result["outcome"] == "unknown":
            source = f"unreadable:{result['resource']}[{result['system']}]"
            root = result["explained_by"]
            # If a source is unreadable, the first unknown result stands for it.
            reported.append((source if root is None else name, root))
        subjects = [(f"#{f['subject']}" if f["subject"] else "", f["explained_by"]) for f in result["findings"]]
        reported += [(name + subject, root) for subject, root in subjects]
    return reported


def causes_of(document: dict[str, Any]) -> dict[str, str | None]:
    """Return the cause of each root cause that is a finding, by its name without the subject."""
    return {
        f"{result['symptom']}[{result['system']}]": finding["cause"]
        for result in document["results"]
        for finding in result["findings"]
        if finding["explained_by"] is None
    }


def not_clear(document: dict[str, Any]) -> list[str]:
    """Return the node ids of checks that are not clear."""
    return [result["check"] for result in document["results"] if result["outcome"] in ("found", "unknown")]
