"""Reading what a model wrote: JSON somewhere in a text, perhaps between fences, perhaps cut off."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from tool_gym.generation.backends.chat.forms import Form
from tool_gym.generation.proposals import Refused
from tool_gym.jsonvalue import NotJson, loads
from tool_gym.models.chat import Completion

F = TypeVar("F", bound=Form)
_MAX_PROBLEMS = 5


def read_form(stage: str, completion: Completion, form: type[F]) -> F:
    """The form that a completion holds.

    Nothing is mended: half of an answer is no answer, and the model is told what is wrong instead.

    Args:
        stage: Name of the stage.
        completion: What the model answered.
        form: What it should have filled.

    Raises:
        Refused: If the completion was cut off, holds no JSON object, or another one.
    """
    if completion.finish == "length":
        raise Refused(stage, "an answer that is cut off", "it grew too long; repeat all of it, shorter")
    text = completion.text.rpartition("</think>")[2]
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise Refused(stage, "an answer without JSON", "expected one JSON object and nothing else")
    try:
        value = loads(text[start : end + 1])
    except NotJson as error:
        raise Refused(stage, "an answer that is not JSON", f"{error}; repeat all of it as one JSON object") from None
    try:
        return form.model_validate(value)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in error.errors()]
        raise Refused(stage, "an answer of another form", "; ".join(problems[:_MAX_PROBLEMS])) from None
