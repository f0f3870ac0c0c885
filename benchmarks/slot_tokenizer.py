"""A word-level tokenizer that lends slots to words that it does not know: to copy a name is to copy one token.

A tokenizer of a vocabulary cannot write a name that it has never seen; one of characters can, and a network of 0.2
million parameters needs hours to learn to spell what it reads. Here each word beyond the vocabulary - a name, an
identifier such as `press_profile`, a date, a number - is read as one of 64 slots, drawn at random for each episode and
the same for the same word all through it. What the network writes is read back by the prompt: a slot means the word
that it stands for there. A date or a number has one slot however a text puts it (21 June 2029 and 2029-06-21, 1,500 and
1500), and is written as calls need it: the tokenizer does what a larger network would learn. So a network sees that two
words are the same and never which word it is; all that it is told comes from the observation; and decoding what was
encoded gives the same text.
"""

from __future__ import annotations

import calendar
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, GPTNeoXConfig, LlamaConfig, PreTrainedTokenizer

from tool_gym.models.decoding import Written
from tool_gym.models.local import Generation, LocalModel, Prompt

WORDS_FILE = "words.json"
MARKS = (
    '<tool_call>\n{"name": "', '", "arguments": {"', '"}}\n</tool_call>', "}}\n</tool_call>", '": "', '", "', '": ["',
    '"], "', '"]}}\n</tool_call>', "]}}\n</tool_call>", '": ', "<answer>", "</answer>", "<tool>", "<call>", "</tool>\n",
    "<|im_start|>user\n", "\n<|im_start|>tool\n", "\n<|im_start|>assistant\n", "<|im_end|>",
)  # fmt: skip
"""Texts that the template writes and the calls' format repeats; each is one token."""
END, ANSWER = "<|im_end|>", "\n<|im_start|>assistant\n"
_CAPITAL = r"[^\W\d_a-z][^\W\d_]*(?:['’-](?!s\b)[^\W\d_]+)*"
_MONTHS = "|".join(calendar.month_name[1:])
_DATE = rf"\d{{1,2}} (?:{_MONTHS}) \d{{4}}|(?:{_MONTHS}) \d{{1,2}}, \d{{4}}"
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{4,})(?!\d|\.\d)"
_IDENTIFIER = r"[a-z]+(?:_[a-z0-9]+)+"
_PIECE = re.compile(
    "|".join(map(re.escape, sorted(MARKS, key=len, reverse=True)))
    + rf"| (?={_IDENTIFIER})|(?P<slot>{_IDENTIFIER}|\d+-\d\d-\d\d|{_DATE}|{_NUMBER}"
    + r"|[A-Z]+-[A-Z\d]+(?:-[A-Z]+)?)"
    + rf"|[A-Z]\b(?! {_CAPITAL})|(?P<name>{_CAPITAL}(?: (?:(?:of the|of|the|&) )?{_CAPITAL})*)"
    + r"|\d+(?:\.\d+)?| ?[^\W\dA-Z_]+|[^\w\s<>]+|\s|."
)


