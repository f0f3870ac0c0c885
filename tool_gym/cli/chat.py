"""What `generate --backend chat` needs: a model with its journal and ledger, and the gate for each scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tool_gym.cli.output import stderr
from tool_gym.errors import InputError

if TYPE_CHECKING:
    from tool_gym.generation.backends.chat.orders import ChatSettings
    from tool_gym.models.chat import ChatModel
    from tool_gym.models.ledger import Prices


class ChatOptions(NamedTuple):
    """What the command line says about the model.

    Attributes:
        model: Its name, as the server knows it; or the folder or GGUF file of a local one.
        base_url: The server; None means OpenAI's own.
        questions: File with the user's questions, or None.
        concurrency: Scenarios in work at a time.
        timeout: Seconds that the server may be silent.
        max_tokens: Longest answer.
        prices: Of a million input and output tokens, as "0.5,1.5"; empty for none.
        max_cost: Bound of the cost, or None.
    """

    model: str
    base_url: str | None
    questions: Path | None
    concurrency: int
    timeout: float
    max_tokens: int
    prices: str
    max_cost: float | None


@contextmanager
def chat_settings(out: Path, options: ChatOptions) -> Iterator[tuple[ChatSettings, Callable[[], str]]]:
    """Opens everything that the backend `chat` works with, and closes it; at the end it says what was spent.

    Args:
        out: Folder of the new pack; the journal is kept beside it.
        options: The options.

    Yields:
        The settings, and a function that says what has been spent.

    Raises:
        InputError: If an option is wrong, or the packages for models are not installed.
    """
    if not options.model:
        raise InputError("the backend chat needs a model; name one with --model, and its server with --base-url")
    try:
        from tool_gym.generation.backends.chat.backend import Sampling
        from tool_gym.generation.backends.chat.orders import ChatSettings, read_questions
    except ImportError as error:
        raise InputError(f"the backend chat needs {error.name}; pip install 'tool-gym[chat]'") from None
    from tool_gym.models.journal import Journaled
    from tool_gym.models.ledger import Ledger

    questions = read_questions(options.questions) if options.questions else ()
    ledger = Ledger(_prices(options.prices, options.max_cost), options.max_cost)
    file = out.parent / f"{out.name}.journal.jsonl"
    with Journaled(_model(options), file, ledger) as model:
        try:
            yield (
                ChatSettings(
                    model=model,
                    questions=questions,
                    concurrency=options.concurrency,
                    sampling=Sampling(max_tokens=options.max_tokens),
                ),
                ledger.__str__,
            )
        finally:
            if ledger.requests:
                text = f"Model: {ledger}. All answers are in {file}; run again, and none is paid twice."
                stderr.print(text, markup=False)
            else:
                file.unlink()


def _model(options: ChatOptions) -> ChatModel:
    """A local model where the name is a path and no server is named, else an endpoint."""
    if options.base_url is None and Path(options.model).exists():
        try:
            from tool_gym.models.local import LocalModel
        except ImportError as error:
            raise InputError(f"a local model needs {error.name}; pip install 'tool-gym[train]'") from None
        return LocalModel(options.model)
    from tool_gym.models.endpoint import Endpoint

    return Endpoint(options.model, options.base_url, timeout_s=options.timeout, concurrency=options.concurrency)


def _prices(text: str, max_cost: float | None) -> Prices:
    from tool_gym.models.ledger import Prices

    if not text:
        if max_cost is not None:
            raise InputError("--max-cost needs to know what tokens cost; add --prices INPUT,OUTPUT for a million each")
        return Prices()
    try:
        prices = Prices(*map(float, text.split(",")))
    except (TypeError, ValueError):
        prices = Prices(-1)
    if not (0 <= prices.input < float("inf") and 0 <= prices.output < float("inf")):
        raise InputError(f"--prices {text!r}; expected two numbers for a million input and output tokens, as 0.5,1.5")
    return prices
