"""`pip install .`: the command localcave, with nothing beside it but what the package declares."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from caveclient import CAVEclient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.servers import ROOT, free_port, running

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [Requirement(line) for line in PROJECT["dependencies"]]


def output(*command: object, folder: Path) -> str:
    answer = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def with_dependencies(requirements: list[Requirement]) -> set[str]:
    """The names of the distributions that pip would install for `requirements`."""
    names: set[str] = set()
    pending = [(requirement, "") for requirement in requirements]
    while pending:
        requirement, extra = pending.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        names.add(canonicalize_name(requirement.name))
        lines = [Requirement(line) for line in distribution(requirement.name).requires or []]
        wanted = [(line, of) for line in lines for of in ("", *requirement.extras)]
        pending += [pair for pair in wanted if canonicalize_name(pair[0].name) not in names]
    return names


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the package, and links to its declared dependencies in place of downloads."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    for name in with_dependencies(DECLARED):
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(str(installed.locate_file(top)))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    output(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", ROOT, folder=folder)
    wheel = next(folder.glob("localcave-*.whl"))
    output(*pip, "--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel, folder=folder)
    return folder


def test_every_module_of_the_package_is_importable(bare: Path) -> None:
    code = """
import importlib, pkgutil, localcave
names = [m.name for m in pkgutil.walk_packages(localcave.__path__, "localcave.")]
for name in names: importlib.import_module(name)
print(localcave.__file__, *names)
"""
    file, *names = output(bare / "bin/python", "-c", code, folder=bare).split()
    assert Path(file).is_relative_to(bare)
    sources = [path for path in (ROOT / "localcave").rglob("*.py") if path != ROOT / "localcave/__init__.py"]
    assert len(names) == len(sources)


def test_the_command_serves_a_folder_to_caveclient(bare: Path, small_cortex: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([str(bare / "bin/localcave"), "serve", str(small_cortex), "--port", str(port)], url):
        client = CAVEclient("karst_demo", server_address=url, auth_token="any")
        assert "nucleus_detection_v0" in client.materialize.get_tables()
        # the schemas are a file of the package that is no Python
        assert "cell_type_local" in client.schema.get_schemas()


def test_help_names_the_command_as_it_is_typed(bare: Path) -> None:
    assert output(bare / "bin/localcave", "--help", folder=bare).startswith("usage: localcave ")


def test_the_package_declares_what_it_imports() -> None:
    imported: set[str] = set()
    for path in (ROOT / "localcave").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    by_module = packages_distributions()
    needed = {canonicalize_name(name) for module in imported for name in by_module.get(module, [])} - {"localcave"}
    assert {canonicalize_name(requirement.name) for requirement in DECLARED} == needed


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_a_declared_dependency_admits_the_version_that_is_tested(requirement: Requirement) -> None:
    assert distribution(requirement.name).version in requirement.specifier
