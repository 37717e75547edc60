"""Root causes are consistent for all made-up outcomes and explanations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_checks.config.cache import load
from runbook_checks.config.runbook import Edge, Explanations
from runbook_checks.results.model import Finding, Result
from runbook_checks.results.roots import find_roots
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

SYMPTOMS = ("a.one", "a.two", "b.one", "b.two", "c.one")
SUBJECTS = (None, None, "x", "y")


def result(symptom: str, outcome: str, subjects: Sequence[str | None], system: str = "s", **more: str) -> Result:
    is_unknown = outcome == "unknown"
    findings = [
        Finding(subject=subject, severity="P1", cause="cause", seen="", wanted="", because="", remedy=[], evidence=more)
        for subject in (subjects if outcome == "found" else ())
    ]
    return Result(
        symptom=symptom, system=system, severity="P1", outcome=outcome, check=f"{symptom}[{system}]", started=0.0,
        duration_s=0.0, reason="no answer" if is_unknown else None, resource="http" if is_unknown else None,
        needs=["http"], findings=findings, evidence=more if is_unknown else {},
    )  # fmt: skip


edges = st.builds(
    Edge,
    from_=st.sampled_from(SYMPTOMS),
    to=st.lists(st.sampled_from((*SYMPTOMS, "a.*", "b.two:cause")), min_size=1, max_size=3),
    when_unknown=st.booleans(),
    same_subject=st.booleans(),
    names_it=st.booleans(),
)
explanations = st.builds(
    Explanations,
    edges=st.lists(edges, max_size=12),
    resources=st.fixed_dictionaries({"http": st.lists(st.sampled_from(SYMPTOMS), max_size=2)}),
)
outcomes = st.lists(
    st.tuples(
        st.sampled_from(SYMPTOMS),
        st.sampled_from(("found", "unknown")),
        st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=3),
        st.sampled_from(("s", "t")),
    ),
    unique_by=lambda each: (each[0], each[3]),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(outcomes, explanations, st.integers(0, 9))
def test_roots_are_unexplained_and_explain_everything_else_in_any_order(
    reported: list[tuple[str, str, list[str | None], str]], known: Explanations, seed: int
) -> None:
    def worked(order: list[tuple[str, str, list[str | None], str]]) -> dict[str, list[str]]:
        results = [result(*each) for each in order]
        roots, explained_by = find_roots(results, known)
        names = {root.name for root in roots}
        assert set(explained_by.values()) <= names
        return {root.name: sorted(r.name(f.subject if f else None) for r, f in root.explains) for root in roots}

    shuffled = list(reported)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  not a secret
    first = worked(reported)
    assert worked(shuffled) == first
    count = sum(len(subjects) if outcome == "found" else 1 for _, outcome, subjects, _ in reported)
    assert sum(len(explained) + 1 for explained in first.values()) == count, "each result is listed exactly once"


def test_two_that_explain_each_other_are_one_root() -> None:
    known = Explanations(edges=[Edge(from_="a.one", to=["b.one"]), Edge(from_="b.one", to=["a.one"])], resources={})
    results = [result("b.one", "found", [None]), result("a.one", "found", [None])]
    assert [root.name for root in find_roots(results, known)[0]] == ["a.one[s]"]


def test_built_in_explanations_have_no_cycle() -> None:
    """A cycle has no root cause; where both directions are meant (either of two proofs), an earlier edge decides."""
    for edge in ours().edges:
        for target in edge.to:
            assert edge.from_.partition(":")[0] != target.partition(":")[0], f"{edge.from_} would explain itself"


def lost(host: str, state: str, symptom: str = "a.one", system: str = "s", resolver: str = "192.0.2.53") -> Result:
    return result(symptom, "unknown", (), system, host=host, resolver=resolver, resolver_state=state)


def names_of(*results: Result) -> list[str]:
    return [root.name for root in find_roots(results, ours())[0]]


def ours() -> Explanations:
    return load(Path(PROJECT) / "environments" / "lab.yaml").explanations


def test_silent_name_server_is_one_root_for_all_systems_that_use_it() -> None:
    both = lost("x.test", "silent", system="t"), lost("y.test", "failing", "b.one", "s")
    assert names_of(*both) == ["unreadable:resolver[s]"]
    _, explained_by = find_roots(both, ours())
    assert {explained_by[each] for each in both} == {"unreadable:resolver[s]"}


def test_two_name_servers_are_two_roots() -> None:
    both = lost("x.test", "silent"), lost("x.test", "silent", system="t", resolver="192.0.2.54")
    assert names_of(*both) == ["unreadable:resolver[s]", "unreadable:resolver[t]"]


def test_name_server_is_the_root_if_two_names_have_no_answer() -> None:
    assert names_of(lost("x.test", "failing"), lost("x.test", "failing", "b.one")) == ["unreadable:http[s]"]
    assert names_of(lost("x.test", "failing"), lost("y.test", "failing", "b.one")) == ["unreadable:resolver[s]"]
