"""Lessons: their answers are those of the code that stands below them, run by a plain caveclient."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from caveclient import CAVEclient

from components import lessons_page
from services.cave.client import Cave
from services.core.errors import BadInput
from services.core.settings import Settings
from services.lessons import answers, files

DS = "karst_demo"
LESSONS, FAULTS = files.lessons()


def test_there_are_eight_and_each_starts_from_a_view_of_this_site() -> None:
    assert (len(LESSONS), FAULTS) == (8, [])
    assert all(lesson.view.startswith(("/table-viewer?", "/connectivity-viewer?")) for lesson in LESSONS)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_code_of_a_lesson_finds_its_answer(cave: Cave, localcave_url: str, lesson: files.Lesson) -> None:
    lesson = answers.of_datastack(cave, DS, lesson, localcave_url)
    message = io.StringIO()
    with contextlib.redirect_stdout(message):
        exec(lesson.code, {})
    printed = message.getvalue().splitlines()
    right = answers.answers(cave, DS, lesson)
    row = printed[1] if len(printed) > 1 else printed[0]  # the first of value_counts, below its heading
    assert row.split()[0] in right
    assert answers.is_right(cave, DS, lesson, f" {row.split()[0]} ")
    assert not answers.is_right(cave, DS, lesson, "none of these")


def test_numbers_may_have_commas_and_words_any_case(cave: Cave) -> None:
    count, commonest = LESSONS[0], LESSONS[1]
    (number,) = answers.answers(cave, DS, count)
    assert answers.is_right(cave, DS, count, f"{int(number):,}")
    assert answers.is_right(cave, DS, commonest, next(iter(answers.answers(cave, DS, commonest))).lower())
    with pytest.raises(BadInput, match="no answer yet"):
        answers.is_right(cave, DS, count, " ")


CHECK = 'table = "t"\nof = "rows"'
HEADER = f'+++\ntitle = "A"\nview = "/x"\nhint = "h"\n[check]\n{CHECK}\n+++\n'
CODE = "\n\n## In a notebook\n\n```python\n1\n```\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no header", "has no header"),
        ("+++\ntitle =\n+++\n", "is not TOML"),
        (HEADER.replace("hint", "tip") + "task" + CODE, "lacks hint"),
        (HEADER.replace("/x", "//evil.org") + "task" + CODE, "no address of this site"),
        (HEADER.replace('"/x"', "'/\\evil.org'") + "task" + CODE, "no address of this site"),
        (HEADER + "task", "does not end with"),
        *(
            (HEADER.replace(CHECK, check) + "task" + CODE, f"the check of a.md {fault}")
            for check, fault in (
                ('of = "rows"', "names neither a table nor a cell"),
                (f'{CHECK}\nfilters = "id > 5"', "has filters, where only column, filter, of, table are read"),
                ('table = "t"', "asks for nothing, which is none of commonest, distinct, rows"),
                ('table = "t"\nof = "mean"', "asks for mean"),
                ('table = "t"\nof = "distinct"', "lacks the column"),
                ('table = ["t"]\nof = "rows"', "has a table that is no text"),
                ('cell = 1\nof = "partners"\ndirection = "inward"', "has no direction, in or out"),
            )
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.md").write_text(text)
    (tmp_path / "b.md").write_text("\ufeff" + HEADER + "task" + CODE, encoding="utf-8", newline="\r\n")
    (tmp_path / "c.md").write_bytes(b"\xff\xfe+")
    others, faults = files.lessons(tmp_path)
    assert [lesson.name for lesson in others] == ["b"]
    assert re.search(message, faults[0]) and "a.md" in faults[0] and faults[1] == "c.md is not text in UTF-8"
    assert f"Not shown: {faults[1]}." in str(lessons_page.listed(others, faults, [], "b"))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"table": "nucleus_detection_v0", "of": "commonest", "column": "types"}, "no column 'types'"),
        ({"table": "nucleus_detection_v0", "of": "rows", "filter": "volum > 5"}, "Did you mean|no column 'volum'"),
        ({"cell": "P1", "of": "partners", "direction": "in"}, "P1"),
        (
            {"table": "nucleus_detection_v0", "of": "commonest", "column": "volume", "filter": "volume < 0"},
            "Nothing in the data",
        ),
    ],
)
def test_what_is_wrong_with_a_check_is_said(cave: Cave, check: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=f"check of the lesson 1_count_a_type cannot be made: .*(?:{message})"):
        answers.answers(cave, DS, replace(LESSONS[0], check=check))


def test_a_teacher_adds_a_file(tmp_path: Path, cave: Cave, localcave_url: str) -> None:
    plain = CAVEclient(DS, server_address=localcave_url, auth_token="any", write_server_cache=False)
    header = HEADER.replace('"t"', '"nucleus_detection_v0"')
    (tmp_path / "a.md").write_text(f"{header}How many?{CODE}")
    ((lesson,), _) = files.lessons(tmp_path)
    assert (lesson.name, lesson.task, lesson.code) == ("a", "How many?", "1")
    assert answers.answers(cave, DS, lesson) == {str(plain.materialize.get_annotation_count("nucleus_detection_v0"))}


def test_rows_of_a_table_that_is_too_large_to_hold_are_counted(localcave_url: str) -> None:
    plain = CAVEclient(DS, server_address=localcave_url, auth_token="any", write_server_cache=False)
    sizes = plain.materialize.query_table("synapses_pni_2", select_columns=["id", "size"])["size"]
    cave = Cave(Settings(server_address=localcave_url, cache="", max_table_rows=100))
    check = {"table": "synapses_pni_2", "of": "rows", "filter": "size > 5000"}
    assert answers.answers(cave, DS, replace(LESSONS[0], check=check)) == {str((sizes > 5000).sum())}
    few = check | {"of": "distinct", "column": "size", "filter": f"size = {sizes.max()}"}
    assert answers.answers(cave, DS, replace(LESSONS[0], check=few)) == {"1"}
    with pytest.raises(BadInput, match="too large to hold"):
        answers.answers(cave, DS, replace(LESSONS[0], check=few | {"filter": "size > 5000"}))
