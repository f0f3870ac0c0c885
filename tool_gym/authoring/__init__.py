"""Writing packs by hand: ordinary Python functions and a readable scenario file, compiled by `build_pack`.

`tools.py` of a pack may say `from tool_gym.authoring import DATA, STATE`; see `standins`.
"""

from tool_gym.authoring.build import build_pack
from tool_gym.authoring.standins import DATA, STATE

__all__ = ["DATA", "STATE", "build_pack"]
