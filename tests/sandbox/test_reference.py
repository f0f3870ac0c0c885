import pytest

from tool_gym.sandbox.facades import SHARED
from tool_gym.sandbox.reference import dialect_page
from tool_gym.sandbox.runtime import DEFAULT_FUEL


@pytest.fixture(scope="module")
def page() -> str:
    return dialect_page()


def test_the_page_says_what_is_allowed_and_why_the_rest_is_refused(page):
    rows = [row for row in page.split("\n") if row.endswith(" |") and " | " in row]
    verdicts = dict(row.rsplit(" | ", 1) for row in rows)
    assert verdicts["| `match`"] == "yes |"
    assert verdicts["| dataclasses"] == "yes |"
    assert verdicts["| `eval`, `exec`"] == "**no**: eval() is not part of the tool dialect |"
    assert verdicts["| `async`, `await`"].startswith("**no**: ")
    assert sum(verdict.startswith("yes") for verdict in verdicts.values()) == 19


def test_the_page_lists_every_module_and_builtin(page):
    for module in SHARED:
        assert f"- `{module.__name__}`: `" in page
    for name in ("`enumerate`", "`ValueError`", "- `open`: Raises `PermissionError`", "- `range`: Python's own"):
        assert name in page
    assert f"{DEFAULT_FUEL:,}" in page
