"""The command line of localcave, as a person uses it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcave.__main__ import main
from tests.servers import ROOT, free_port


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localcave", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", [(), ("demo",), ("import",), ("snapshot",), ("serve",), ("info",), ("reset",)])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    answer = run(*command, "--help")
    assert answer.returncode == 0
    assert f"python -m localcave {' '.join(command)}".strip() in answer.stdout


def test_a_demo_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    created = run("demo", folder, "--small")
    assert created.returncode == 0, created.stderr
    manifest = (folder / "datastack.json").stat()
    again = run("demo", folder, "--small")
    assert "already holds the small demo cortex of seed 1" in again.stdout
    assert (folder / "datastack.json").stat().st_mtime_ns == manifest.st_mtime_ns
    other = run("demo", folder, "--small", "--seed", 2)
    assert other.returncode == 0, other.stderr
    assert (folder / "datastack.json").stat().st_mtime_ns > manifest.st_mtime_ns


def test_an_unfinished_demo_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run("demo", folder, "--small")
    (folder / "datastack.json").unlink()
    created = run("demo", folder, "--small")
    assert created.returncode == 0, created.stderr
    assert (folder / "datastack.json").exists()


def test_info_describes_a_folder(small_cortex: Path) -> None:
    text = run("info", small_cortex)
    assert text.returncode == 0, text.stderr
    assert text.stdout.startswith("karst_demo\n")
    record = json.loads(run("info", small_cortex, "--json").stdout)
    manifest = json.loads((small_cortex / "datastack.json").read_text())
    assert [v["version"] for v in record["versions"]] == sorted(v["version"] for v in manifest["versions"])
    for version in record["versions"]:
        tables = manifest["tables"][str(version["version"])]
        assert {t["name"]: t["rows"] for t in version["tables"]} == {n: t["row_count"] for n, t in tables.items()}
        assert all(t["bytes"] > 0 for t in version["tables"])
    assert record["digest"] in text.stdout


@pytest.mark.parametrize("command", ["info", "serve"])
def test_a_folder_that_is_no_datastack_is_said(command: str, tmp_path: Path) -> None:
    answer = run(command, tmp_path / "nope")
    assert answer.returncode == 2
    assert answer.stderr == (
        f"localcave: {tmp_path / 'nope'} is not a finished datastack folder: it has no datastack.json; "
        "make it again, or name another\n"
    )
    (tmp_path / "datastack.json").write_text("{")
    broken = f"localcave: {tmp_path / 'datastack.json'} is not JSON; make the folder again\n"
    assert run(command, tmp_path).stderr == broken
    (tmp_path / "datastack.json").write_text('{"format": 99}')
    assert "has format 99; this program reads format 1" in run(command, tmp_path).stderr


def test_a_taken_port_is_said(small_cortex: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = run("serve", small_cortex, "--port", port)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"localcave: cannot listen on 127.0.0.1:{port}:")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--alias", "karst_demo"), "karst_demo would be the name of 2 datastacks"),
        (("--alias", "minnie", "--alias", "minnie"), "minnie would be the name of 2 datastacks"),
        (("--alias", "a b"), "'a b' cannot be a name of a datastack"),
        (("{folder}",), "karst_demo would be the name of 2 datastacks"),
    ],
)
def test_one_name_is_never_of_two_datastacks(small_cortex: Path, words: tuple[str, ...], sentence: str) -> None:
    answer = run("serve", small_cortex, *(word.format(folder=small_cortex) for word in words), "--port", free_port())
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"localcave: {sentence}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("serve", ".", "--port", "70000"), "'70000' is not a port"),
        (("serve", ".", "--row-limit", "0"), "'0' is not a whole number of at least 1"),
        (("demo", "--seed", "x"), "'x' is not a whole number of at least 0"),
        (("serve",), "DIR"),
        (("snapshot", "x", "-o", "y"), "--version"),
        (("import", "x.toml"), "-o/--output"),
        (("nonsense",), "invalid choice"),
    ],
)
def test_wrong_words_are_explained(words: tuple[str, ...], sentence: str) -> None:
    answer = run(*words)
    assert answer.returncode == 2
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_other_files_are_not_replaced_by_a_demo(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    answer = run("demo", tmp_path, "--small")
    assert answer.returncode == 2
    assert "holds other files" in answer.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_token_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    answer = run("snapshot", "x", "--version", 1, "-o", tmp_path / "s", "--token-file", tmp_path / "token")
    assert answer.returncode == 2
    assert "cannot read the token file" in answer.stderr
    answer = run("serve", ROOT / "tests", "--require-token", tmp_path / "users.json")
    assert answer.returncode == 2


@pytest.mark.parametrize("server", ["10.0.0.1:9100", "localhost:9100", "http://", "ftp://cave", "http://cave x"])
@pytest.mark.parametrize("command", [("notebook", "a.ipynb"), ("snapshot", "x", "--version", 1, "-o", "y")])
def test_a_server_that_cannot_be_asked_is_said_at_once(command: tuple[object, ...], server: str, capsys: Any) -> None:
    assert main([*map(str, command), "--server", server]) == 2
    assert capsys.readouterr().err == (
        f"localcave: {server!r} is no address of a server; write it as http://HOST:PORT\n"
    )
