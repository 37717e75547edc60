"""Create a pytest item for each check and each chosen system with its capabilities, and select among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.handles.annotations import handles_of
from runbook_checks.plugin.run import context_of, run_of
from runbook_checks.plugin.suites import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runbook_checks.config.runbook import Chosen, Symptom
    from runbook_checks.handles.annotations import Asked
    from runbook_checks.handles.context import Context


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import modules of areas that `-m "health or logs"` excludes; None leaves the decision to pytest."""
    areas = _areas(config)
    if areas is None or collection_path.parent != BUILT_IN.checks or collection_path.suffix != ".py":
        return None
    return collection_path.stem.partition("_")[0] not in areas or None


AREAS = pytest.StashKey["frozenset[str] | None"]()


def _areas(config: pytest.Config) -> frozenset[str] | None:
    """The selected areas; None if the expression contains anything but areas and `or`."""
    if AREAS not in config.stash:
        config.stash[AREAS] = _chosen_areas(config)
    return config.stash[AREAS]


def _chosen_areas(config: pytest.Config) -> frozenset[str] | None:
    option = config.option
    if option.list_symptoms or not re.fullmatch(r"\w+( or \w+)*", option.markexpr or ""):
        return None
    words = frozenset(option.markexpr.split(" or "))
    return words if words <= run_of(config).files.areas else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = getattr(metafunc.function, "symptom", None)
    if name is None:
        return
    context, asked = context_of(metafunc.config), handles_of(metafunc.function)
    chosen = _looked_at(context, metafunc.function)
    metafunc.parametrize(
        [*asked],
        [_parameters(context, c, name, asked.values()) for c in chosen],
        ids=[c.name for c in chosen],
    )


def _looked_at(context: Context, check: Any) -> list[Chosen]:
    """The chosen systems that list a check's symptom and have the capabilities that its handles need."""
    asked = handles_of(check).values()
    return [c for c in context.run.systems.values() if check.symptom in c.symptoms and not lacking(asked, c)]


def lacking(handles: Iterable[Asked], chosen: Chosen) -> list[str]:
    """The capabilities that a check's handles need and the environment does not configure."""
    return [need for asked in handles for need in asked.lacking(chosen.given)]


def _parameters(context: Context, chosen: Chosen, name: str, handles: Iterable[Asked]) -> Any:
    run, text = context.run, chosen.symptoms[name]
    marks = [getattr(pytest.mark, word) for word in marker_words(name, chosen.name, text)]
    if not run.environment.allows(text.effect):
        reason = f"needs effects: {text.effect}, and {run.environment.name} allows {run.environment.effects}"
        marks.append(pytest.mark.skip(reason=reason))
    return pytest.param(*(asked.handle(context, chosen) for asked in handles), marks=marks)


def marker_words(name: str, system: str, text: Symptom) -> list[str]:
    """The markers of a check for a system."""
    effect = [] if text.effect == "read" else [text.effect]
    quick = ["quick"] if text.quick else []
    return [name.split(".")[0], *text.when, text.severity.lower(), system.replace("-", "_"), *effect, *quick]


def symptom_of(item: pytest.Item) -> str | None:
    return getattr(getattr(item, "function", None), "symptom", None)


def system_of(item: Any) -> str:
    return str(item.callspec.id)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> list[pytest.Item] | None:
    """Create no item for a check without a chosen system, for which pytest would create a skipped one."""
    is_check = collector.istestfunction(obj, name) and hasattr(obj, "symptom")
    return [] if is_check and not _looked_at(context_of(collector.config), obj) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    run = run_of(config)
    if run.checklist:
        system, name = run.checklist
        wanted = {s for entry in run.systems[system].settings.checklists[name].items for s in entry.symptoms}
        _keep(config, items, [item for item in items if symptom_of(item) in wanted])
    elif not _asks_for_drills(config):
        _keep(config, items, [item for item in items if item.get_closest_marker("drill") is None])
    items.sort(key=lambda item: bool(getattr(getattr(item, "function", None), "alone", False)))


def _asks_for_drills(config: pytest.Config) -> bool:
    """Whether drills are selected by marker or name, or all checks are listed."""
    if config.option.list_symptoms:
        return True
    by_marker = re.search(r"\bdrill\b", config.option.markexpr or "") is not None
    return by_marker or bool(config.option.keyword) or any("::" in argument for argument in config.args)


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    left_out = [item for item in items if item not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
