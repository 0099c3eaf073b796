"""The words that complete a query line: none that the line would then refuse."""

import pandas as pd
import pytest

from services.core.columns import describe_columns
from services.core.errors import BadInput
from services.filters.completion import offered
from services.filters.filters import parse_line

FRAME = pd.DataFrame(
    {
        "pt_root_id": pd.array([1], dtype="Int64"),
        "cell_type": pd.array(["BC"], dtype="string"),
        "odd name": pd.array(["a b"], dtype="string"),
        "volume": pd.array([100.0], dtype="Float32"),
        "valid": pd.array([True], dtype="boolean"),
        "created": pd.to_datetime(["2024-01-01"], utc=True),
        **{f"pt_position_{axis}": pd.array([1], dtype="Int32") for axis in "xyz"},
    }
)
COLUMNS = describe_columns(FRAME, {"pt_root_id": ("root_id",)})
WORDS = offered(COLUMNS, {"cell_type": ["BC"], "odd name": ["a b"], "valid": [True]})
EVERY = ["=", "!=", ">", ">=", "<", "<=", "~", "!~", "in (", "not in (", "null", "not null", "in box (", "not in box ("]
ENDS = {"in (": "{})", "not in (": "{})", "in box (": "..1, 0.., ..)", "not in box (": "..1, 0.., ..)"}
VALUES = {"created": "2024-01-01", "valid": "true"}


@pytest.mark.parametrize("name", WORDS)
def test_the_operators_offered_are_those_that_the_line_takes(name):
    value = VALUES.get(name, "1")
    for operator in EVERY:
        line = f"{name} {operator} " + ("" if "null" in operator else ENDS.get(operator, "{}").format(value))
        if operator in WORDS[name]["operators"]:
            parse_line(line, COLUMNS)
        else:
            with pytest.raises(BadInput):
                parse_line(line, COLUMNS)


def test_names_are_offered_as_a_line_takes_them_and_other_names_last():
    names = [column.name for column in COLUMNS if column.name != "odd name"]
    assert set(WORDS) == {*names, '"odd name"', "pt_position", "root_id"}
    assert list(WORDS)[-1] == "root_id"
    assert WORDS['"odd name"']["values"] == ['"a b"']
    assert WORDS["valid"]["values"] == ["true"]
