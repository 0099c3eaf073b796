"""Functions of this project as text that runs without it: their source and that of all they use here."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

ROOMS = frozenset({"callbacks", "components", "services"})
ERRORS = "services.core.errors"
"""Whose errors are a ValueError in the text."""
Key: TypeAlias = tuple[str, str]
"""A module, and what it defines at its top."""
Edit: TypeAlias = tuple[int, int, str]
"""From where to where a text is replaced, and by what."""


@dataclass(frozen=True, eq=False)
class _Source:
    """The source of a module: what it defines and imports, by name, and where its lines start."""

    module: ModuleType
    text: str
    starts: list[int]
    defined: dict[str, ast.stmt]
    imported: dict[str, tuple[str, str]]

    def at(self, line: int, column: int) -> int:
        """The place of a character, whose column `ast` counts in bytes."""
        start = self.starts[line - 1]
        return start + len(self.text[start : self.starts[line]].encode()[:column].decode())

    def span(self, node: Any) -> tuple[int, int]:
        """From where to where the text of a node is."""
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)


@dataclass
class SourceCode:
    """Definitions that were collected, in the order in which Python needs them."""

    imports: set[str] = field(default_factory=set)
    keys: dict[Key, bool] = field(default_factory=dict)
    """Whether another module uses it by the name of its module."""
    _under_way: set[Key] = field(default_factory=set)

    def add(self, function: Callable[..., Any]) -> None:
        """Collects a function with all that it uses."""
        self._add((function.__module__, function.__name__))

    def name(self, function: Callable[..., Any]) -> str:
        """What a function is called in the text."""
        return self._names()[function.__module__, function.__name__]

    def text(self) -> str:
        """All definitions."""
        names = self._names()
        return "\n\n\n".join(dict.fromkeys(_block(_source(module), name, names) for module, name in self.keys))

    def _add(self, key: Key, *, by_module: bool = False) -> None:
        if key in self.keys or key in self._under_way:
            self.keys[key] = self.keys.get(key, False) or by_module
            return
        self._under_way.add(key)
        for _, used in _references(_source(key[0]), key[1]):
            if isinstance(used, str):
                self.imports.add(used)
            elif used[0][0] != builtins.__name__:
                self._add(used[0], by_module=used[1])
        self.keys[key] = self.keys.pop(key, False) or by_module

    def _names(self) -> dict[Key, str]:
        """Own names; with that of the module where another uses them so, or where two are the same."""
        names: dict[Key, str] = {}
        for (module, name), by_module in self.keys.items():
            longer = f"{module.rpartition('.')[2]}_{name.strip('_')}"
            names[module, name] = longer if by_module or name in names.values() else name
        return names


@cache
def _source(name: str) -> _Source:
    module = importlib.import_module(name)
    text = inspect.getsource(module)
    tree = ast.parse(text)
    starts = [0]
    for words in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(words))
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {
                child.id: node for target in targets for child in ast.walk(target) if isinstance(child, ast.Name)
            }
    imported: dict[str, tuple[str, str]] = {}
    for line in ast.walk(tree):
        if isinstance(line, ast.Import):
            imported |= {alias.asname or alias.name: (alias.name, "") for alias in line.names}
        elif isinstance(line, ast.ImportFrom) and line.module:
            imported |= {alias.asname or alias.name: (line.module, alias.name) for alias in line.names}
    return _Source(module, text, starts, defined, imported)


def _references(source: _Source, name: str) -> Iterator[tuple[ast.expr, str | tuple[Key, bool]]]:
    """Names in a definition that stand for what is imported, as the line that does, or for a definition of this
    project, and whether they name its module."""
    node = source.defined[name]
    local_names = {
        child.id for child in ast.walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)
    }
    local_names |= {child.arg for child in ast.walk(node) if isinstance(child, ast.arg)}
    unread = {id(part) for child in ast.walk(node) for note in _annotations(child) for part in ast.walk(note)}
    for child in ast.walk(node):
        if id(child) in unread:
            continue
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name) and child.value.id not in local_names:
            if (module := _module(source, child.value.id)) is not None:
                unread.add(id(child.value))
                yield child, (_definition(module, child.attr), True)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and child.id not in local_names:
            if child.id in source.defined:
                yield child, ((source.module.__name__, child.id), False)
            elif child.id in source.imported:
                module, attribute = source.imported[child.id]
                if module == ERRORS:
                    yield child, ((builtins.__name__, ValueError.__name__), False)
                elif module.partition(".")[0] in ROOMS:
                    yield child, (_definition(module, attribute), False)
                else:
                    yield child, _line(child.id, module, attribute)


def _annotations(node: ast.AST) -> Iterable[ast.expr]:
    match node:
        case ast.arg(annotation=note) | ast.FunctionDef(returns=note) | ast.AnnAssign(annotation=note) if note:
            return [note]
    return []


def _module(source: _Source, name: str) -> str | None:
    """The module of this project that a name stands for."""
    value = getattr(source.module, name, None)
    inside = inspect.ismodule(value) and value.__name__.partition(".")[0] in ROOMS
    return value.__name__ if inside and value is not None else None


def _definition(module: str, name: str) -> Key:
    """Where what a module knows by a name is defined."""
    source = _source(module)
    return (module, name) if name in source.defined else _definition(*source.imported[name])


def _line(name: str, module: str, attribute: str) -> str:
    line = f"from {module} import {attribute}" if attribute else f"import {module}"
    return line if name in (attribute, module) else f"{line} as {name}"


def _block(source: _Source, name: str, names: dict[Key, str]) -> str:
    """The text of a definition, without annotations, with its names in the text."""
    node: Any = source.defined[name]
    start = source.at(min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]), 0)
    end = source.span(node)[1]
    text = source.text[start:end]
    for low, high, words in sorted(_edits(source, name, names), reverse=True):
        text = text[: low - start] + words + text[high - start :]
    return text


def _edits(source: _Source, name: str, names: dict[Key, str]) -> Iterator[Edit]:
    node: Any = source.defined[name]
    module = source.module.__name__
    in_texts = {
        id(part)
        for expression in ast.walk(node)
        if isinstance(expression, ast.JoinedStr)
        for part in ast.walk(expression)
    }
    for expression, used in _references(source, name):
        words = used if isinstance(used, str) else names.get(used[0], used[0][1])
        if isinstance(used, str) or words == getattr(expression, "id", ""):
            continue
        if id(expression) in in_texts:  # whose parts have no place before Python 3.12
            raise ValueError(f"{module}.{name} uses {words} in a text: name it before.")
        yield (*source.span(expression), words)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        start = source.span(node)[0] + len("def " if isinstance(node, ast.FunctionDef) else "class ")
        yield start, start + len(node.name), names[module, node.name]
    else:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield (*source.span(part), names.get((module, part.id), part.id))
    yield from _without_annotations(source, node)


def _without_annotations(source: _Source, node: ast.AST) -> Iterator[Edit]:
    """All but those of the fields of a class, which make them."""
    fields = {id(part) for child in ast.walk(node) if isinstance(child, ast.ClassDef) for part in child.body}
    for child in ast.walk(node):
        if isinstance(child, ast.arg) and child.annotation:
            start, end = source.span(child)[0] + len(child.arg), source.span(child.annotation)[1]
            defaulted = source.text[end:].startswith(" = ")
            yield start, end + (len(" = ") if defaulted else 0), "=" if defaulted else ""
        elif isinstance(child, ast.AnnAssign) and id(child) not in fields and child.value:
            yield source.span(child.target)[1], source.span(child.annotation)[1], ""
        elif isinstance(child, ast.FunctionDef) and child.returns:
            start, end = source.span(child.returns)
            yield source.text.rindex("->", 0, start) - 1, end, ""
