"""Constrained decoding: what a model writes in a turn is a reply, or calls that fit the tools' schemas."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tool_gym.errors import InputError
from tool_gym.jsonvalue import Json, canonical

_MOST_CALLS = 8
"""Calls of one constrained turn; without a bound a small model writes calls for ever."""
_WRITTEN = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "lenient": True}
_ANY_OBJECT = {"type": "object"}


class ToolGrammar:
    """Makes masks for the calls of tools, in the format `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.

    Args:
        tokenizer: The model's fast tokenizer.
        vocabulary: Width of the model's logits.
        ends: Tokens that end a turn.

    Raises:
        InputError: If the package llguidance is missing.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Sequence[int]) -> None:
        try:
            import llguidance
            import llguidance.hf
            import llguidance.numpy
        except ImportError:
            raise InputError("constrained decoding needs llguidance; pip install 'tool-gym[train]'") from None
        self._library = llguidance
        self._vocabulary = vocabulary
        self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(ends))
        self._matcher = functools.lru_cache(maxsize=256)(self._compiled)

    def mask(self, tools: Sequence[Mapping[str, Json]]) -> GrammarMask:
        """The mask of a turn in which these tools, in their chat form, can be called."""
        return GrammarMask(self._matcher(canonical(list(tools))).deep_copy(), self._vocabulary, self._library)

    def _compiled(self, tools: bytes) -> Any:
        calls = [self._call(tool["function"]) for tool in json.loads(tools)]
        rules = [f"tool{i}: {call}" for i, call in enumerate(calls)]
        names = " | ".join(f"tool{i}" for i in range(len(calls)))
        start = f'(call ("\\n" call){{0,{_MOST_CALLS - 1}}}) | reply' if calls else "reply"
        call = [f'call: "<tool_call>\\n" ({names}) "\\n</tool_call>"'] if calls else []
        lines = [f"start: {start}", *call, *rules, r"reply: /[^<](.|\n)*/"]
        return self._library.LLMatcher(self._tokens, "\n".join(lines))

    def _call(self, function: Mapping[str, Json]) -> str:
        """A rule for calls of one tool; a schema beyond the library's means leaves the arguments free."""
        head = json.dumps('{"name": ' + json.dumps(function["name"]) + ', "arguments": ')
        for schema in (function["parameters"], _ANY_OBJECT):
            rule = f'{head} %json {json.dumps({**schema, "x-guidance": _WRITTEN})} "}}"'
            if not self._library.LLMatcher.validate_grammar(f"start: {rule}", self._tokens):
                return rule
        raise InputError(f"tool {function['name']!r}: no grammar can be made for its calls")


class GrammarMask:
    """The state of one turn's grammar; a `Mask`."""

    def __init__(self, matcher: Any, vocabulary: int, library: Any) -> None:
        self._matcher, self._fill = matcher, library.numpy.fill_next_token_bitmask
        self._bits = library.numpy.allocate_token_bitmask(1, vocabulary)
        self._vocabulary = vocabulary

    def allowed(self) -> NDArray[np.bool_]:
        """Whether each token may come next, bool[vocabulary]."""
        self._fill(self._matcher, self._bits, 0)
        return np.unpackbits(self._bits[0].view(np.uint8), bitorder="little")[: self._vocabulary].astype(np.bool_)

    def advance(self, token: int) -> None:
        """Takes note of a token that was written.

        Raises:
            RuntimeError: If the grammar did not allow it.
        """
        if not self._matcher.consume_token(token):
            raise RuntimeError(f"the grammar refused a token that it had allowed: {self._matcher.get_error()}")
