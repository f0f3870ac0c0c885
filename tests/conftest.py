"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from small_pack import SCENARIOS, TABLES

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

DATA = Path(__file__).parents[2] / "shared" / "data"
ABSENT = "the real data is not beside this checkout"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real records, which is never part of the project."""
    if not DATA.is_dir():
        pytest.skip(ABSENT)
    return DATA


@pytest.fixture(scope="session")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of all scenarios above."""
    from tool_gym.packs.writer import write_pack

    folder = tmp_path_factory.mktemp("packs") / "small"
    write_pack(folder, name="small", scenarios=SCENARIOS, tables=TABLES, title="Small", license="Apache-2.0")
    return folder


@pytest.fixture(scope="session")
def executor():
    """One executor for tests that only need some."""
    from tool_gym.sandbox.executor import Executor

    with Executor() as shared:
        yield shared
