from tool_gym.candidates.question import Span, read_question
from tool_gym.candidates.reader import read
from tool_gym.candidates.reading import Reading

TWO = "Which port is older? Let port A be the seat of Ada Lines. As port B, take the second oldest of the ports in Bea."


def at(question, word, nth=0):
    return [i for i, each in enumerate(question.whole) if each == word][nth]


def test_a_noun_is_told_from_its_like_by_an_ordinal_or_a_letter():
    question = read_question("Is the first port far from the second port, and port C from the second oldest port?")
    marks = [mark for mark, noun in zip(question.marks, question.nouns, strict=True) if noun == "port"]
    assert marks == [
        "first",
        "second",
        "c",
        "",
    ]


def test_sentences_end_where_a_new_question_begins():
    question = read_question("How old is Ada, and also: what does Bea earn?")
    assert question.sentence(at(question, "ada")) != question.sentence(at(question, "bea"))


def test_a_marked_noun_is_mentioned_where_other_sentences_have_it_with_the_same_mark():
    question = read_question(
        "How far is the first port from the second port? The second port is the seat of Ada Lines."
    )
    span = Span(at(question, "seat"), at(question, "lines") + 1)
    found = list(question.mentions({"port"}, span))
    assert [question.whole[each.start : each.end] for each in found] == [("second", "port")]
    assert found[0].end - 1 == at(question, "port", 1)


def test_a_noun_without_an_article_is_no_mention():
    question = read_question("Take the captain of Ada. How many ships has that captain, and are captains rich?")
    found = list(question.mentions({"captain"}, Span(at(question, "captain"), at(question, "ada") + 1)))
    assert [each.start for each in found] == [at(question, "captain", 1)]


def test_a_phrase_begins_at_its_article_and_at_a_rank_before_it():
    question = read_question("Take the second oldest of the ports in Bea. Take the big port.")
    assert question.phrase(at(question, "ports")) == at(question, "second")
    assert question.phrase(at(question, "port")) == at(question, "big")


def test_a_rank_is_how_far_behind_the_first():
    question = read_question(TWO)
    assert question.rank(Span(at(question, "ports"), at(question, "bea") + 1)) == 1
    assert question.rank(Span(at(question, "seat"), at(question, "lines") + 1)) == 0


def test_at_least_asks_for_no_extreme():
    assert not read_question("Which port has at least 3 cranes?").superlative()
    assert read_question("Which port has the least traffic?").superlative()


def test_the_topic_of_a_definition_is_what_it_says_what_it_is():
    question = read_question("Let port A be the seat of Ada Lines.")
    assert question.topic(at(question, "seat")) == "port"
    assert read_question("Find the seat of Ada Lines.").topic(1) == ""


def test_an_empty_question_has_no_words_and_no_mentions():
    question = read_question("")
    assert question.sentence(0) == Span(0, 0)
    assert not list(question.mentions({"port"}, Span(0, 0)))


def entry(kind, parameter, listed, parts):
    """A tool that looks up one entry of a kind."""
    properties = {
        parameter: {"type": "string", "description": f"The {kind}."},
        "part": {"type": "array", "items": {"type": "string", "enum": parts}, "minItems": 1},
    }
    function = {
        "name": f"{kind}_facts",
        "description": f"Look up one {kind}'s entry in the list of its kind: {listed}.",
        "parameters": {"type": "object", "properties": properties, "required": [parameter, "part"]},
    }
    return {"type": "function", "function": function}


COMPANY = entry("company", "company", "seat, founding year", ["seat", "founding_year"])
PORT = entry("port", "port_name", "depth, cranes", ["depth", "cranes"])


def looked_up(asked, result, *parts):
    """The view after a look at parts of Ada Lines."""
    call = {"id": "c", "function": {"name": "company_facts", "arguments": {"company": "Ada Lines", "part": [*parts]}}}
    messages = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": result},
    ]
    return read({"tools": [COMPANY, PORT], "messages": messages})


def test_a_result_is_of_the_type_and_at_the_places_that_the_question_gives_it():
    asked = "How deep is the first port? The first port is the seat of Ada Lines."
    view = looked_up(asked, '{"name": "Ada Lines", "seat": {"value": "Northam"}}', "seat")
    seat = next(value for value in view.values if value.content == "Northam")
    assert seat.types == {"port"}
    assert [view.question.whole[each.start : each.end] for each in seat.mentions] == [("first", "port")]
    company = next(value for value in view.values if value.content == "Ada Lines")
    assert (company.types, company.used, seat.used) == ({"company"}, True, False)
    calls = view.candidates(40)
    assert max((each for each in calls if each.name == "port_facts"), key=lambda one: one.promise).values == (seat,)


def test_the_result_of_a_lookup_is_kept_where_the_question_has_a_rank():
    asked = "Which is the second deepest port near the seat of Ada Lines?"
    view = looked_up(asked, '{"seat": {"value": "Northam"}}', "seat")
    assert "Northam" in [value.content for value in view.values if value.turn]


def test_what_a_sentence_names_nearer_outdoes_what_the_same_result_holds_besides():
    asked = "What is the founding year of the port that is the seat of Ada Lines?"
    result = '{"seat": "Northam", "founding_year": 1901}'
    reading = Reading(looked_up(asked, result, "seat", "founding_year"))
    seat, founded = (value for value in reading.view.values if value.turn)
    assert reading.outdone(founded)
    assert not reading.outdone(seat)
