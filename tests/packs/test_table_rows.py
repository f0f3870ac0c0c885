"""A table whose rows are alike is written as columns, and read as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import PackError
from tool_gym.jsonvalue import digest
from tool_gym.packs.rows import read_table, table_row

VALUES = st.none() | st.integers() | st.text(max_size=3)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), VALUES), max_size=4) | st.lists(VALUES) | VALUES)
def test_a_table_is_read_as_it_was_written(content):
    assert read_table(table_row(digest(content), content), "here") == content


def test_the_keys_of_uniform_rows_stand_once():
    content = [{"name": "a", "size": 1}, {"name": "b", "size": 2}]
    row = table_row("x", content)
    assert (row["columns"], row["rows"]) == (["name", "size"], [["a", 1], ["b", 2]])


@pytest.mark.parametrize(
    "broken",
    [
        {"columns": ["name"], "rows": [["a", 1]]},
        {"columns": ["name", "size"], "rows": [["a"]]},
        {"columns": 3, "rows": [[1]]},
        {"columns": ["name"], "rows": 3},
    ],
)
def test_broken_columns_are_a_pack_error(broken):
    with pytest.raises(PackError):
        read_table({"sha256": digest([{"name": "a", "size": 1}]), **broken}, "here")
