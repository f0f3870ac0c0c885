import threading

import pytest

from tool_gym.errors import InputError
from tool_gym.models.chat import ChatRequest, Completion, Usage
from tool_gym.models.journal import Journaled
from tool_gym.models.ledger import BudgetSpent, Ledger, Prices, most_usage

PRICES = Prices(input=1.0, output=1_000_000.0)  # a token of output costs 1, one of input next to nothing


class Parrot:
    """Says what it hears, for ten tokens, and counts how often it was asked."""

    name = "parrot"

    def __init__(self, usage=Usage(input_tokens=0, output_tokens=10)):  # noqa: B008
        self.asked, self.usage = 0, usage

    def complete(self, request):
        self.asked += 1
        return Completion(message={"content": request.messages[-1]["content"]}, usage=self.usage)


def request(text, **fields):
    return ChatRequest(messages=({"role": "user", "content": text},), **{"max_tokens": 20, **fields})


def test_the_same_request_is_paid_once_even_after_the_process_has_ended(tmp_path):
    parrot = Parrot()
    for _ in range(2):
        with Journaled(parrot, tmp_path / "j.jsonl", Ledger()) as model:
            assert [model.complete(request("hé")).text for _ in range(2)] == ["hé", "hé"]
    assert parrot.asked == 1


def test_requests_that_differ_in_anything_are_others(tmp_path):
    parrot = Parrot()
    with Journaled(parrot, tmp_path / "j.jsonl", Ledger()) as model:
        for each in (request("a"), request("a", seed=1), request("a", temperature=0), request("b")):
            model.complete(each)
    assert parrot.asked == 4


def test_what_was_paid_before_counts_in_the_ledger(tmp_path):
    with Journaled(Parrot(), tmp_path / "j.jsonl", Ledger()) as model:
        model.complete(request("a"))
    ledger = Ledger(PRICES)
    Journaled(Parrot(), tmp_path / "j.jsonl", ledger).close()
    assert (ledger.requests, ledger.output_tokens, ledger.cost) == (1, 10, pytest.approx(10))


def test_a_row_that_was_cut_off_is_dropped_and_the_file_goes_on(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journaled(Parrot(), path, Ledger()) as model:
        model.complete(request("a"))
        model.complete(request("b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    parrot = Parrot()
    with Journaled(parrot, path, Ledger()) as model:
        model.complete(request("a"))
        model.complete(request("b"))
    assert parrot.asked == 1
    assert path.read_bytes() == whole


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(InputError, match=r"notes.txt, line 1: no row of a journal"):
        Journaled(Parrot(), path, Ledger())
    assert path.read_text() == "my notes\n"


def test_two_at_once_cannot_write_one_journal(tmp_path):
    with Journaled(Parrot(), tmp_path / "j.jsonl", Ledger()), pytest.raises(InputError, match="another process"):
        Journaled(Parrot(), tmp_path / "j.jsonl", Ledger())


def test_no_request_is_sent_that_could_exceed_the_budget(tmp_path):
    parrot, ledger = Parrot(), Ledger(PRICES, max_cost=45.0)
    with Journaled(parrot, tmp_path / "j.jsonl", ledger) as model:
        for text in "abc":
            model.complete(request(text))  # each costs 10 and could cost 20
        with pytest.raises(BudgetSpent, match=r"45.00 is spent: 30.0000 after 3 requests"):
            model.complete(request("d"))
    assert parrot.asked == 3
    assert ledger.cost <= 45


def test_requests_at_the_same_time_stay_within_the_budget_together():
    ledger, inside, go = Ledger(PRICES, max_cost=50.0), threading.Barrier(3), threading.Event()

    def hold():
        with ledger.reserve(request("a")):
            inside.wait(10)
            go.wait(10)

    holders = [threading.Thread(target=hold) for _ in range(2)]
    for each in holders:
        each.start()
    inside.wait(10)
    with pytest.raises(BudgetSpent), ledger.reserve(request("a")):
        pass
    go.set()
    for each in holders:
        each.join()
    with ledger.reserve(request("a")):
        pass


def test_a_server_that_tells_no_tokens_is_counted_at_the_most_it_can_have_taken(tmp_path):
    ledger = Ledger(PRICES)
    with Journaled(Parrot(usage=None), tmp_path / "j.jsonl", ledger) as model:
        model.complete(request("a"))
    assert ledger.output_tokens == 20
    assert ledger.input_tokens == most_usage(request("a")).input_tokens > len("a")
