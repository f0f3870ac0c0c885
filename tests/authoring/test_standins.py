import pytest

from tool_gym.authoring.standins import Tables, read_tables
from tool_gym.errors import PackError


def test_an_authors_own_tests_can_load_the_tables_of_the_sources(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "ships.json").write_text('[{"name": "Tern"}]')
    tables = Tables(old=[1])
    tables.load(tmp_path)
    assert tables == {"ships": [{"name": "Tern"}]}


def test_a_table_that_was_not_loaded_says_how_to_load_it():
    with pytest.raises(KeyError, match=r"DATA\.load"):
        Tables()["ships"]


def test_a_table_whose_name_no_tool_could_write_is_refused(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "my-ships.json").write_text("[]")
    with pytest.raises(PackError, match="rename the file"):
        read_tables(tmp_path)
