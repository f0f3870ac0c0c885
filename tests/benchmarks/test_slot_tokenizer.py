"""Names pass through a network that has never seen them, and come out as they went in."""

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

slots = importlib.import_module("slot_tokenizer")

TEXTS = [
    f"<tool>press_profile(name) Show the owner of one press</tool>\n<|im_start|>user\nWho owns {name}?<|im_end|>"
    for name in ("Redim Mill", "New Osk", "Crown of Paskuru")
]
WORDS, OPENERS = slots.learn_words(TEXTS, 3)


@pytest.fixture
def tokenizer():
    return slots.SlotTokenizer(WORDS, OPENERS)


def ids_of(tokenizer, text):
    return tokenizer(text)["input_ids"]


@given(st.text(max_size=200) | st.lists(st.sampled_from([*slots.MARKS, *TEXTS, "Osk", "a_b"])).map("".join))
def test_what_was_encoded_is_decoded_to_the_same_text(text):
    tokenizer = slots.SlotTokenizer(WORDS, OPENERS)
    assert tokenizer.decode(ids_of(tokenizer, text)) == text


def test_the_words_of_all_texts_are_known_and_names_and_identifiers_are_not():
    assert {" owns", "Who", " press"} <= set(WORDS)
    assert not {"Redim Mill", "New Osk", "press_profile"} & set(WORDS)


def test_a_name_is_one_token_and_keeps_its_slot_through_the_conversation(tokenizer):
    begun = ids_of(tokenizer, TEXTS[2] + slots.ANSWER)
    longer = ids_of(tokenizer, TEXTS[2] + slots.ANSWER + "Ivo owns Crown of Paskuru")
    (name,) = {i for i in longer if tokenizer.decode([i]) == "Crown of Paskuru"}
    assert longer[: len(begun)] == begun
    assert begun.count(name) == 1
    assert longer.count(name) == 2


def test_a_date_and_a_number_have_one_slot_however_they_are_put_and_are_written_as_calls_need_them(tokenizer):
    text = "on 21 June 2029, June 21, 2029 or 2029-06-21 for 1,500 or 1500"
    unknown = [i for i in ids_of(tokenizer, text) if i >= tokenizer.first_slot]
    dates = [i for i in unknown if "2029" in tokenizer.decode([i])]
    numbers = [i for i in unknown if tokenizer.decode([i]) in ("1,500", "1500")]
    for found, plain in ((dates, "2029-06-21"), (numbers, "1500")):
        assert len(set(found)) == len(found) > 1
        assert len({tokenizer.slot(i) for i in found}) == 1
        assert {tokenizer.decode([tokenizer.written(i)]) for i in found} == {plain}


def test_names_that_stand_side_by_side_are_told_apart(tokenizer):
    text = "Who owns Redim Mill and New Osk's neighbour, Crown of Paskuru?"
    assert {"Redim Mill", "New Osk", "Crown of Paskuru"} <= set(tokenizer.unknown(text))


def test_another_question_gets_other_slots(tokenizer):
    seen = {
        tuple(tokenizer.slot(i) for i in ids_of(tokenizer, f"{TEXTS[0]} {'again ' * n}") if i >= tokenizer.first_slot)[
            :2
        ]
        for n in range(8)
    }
    assert len(seen) > 4


def test_a_network_sees_slots_alone_and_what_it_writes_is_read_by_the_prompt(tokenizer, tmp_path):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.chat_template = "{{ messages }}{{ tools }}"
    tokenizer.save_pretrained(tmp_path)
    model = slots.SlotModel(tmp_path)
    ids = ids_of(model.tokenizer, TEXTS[0] + " and New Osk")
    plain = [model.tokenizer.slot(i) for i in ids]
    assert max(ids) >= len(tokenizer) > max(plain)
    with torch.inference_mode():
        one, other = (model.model(input_ids=torch.tensor([each])).logits for each in (ids, plain))
    assert torch.equal(one, other)
    names = [i for i in plain if i >= model.tokenizer.first_slot]
    said = model._generation(ids, slots.Written([names[-1]], [0.0], []))
    assert said.text == "New Osk"
    assert said.token_ids == (names[-1],)
    free = next(i for i in range(model.tokenizer.first_slot, len(tokenizer)) if i not in names)
    assert model._generation(ids, slots.Written([free], [0.0], [])).text == ""
