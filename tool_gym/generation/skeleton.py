"""What is left of a question when padding, names and numbers are gone: what a model could learn as a template."""

from __future__ import annotations

import re

from tool_gym.scenario import Scenario

_COURTESY = re.compile(r"\b(please|kindly|thank you|thanks)\b,?\s*", re.IGNORECASE)
_NAME = re.compile(r"(?<![.?!:] )(?<!^)\b[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")


def skeleton(scenario: Scenario) -> str:
    """The question without preamble and courtesy, with names and numbers blanked.

    Names are those that the provenance lists as the plan's inputs, and all capitalised words within a sentence.
    """
    detail = scenario.provenance.detail
    text = scenario.question.removeprefix(detail.get("preamble", ""))
    plan = detail.get("plan", ())
    names = [name[1:] for each in plan for name in each["inputs"] if name.startswith("=")]
    names += [each["currency"] for each in plan if each.get("currency")]
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "_")
    text = _COURTESY.sub("", text).strip()
    return re.sub(r"\d+", "#", _NAME.sub("_", text)).lower()
