"""A pack's papers: may it be used, by whom was it made, and what is already known to be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tool_gym.errors import PackError
from tool_gym.gate.validate import Finding
from tool_gym.packs.reader import Pack

_FREE = frozenset({"CC0-1.0", "0BSD", "Unlicense", "MIT-0", "PDDL-1.0"})
"""Licences that ask for no name to be named."""
_ID = r"[A-Za-z0-9][A-Za-z0-9.+-]*"
_LICENSE = re.compile(rf"\(*{_ID}\)*(?: (?:AND|OR|WITH) \(*{_ID}\)*)*")


def validate_papers(pack: Pack) -> Iterator[Finding]:
    """Licence and attribution, each a warning where it is missing: without them nobody may pass the pack on."""
    about = pack.manifest
    if not about.license:
        yield _warning("license", "no licence is named; give `license` an SPDX identifier, as CC-BY-4.0")
    elif not _LICENSE.fullmatch(about.license):
        yield _warning("license", f"the licence {about.license!r} is no SPDX identifier, as CC-BY-4.0, nor several")
    elif not (about.license in _FREE or about.authors or about.attribution):
        yield _warning(
            "attribution", f"{about.license} wants a name to be named; give `authors`, or an `attribution` to be said"
        )
    if about.truths.get("extracted") and not about.attribution:
        yield _warning("attribution", "its facts are taken from somewhere; say from where in `attribution`")


def validate_errata(pack: Pack) -> Iterator[Finding]:
    """The scenarios that are known to be bad, each a warning; a list that is broken is an error of the files."""
    try:
        known = pack.known_bad.values()
    except PackError:
        return
    for each in known:
        when = "not mended yet" if each.mended_in is None else f"mended in version {each.mended_in}"
        yield Finding("warning", "errata", each.scenario, f"known to be bad: {each.problem} ({when})")


def _warning(check: str, message: str) -> Finding:
    return Finding("warning", check, "", message)