class SlotTokenizer(PreTrainedTokenizer):
    """Text to ids of words and slots, and back.

    The id of a slot says, besides which slot it is, which word it stands for: `first_slot + slots * word + slot`. The
    network sees the slot alone, and writes ids below `vocab_size`; `SlotModel` sees to both.

    Args:
        words: The words known; the end of a turn is the first.
        openers: Capitalised words that begin sentences, which belong to no name.
        slots: How many words beyond them a text can hold that are told apart, >= 1.
    """

    vocab_files_names = {"words_file": WORDS_FILE}

    def __init__(
        self,
        words: Sequence[str] | None = None,
        openers: Iterable[str] = (),
        slots: int = 64,
        words_file: str | None = None,
        **options: Any,
    ) -> None:
        self._words = list(words or json.loads(Path(str(words_file)).read_text(encoding="utf-8")))
        self._ids = {word: i for i, word in enumerate(self._words)}
        self._openers, self.slots = frozenset(openers), slots
        self._met: dict[str, int] = {}
        self._met_words: list[str] = []
        options["eos_token"] = END
        super().__init__(openers=sorted(self._openers), slots=slots, **options)  # type: ignore[no-untyped-call]

    @property
    def vocab_size(self) -> int:
        """Words and slots."""
        return len(self._words) + self.slots

    @property
    def first_slot(self) -> int:
        """Id of the first slot; what is below is a word."""
        return len(self._words)

    def get_vocab(self) -> dict[str, int]:
        """Ids of words and slots."""
        return {**self._ids, **{f"<slot{i}>": self.first_slot + i for i in range(self.slots)}}

    def __len__(self) -> int:
        return self.vocab_size

    def __call__(self, text: str, **options: Any) -> Any:
        """The ids of a whole prompt.

        Which slot the n-th unknown word of a text gets is drawn by the text's beginning, up to the first answer, so
        that a conversation that goes on keeps its slots.
        """
        lent: dict[str, int] = {}
        order = np.random.default_rng(zlib.crc32(text.split(ANSWER, 1)[0].encode())).permutation(self.slots).tolist()
        found = []
        for piece in pieces(text, self._openers):
            known = self._ids.get(piece)
            if known is None and piece[0] == " " and len(piece) > 1:
                found.append(self._ids[" "])
                piece = piece[1:]
                known = self._ids.get(piece)
            if known is None:
                slot = lent.setdefault(plain(piece), order[len(lent) % self.slots])
                known = self.first_slot + self.slots * self._number(piece) + slot
            found.append(known)
        return {"input_ids": found}

    def decode(self, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        """The text of ids."""
        words = []
        for i in map(int, token_ids):
            word = self._words[i] if i < self.first_slot else self._met_words[(i - self.first_slot) // self.slots]
            words.append("" if skip_special_tokens and word == END else word)
        return "".join(words)

    def slot(self, i: int) -> int:
        """What the network sees of an id."""
        return i if i < self.first_slot else self.first_slot + (i - self.first_slot) % self.slots

    def unknown(self, text: str) -> list[str]:
        """The words of a text that are read as slots, each once."""
        ids = dict.fromkeys(i for i in self(text)["input_ids"] if i >= self.first_slot)
        return [self._met_words[(i - self.first_slot) // self.slots] for i in ids]

    def written(self, i: int) -> int:
        """The id that stands for a word when it is written: dates and numbers have one form then, see `plain`."""
        if i < self.first_slot:
            return i
        word = self._met_words[(i - self.first_slot) // self.slots]
        return i + self.slots * (self._number(plain(word)) - self._number(word))

    def _number(self, word: str) -> int:
        """The number of an unknown word: how many others were met before it."""
        if word not in self._met:
            self._met[word] = len(self._met_words)
            self._met_words.append(word)
        return self._met[word]

    def _tokenize(self, text: str, **options: Any) -> list[str]:
        return pieces(text, self._openers)

    def _convert_token_to_id(self, token: str) -> int:
        return self._ids.get(token, self.first_slot)

    def _convert_id_to_token(self, index: int) -> str:
        return self._words[index] if index < self.first_slot else f"<slot{index - self.first_slot}>"

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str]:
        """Writes the words."""
        path = Path(save_directory) / WORDS_FILE
        path.write_text(json.dumps(self._words, ensure_ascii=False), encoding="utf-8")
        return (str(path),)


class SlotModel(LocalModel):
    """A local model whose tokenizer lends slots: it reads them as slots, and writes them as what the prompt says."""

    def __init__(self, path: str | Path, **options: Any) -> None:
        register()
        super().__init__(path, **options)
        first, slots = self.tokenizer.first_slot, self.tokenizer.slots

        def seen(_: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            (ids,) = inputs
            return (torch.where(ids < first, ids, first + (ids - first) % slots),)

        self.model.get_input_embeddings().register_forward_pre_hook(seen)

    def _tokens(self, prompt: Prompt) -> list[int]:
        ids: list[int] = self.tokenizer(prompt.text)["input_ids"]
        return ids

    def _generation(self, ids: Sequence[int], written: Written) -> Generation:
        lent = {self.tokenizer.slot(i): self.tokenizer.written(i) for i in ids}
        meant = [lent.get(i, i) for i in written.ids if i < self.tokenizer.first_slot or i in lent]
        text = self.tokenizer.decode(meant, skip_special_tokens=True)
        return Generation(text, tuple(written.ids), tuple(written.logprobs), tuple(ids), written.ids[-1] in self._ends)


def pieces(text: str, openers: frozenset[str]) -> list[str]:
    """The text cut into words, names, numbers, marks and single characters; joined they are the text."""
    found, place = list[str](), 0
    while match := _PIECE.match(text, place):
        piece = match[0]
        first = piece.split(" ", 1)[0]
        if match["name"] and first in openers:
            piece = first
        found.append(piece)
        place += len(piece)
    return found


def plain(word: str) -> str:
    """A date as YYYY-MM-DD and a number without commas, as calls have them; other words as they are."""
    if re.fullmatch(_NUMBER, word):
        return word.replace(",", "")
    for form in ("%d %B %Y", "%B %d, %Y"):
        with suppress(ValueError):
            return datetime.strptime(word, form).date().isoformat()
    return word


def learn_words(texts: Sequence[str], least: int) -> tuple[list[str], list[str]]:
    """The words to know, and the openers: what at least `least` of the texts have, names and the like left out."""
    starts: Counter[str] = Counter()
    for text in texts:
        starts.update({found[1] for found in re.finditer(rf"(?:[.?!] |\n)({_CAPITAL})\b", text)})
    openers = frozenset(word for word, count in starts.items() if count >= least)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({piece for piece in pieces(text, openers) if not _anonymous(piece, openers)})
    common = sorted(word for word, count in counts.items() if count >= least)
    return list(dict.fromkeys([END, *MARKS, " ", "\n", *common])), sorted(openers)


def _anonymous(piece: str, openers: frozenset[str]) -> bool:
    match = _PIECE.match(piece)
    return bool(match and (match["slot"] or (match["name"] and piece not in openers)))


def register() -> None:
    """Lets transformers load the tokenizer with networks of the two architectures."""
    for config in (LlamaConfig, GPTNeoXConfig):
        AutoTokenizer.register(config, slow_tokenizer_class=SlotTokenizer, exist_ok=True)  # type: ignore[no-untyped-call]
