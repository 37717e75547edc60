"""Recognise code that only affects wording: sentences, evidence, rounded figures."""

from __future__ import annotations

import ast

# Functions of the checks that build part of a sentence.
WORDING = ("_block", "_doing", "_ids", "_ms", "_percent", "_quoted", "_size", "_small", "_trend", "_vacuumed")
# Names of sentences and evidence.
TEXTS = {
    *("seen", "wanted", "evidence", "reason", "why", "who", "what", "where", "when", "how", "after", "apart", "part"),
    *("by_source", "age", "others", "direct"),
}
# Arguments of these calls are wording, except those that determine the verdict.
REPORTING = ("Found", "NoReading", "dict", "Reading")
JUDGED = ("severity", "subject", "cause")


def is_part_of_sentence(node: ast.AST, part: ast.AST) -> bool:
    """Whether a part of a node goes into a sentence."""
    if isinstance(node, ast.JoinedStr):
        return True
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "id", "") in REPORTING and isinstance(part, ast.keyword) and part.arg not in JUDGED


def is_not_a_condition(node: ast.AST) -> bool:
    """Whether a node is a figure rounded for a sentence, or a waiting time."""
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "id", "") == "round" or getattr(called, "attr", "") in ("sleep", "wait")


def is_text(node: ast.AST) -> bool:
    """Whether a node builds a sentence, or a part of one."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    names = {getattr(getattr(target, "value", target), "id", "") for target in targets}
    return bool(names) and names <= TEXTS


def is_stopgap(node: ast.BoolOp) -> bool:
    """Whether a node is like `name or "unnamed"`: a word in place of a missing one."""
    last = node.values[-1]
    return isinstance(node.op, ast.Or) and isinstance(last, ast.Constant) and isinstance(last.value, str)


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
