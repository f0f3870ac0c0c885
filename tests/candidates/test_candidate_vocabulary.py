import pytest

from tool_gym.candidates.lexicon import base_form, relations
from tool_gym.candidates.reader import read
from tool_gym.candidates.vocabulary import vocabulary
from tool_gym.candidates.words import stem


def tool(name, description, **parameters):
    properties = {key: {"type": "string", "description": value} for key, value in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return {"name": name, "description": description, "parameters": schema}


FLAT = tool("flat_register", "Read one flat's entry: rent, tutor.", flat="The flat.")


@pytest.mark.parametrize(
    ("form", "base"),
    [("riskiest", "risky"), ("dearest", "dear"), ("largest", "large"), ("biggest", "big"), ("taught", "teach"),
     ("forest", "forest"), ("rent", "rent")],
)  # fmt: skip
def test_an_irregular_form_or_a_superlative_is_read_as_its_base(form, base):
    assert base_form(form) == base


@pytest.mark.parametrize(("said", "meant"), [("dearest", "rent"), ("teaches", "tutor"), ("rents", "rent")])
def test_a_word_that_no_tool_uses_means_the_nearest_word_that_one_uses(said, meant):
    assert vocabulary({"flat_register": FLAT}).meant(stem(said)) == stem(meant)


def test_a_word_that_is_related_to_no_word_of_the_tools_stays_as_it_is():
    assert vocabulary({"flat_register": FLAT}).meant(stem("zebra")) == stem("zebra")


def test_words_of_parameters_and_of_what_may_be_chosen_there_are_words_of_a_tool():
    entry = tool("look_up", "Read.", whose="A name.")
    entry["parameters"]["properties"]["part"] = {"enum": ["yearly_wage"]}
    known = vocabulary({"look_up": entry})
    assert [known.meant(stem(word)) for word in ("salary", "best")] == [stem("wage"), stem("best")]


def test_the_question_is_read_in_the_words_of_the_tools_and_kept_in_its_own():
    said = "Which is the dearest flat?"
    view = read({"messages": [{"role": "user", "content": said}], "tools": [{"type": "function", "function": FLAT}]})
    at = view.question.whole.index("dearest")
    assert (view.question.whole[at], view.question.stems[at]) == ("dearest", stem("rent"))


def test_every_relation_leads_from_a_word_to_a_word_and_the_first_of_a_line_is_nearest():
    found = list(relations())
    assert all(word.isascii() and word.isalpha() and word.islower() for pair in found for word in pair[:2])
    costs = {other: cost for word, other, cost in found if word == "dear"}
    assert costs["price"] == min(costs.values()) < costs["rent"]
