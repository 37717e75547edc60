"""How does a package hand out what stands in its modules, importing each only when it is asked for (PEP 562)?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def importing(package: str, places: Iterable[str]) -> Callable[[str], Any]:
    """A package's `__getattr__`; each place is `module.Name` within it."""
    modules = {name: module for module, _, name in (place.partition(".") for place in places)}

    def found(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return found
