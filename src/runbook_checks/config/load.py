"""Read an environment file, the runbooks of its systems and the texts of the symptoms, and validate the whole.

The environment's section of a system is laid over the system's runbook file, and a system's words about a symptom over
the shared text. All mistakes are reported together, each with its file, the path in that file, and the line.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook_checks.config.acknowledgements import Known
from runbook_checks.config.addresses import quoted
from runbook_checks.config.cross_references import (
    is_foreign,
    unfillable,
    unknown_attested,
    unknown_causes,
    unknown_in_checklists,
    wrong_area,
    wrong_name,
)
from runbook_checks.config.engines import engine_of, for_engine
from runbook_checks.config.environment import Environment
from runbook_checks.config.environment_files import own_capabilities, suite_of
from runbook_checks.config.files import Files
from runbook_checks.config.mistakes import validated
from runbook_checks.config.runbook import BEHIND, CAPABILITIES, Chosen, Explanations, Symptom, System
from runbook_checks.config.strict_yaml import BadFile, Node, Problem, shown, suggestion
from runbook_checks.config.validate import nonsense, without_place
from runbook_checks.config.yaml_file import read_yaml
from runbook_checks.locations import SUITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runbook_checks.config.cross_references import Named

HOME = SUITE / "runbooks"
# An environment file, which a pull request may change, must not give access to other files of the machine.
OUTSIDE = (
    "the runbook file must be below the environment file's folder, or in 'runbooks' beside it if that is "
    "'environments', or in this suite"
)
_SYMPTOM = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9]+(-[a-z0-9]+)*")
OWN_TEXT = "one of your own needs its text here: title, why, severity, when and causes"
_KEYS = {
    "an environment file": (*(each.name for each in fields(Environment)), "systems"),
    "a runbook file": tuple(each.name for each in fields(System)),
}


def read(path: Path, own: Mapping[str, type | None] | None = None) -> Files:
    """Everything an environment file leads to; BadFile with all mistakes.

    own  the dataclasses that the settings of the team's own capabilities are read into, None for one without settings;
         left out, those sections are not looked at
    """
    return _Reading(path, own).files()


def read_known(path: Path) -> Known:
    """The known issues in a file; BadFile with all its mistakes."""
    keys = ("acknowledged", "maintenance")
    try:
        document = read_yaml(path)
    except BadFile as bad:
        if bad.node is None or not is_foreign(bad.node, keys):
            raise
        document = bad.node
    if is_foreign(document, keys):
        what = "is no file of known issues: it has neither of their keys, 'acknowledged' and 'maintenance'"
        raise BadFile([Problem(shown(path), "", 1, what)])
    known, mistakes = validated(Known, document)
    if mistakes or not isinstance(known, Known):
        problems = [Problem(m.file, _path("", m.location), m.line, m.text) for m in mistakes]
        raise BadFile(problems or [Problem(shown(path), "", 1, "must be a mapping of keys to values")])
    return known


class _Reading:
    def __init__(self, path: Path, own: Mapping[str, type | None] | None) -> None:
        self.path = path
        self.suite = suite_of(path)
        self.own = own
        declared = own_capabilities(self.suite)
        self.own_names = declared.keys() if own is None else own.keys()
        self.folder = path.resolve().parent
        self.problems: list[Problem] = []
        self.sources: list[Path] = list(declared.values())
        self.names: list[str] = []

    def files(self) -> Files:
        document = self._mapping(self.path, "an environment file")
        if document is None:
            raise BadFile(self.problems)
        shared = self._shared_texts()
        header = Node({k: n for k, n in document.items() if k != "systems"}, document.file, document.line)
        beside = ("systems", *(f"systems.{name}" for name in _there()))
        environment = self._validated(Environment, header, "", also_known=beside)
        systems = dict(self._systems(document, shared))
        explanations = self._explanations()
        texts = {name: self._validated(Symptom, for_engine(node, None), name) for name, node in shared.items()}
        if not self.problems:  # else a system may be unread, and the item one of its
            lists = [entry for chosen in systems.values() for entry in chosen.settings.checklists.values()]
            self._note(unknown_attested(document, lists), "")
        if self.problems or environment is None or explanations is None:
            raise BadFile(self.problems)
        return Files(environment, systems, texts, explanations, tuple(self.sources), self.folder, self.suite)

    def _mapping(self, path: Path, kind: str = "") -> Node | None:
        """The document of a file, if it is a mapping; its mistakes are noted, unless the file is foreign."""
        self.sources.append(path.resolve())
        problems: list[Problem] = []
        document: Node | None
        try:
            document = read_yaml(path)
        except BadFile as bad:
            document, problems = bad.node, bad.problems
        if document and kind and is_foreign(document, _KEYS[kind]):
            self._problem(
                document, "", f"is not {kind}: it has none of the keys of one ({', '.join(_KEYS[kind][:3])}, ...)"
            )
            return None
        self.problems += problems
        if document is None or isinstance(document.value, dict):
            return document
        if problems:
            return None
        self._problem(document, "", f"must be a mapping of keys to values, not {_kind(document)}")
        return None

    def _shared_texts(self) -> dict[str, Node]:
        texts: dict[str, Node] = {}
        for path in sorted((HOME / "symptoms").glob("*.yaml")):
            document = self._mapping(path)
            if document is not None:
                texts.update(document.items())
        return texts

    def _explanations(self) -> Explanations | None:
        document = self._mapping(HOME / "explanations.yaml")
        if document is None:
            return None
        for edge in document.at(("edges",)).value:
            edge.value["from_"] = edge.value.pop("from")
        explanations: Explanations | None = self._validated(Explanations, document, "")
        return explanations

    def _systems(self, document: Node, shared: dict[str, Node]) -> Iterator[tuple[str, Chosen]]:
        node = document.get("systems")
        self.names = [name for name, _ in node.items()] if node and isinstance(node.value, dict) else []
        if node is None:
            self._problem(document, "", "'systems' is missing")
        elif not isinstance(node.value, dict) or not node.value:
            what = f", not {_kind(node)}" if node.value else ""
            self._problem(node, "systems", f"must hold one system at least, by its name{what}")
        for name, section in node.items() if node else ():
            chosen = self._system(name, section, shared)
            if chosen is not None:
                yield name, chosen

    def _system(self, name: str, section: Node, shared: dict[str, Node]) -> Chosen | None:
        where = f"systems.{name}"
        if section.value is not None and not isinstance(section.value, dict):
            self._problem(section, where, f"must be a mapping of keys to values, not {_kind(section)}")
            return None
        wrong = wrong_name(name, shared)
        if wrong:
            self._problem(section, where, wrong)
        runbook = None if wrong else self._runbook(name, section)
        if runbook is None:
            self._look_at_parts(section, [n for n, _ in section.items()], where)
            return None
        section = Node({}, section.file, section.line) if section.value is None else section
        given = self._given(section, runbook)
        merged = _opened(section).over(_opened(runbook))
        unused = [n for n, _ in merged.items() if n in CAPABILITIES and n not in given]
        self._look_at_parts(merged, unused, where)
        own = dict(self._own_settings(merged, given, where))
        left_out = {*unused, *self.own_names}
        whole = Node({n: v for n, v in merged.items() if n not in left_out}, section.file, section.line)
        settings = self._validated(System, whole, where)
        texts = self._symptoms(where, whole, shared, engine_of(given))
        known = [n for n, words in whole.under("symptoms") if n in shared or _is_own(words)]
        self._note(unknown_in_checklists(whole, known), where)
        self._note(without_place(whole), where)
        self._note(((whole.at(at), at, text) for at, text in nonsense(settings)) if settings else (), where)
        return Chosen(name, settings, texts, frozenset(given), self.folder, own)

    def _own_settings(self, system: Node, given: Iterable[str], where: str) -> Iterator[tuple[str, Any]]:
        """The settings of the team's own capabilities that the environment gives."""
        for name, node in system.items():
            model = (self.own or {}).get(name)
            if name in given and name in self.own_names and model is not None:
                said = Node({}, node.file, node.line) if node.value is None else node
                yield name, self._validated(model, said, f"{where}.{name}")

    def _look_at_parts(self, system: Node, names: Iterable[str], where: str) -> None:
        """Note mistakes in parts of a system that are not in use or incomplete."""
        parts = {name: node for name, node in system.items() if name in [*names] and name not in self.own_names}
        self._validated(System, Node(parts, system.file, system.line), where, is_whole=False)

    def _given(self, section: Node, runbook: Node) -> set[str]:
        """The capabilities an environment gives; `tls` needs no section where http is https."""
        given = {name for name, node in section.items() if name in CAPABILITIES or name in self.own_names}
        base = section.at(("http", "base_url")).value if section.get("http") else None
        if "tls" in dict(runbook.items()) and "http" in given and not str(base).lower().startswith("http://"):
            given.add("tls")
        given |= {name for name, other in BEHIND.items() if other in given and runbook.get(name) is not None}
        return given

    def _runbook(self, name: str, section: Node) -> Node | None:
        named = section.get("runbook")
        if named is not None and isinstance(named.value, str):
            candidates = [self.folder / named.value]
        else:
            beside = [self.suite / "runbooks"] if self.suite else []
            folders = (*beside, HOME, self.folder, self.folder / "runbooks")
            candidates = [folder / f"{name}.yaml" for folder in folders if name in _there() or folder != HOME]
        path = next((c for c in candidates if c.is_file()), None)
        if not self._is_within(path or candidates[0]):
            self._problem(named or section, f"systems.{name}{'.runbook' if named else ''}", OUTSIDE)
            return None
        # A candidate that does not exist yet would be used once it exists.
        self.sources += [c.resolve() for c in candidates if c != path]
        if path is None and named is not None:
            self._problem(named, f"systems.{name}.runbook", f"there is no file {quoted(named.value)} beside this one")
        elif path is None:
            near = suggestion(name, _there())
            hint = near or f"; there are {', '.join(_there())}, or name a file with 'runbook: PATH'"
            self._problem(section, f"systems.{name}", f"there is no runbook of that name{hint}")
        return self._mapping(path, "a runbook file") if path else None

    def _is_within(self, path: Path) -> bool:
        """Whether a runbook file, links followed, is one that an environment file may name."""
        folders = {self.folder, self.path.absolute().parent.resolve()}
        suites = {folder.parent / "runbooks" for folder in folders if folder.name == "environments"}
        return any(path.resolve().is_relative_to(place) for place in (*folders, *suites, SUITE))

    def _symptoms(self, where: str, system: Node, shared: dict[str, Node], engine: str | None) -> dict[str, Symptom]:
        texts: dict[str, Symptom] = {}
        for symptom, override in system.under("symptoms"):
            if symptom not in shared and _is_own(override):
                text = self._own_text(symptom, for_engine(override, engine), f"{where}.symptoms")
                texts |= {symptom: text} if text else {}
            elif symptom not in shared:
                near = suggestion(symptom, shared) or (f"; {OWN_TEXT}" if _SYMPTOM.fullmatch(symptom) else "")
                what = f"unknown symptom {quoted(symptom)}{near}"
                self._problem(override, f"{where}.symptoms", what)
            elif override.value is None or isinstance(override.value, dict):
                place = f"{where}.symptoms.{symptom}"
                known = self._known_words(override, shared[symptom], place)
                self._check_effect(override, shared[symptom], place)
                self._note(unfillable(override), place)
                whole = for_engine(known.over(shared[symptom]), engine)
                texts[symptom] = self._validated(Symptom, whole, place)
        return texts

    def _own_text(self, name: str, words: Node, where: str) -> Symptom | None:
        """The text of a symptom of the team's own."""
        if not _SYMPTOM.fullmatch(name):
            what = "a symptom is called AREA.NAME, both in lower case; hyphens join the words of NAME"
            self._problem(words, where, what)
            return None
        wrong = wrong_area(name, self.names)
        if wrong:
            self._problem(words, f"{where}.{name}", wrong)
        self._note(unfillable(words), f"{where}.{name}")
        text: Symptom | None = self._validated(Symptom, words, f"{where}.{name}")
        return text

    def _known_words(self, words: Node, text: Node, where: str) -> Node:
        """A system's text about a symptom without unknown causes, which are noted."""
        unknown = list(unknown_causes(words, text))
        self._note(unknown, where)
        if not unknown:
            return words
        causes, names = words.at(("causes",)), [name for name, _ in text.under("causes")]
        kept = Node({name: node for name, node in causes.items() if name in names}, causes.file, causes.line)
        return Node({**words.value, "causes": kept}, words.file, words.line)

    def _check_effect(self, override: Node, text: Node, where: str) -> None:
        """Refuse a change of a symptom's effect, which the check determines: a lower one would bypass `effects`."""
        said, real = override.get("effect"), text.at(("effect",)).value if text.get("effect") else "read"
        if said is not None and said.value != real:
            self._problem(said, f"{where}.effect", f"is the check's own and stays '{real}'; leave it out")

    def _validated(
        self, model: type, node: Node, where: str, *, is_whole: bool = True, also_known: Iterable[str] = ()
    ) -> Any:
        value, mistakes = validated(model, node, is_whole=is_whole, also_known=also_known)
        for mistake in mistakes:
            place = Node(None, mistake.file, mistake.line)
            self._problem(place, _path(where, mistake.location), mistake.text)
        return value

    def _note(self, named: Iterable[Named], where: str) -> None:
        for node, location, text in named:
            self._problem(node, _path(where, location), text)

    def _problem(self, node: Node, path: str, text: str) -> None:
        """Note a problem, with the path in the file that contains the text."""
        if node.file != shown(self.path):
            path = re.sub(r"^systems\.[^.]+\.?", "", path)
        if Path(node.file).resolve().parent == HOME / "symptoms":
            path = path.removeprefix("symptoms.")
        self.problems.append(Problem(node.file, path, node.line, text))


def _is_own(words: Node) -> bool:
    """Whether a runbook's words about a symptom are a text of its own, not a change to a shared one."""
    return isinstance(words.value, dict) and "title" in words.value


def _there() -> list[str]:
    """The systems with a runbook file in the built-in suite."""
    return sorted(path.stem for path in HOME.glob("*.yaml") if path.stem != "explanations")


def _opened(system: Node) -> Node:
    """A system whose empty capabilities and symptoms keep the values below, instead of removing them."""
    for name in (*CAPABILITIES, "symptoms"):
        system = system.opened(name)
    symptoms = system.get("symptoms")
    if symptoms is None:
        return system
    for name, _ in system.under("symptoms"):
        symptoms = symptoms.opened(name)
    return Node({**system.value, "symptoms": symptoms}, system.file, system.line)


def _kind(node: Node) -> str:
    return "a list" if isinstance(node.value, list) else "nothing" if node.value is None else "a single value"


def _path(where: str, location: Iterable[Any]) -> str:
    text = where
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
