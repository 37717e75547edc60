"""How does a process come to run a changed module? Its import finds the changed text in place of the file's."""

from __future__ import annotations

from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT

if TYPE_CHECKING:
    from tests.mutation.mutants import Mutant


class Changed(MetaPathFinder):
    """Put first in `sys.meta_path`, before the module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.file = PROJECT / mutant.path
        parts = mutant.path.removesuffix(".py").removesuffix("/__init__").split("/")
        self.module = ".".join(parts)
        self.source = mutant.applied(self.file.read_text())

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if name != self.module:
            return None
        return spec_from_file_location(name, self.file, loader=_Loader(name, str(self.file), self.source))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.changed = source

    def get_code(self, name: str) -> Any:  # noqa: ARG002
        return compile(self.changed, self.path, "exec", dont_inherit=True)
