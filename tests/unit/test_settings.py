"""Settings of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.core.settings import ROOT, Settings


def test_nothing_set_means_the_demo() -> None:
    result = Settings.from_env({})
    assert result.server_address == "http://127.0.0.1:9100"
    assert result.datastack == "karst_demo"
    assert result.token == ""
    assert result.config_dir == ROOT / "config"
    assert result.cache == str(ROOT / ".data" / "cache")


def test_everything_set() -> None:
    result = Settings.from_env(
        {
            "CAVE_SERVER_ADDRESS": "https://global.daf-apis.com/",
            "CAVE_TOKEN": " abc ",
            "KARST_DATASTACK": "minnie65_public",
            "KARST_CONFIG": "/etc/karst",
            "KARST_CACHE": "redis://localhost:6379/1",
            "KARST_SECRET_KEY": "s",
            "KARST_TIMEOUT_S": "12.5",
            "KARST_MEMORY_MB": "64",
            "KARST_MAX_TABLE_ROWS": "1000",
            "KARST_REQUESTS_PER_MINUTE": "0",
            "KARST_PROXIES": "2",
            "KARST_WORKERS": "elsewhere",
        }
    )
    assert result == Settings(
        server_address="https://global.daf-apis.com",
        token="abc",
        datastack="minnie65_public",
        config_dir=Path("/etc/karst"),
        cache="redis://localhost:6379/1",
        secret_key="s",
        timeout_s=12.5,
        memory_bytes=64 * 2**20,
        max_table_rows=1000,
        requests_per_minute=0,
        proxies=2,
        reads_jobs=False,
    )


def test_an_empty_variable_is_an_unset_one() -> None:
    assert Settings.from_env({"CAVE_SERVER_ADDRESS": " ", "CAVE_TOKEN": ""}).server_address == "http://127.0.0.1:9100"


@pytest.mark.parametrize("content", ["abc\n", '{"token": "abc"}', '{"token": "abc", "other": 1}\n'])
def test_a_token_in_a_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    assert Settings.from_env({"CAVE_TOKEN_FILE": str(path)}).token == "abc"
    assert Settings.from_env({"CAVE_TOKEN_FILE": str(path), "CAVE_TOKEN": "x"}).token == "x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAVE_SERVER_ADDRESS", "global.daf-apis.com"),
        ("CAVE_SERVER_ADDRESS", "ftp://x"),
        ("CAVE_SERVER_ADDRESS", "http://"),
        ("CAVE_TOKEN_FILE", "/does/not/exist"),
        ("KARST_TIMEOUT_S", "soon"),
        ("KARST_TIMEOUT_S", "0"),
        ("KARST_MEMORY_MB", "-1"),
        ("KARST_MAX_TABLE_ROWS", "inf"),
        ("KARST_WORKERS", "somewhere"),
    ],
)
def test_nonsense_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.from_env({name: value})


@pytest.mark.parametrize("content", ["{}", '{"token": 5}', '{"token'])
def test_a_token_file_without_a_token(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(ValueError, match="CAVE_TOKEN_FILE") as caught:
        Settings.from_env({"CAVE_TOKEN_FILE": str(path)})
    assert content not in str(caught.value)


def test_secrets_do_not_show() -> None:
    result = Settings(token="t0ken", secret_key="s3cret")
    assert "t0ken" not in repr(result)
    assert "s3cret" not in repr(result)
    assert "t0ken" not in result.identity


def test_identities_differ_by_token() -> None:
    assert len({Settings(token=token).identity for token in ("", "a", "b")}) == 3


SERVERS = "cave=https://cave.org/, v1dd=https://v1dd.org my-lab=http://127.0.0.1:9100"


def test_several_servers_with_a_token_each(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text('{"token": "of a file"}')
    result = Settings.from_env(
        {
            "KARST_SERVERS": SERVERS,
            "CAVE_TOKEN_CAVE": "c",
            "CAVE_TOKEN_MY_LAB_FILE": str(file),
            "KARST_ALLOWED_HOSTS": "a.org",
            "KARST_ALLOWED_HOSTS_V1DD": "b.org",
        }
    )
    assert (result.server, result.server_address, result.token) == ("cave", "https://cave.org", "c")
    others = [result.at(one) for one in result.servers]
    assert [one.server for one in others] == ["cave", "v1dd", "my-lab"]
    assert [one.token for one in others] == ["c", "", "of a file"]
    assert [one.allowed_hosts for one in others] == [("a.org",), ("b.org",), ("a.org",)]
    assert "of a file" not in repr(result)


def test_the_one_server_may_have_others_beside_it() -> None:
    result = Settings.from_env(
        {"CAVE_SERVER_ADDRESS": "https://a.org", "CAVE_TOKEN": "a", "KARST_SERVERS": "b=https://b.org"}
    )
    assert [(one.name, one.token) for one in result.servers] == [("main", "a"), ("b", "")]
    assert Settings.from_env({"CAVE_SERVER_ADDRESS": "https://a.org"}).servers == ()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"KARST_SERVERS": "cave"}, "KARST_SERVERS has 'cave'"),
        ({"KARST_SERVERS": "a:b=https://a.org"}, "must be a list of name=address"),
        ({"KARST_SERVERS": "a=a.org"}, "must be an http or https address"),
        ({"KARST_SERVERS": "a=https://a.org a=https://b.org"}, "have the name a"),
        ({"KARST_SERVERS": "a=https://a.org b=https://A.org:443/"}, "have the address https://a.org:443"),
        ({"KARST_SERVERS": "a-b=https://a.org a_b=https://b.org"}, "in CAVE_TOKEN_A_B"),
        ({"KARST_SERVERS": "a=http://a.org", "CAVE_TOKEN_A": "x"}, "no CAVE_TOKEN_A may go"),
        ({"KARST_SERVERS": "a=https://a.org", "CAVE_TOKEN": "x"}, "CAVE_TOKEN is of no server"),
        ({"KARST_SERVERS": "a=https://a.org", "CAVE_TOKEN_B": "x"}, "CAVE_TOKEN_B is of no server"),
        ({"KARST_SERVERS": "a=https://a.org b=http://b.org", "KARST_AUTH": "person"}, "http://b.org is a plain http"),
    ],
)
def test_what_of_several_servers_makes_no_sense(variables: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.from_env(variables)
