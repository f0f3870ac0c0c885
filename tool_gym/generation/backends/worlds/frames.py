"""What questions are made of: sentences with holes, several for each thing, of which the split `test` has the last."""

from __future__ import annotations

ASKS = {
    "identify.former_name": ("what is {x} called now", "what is {x} called today", "what is the present name of {x}"),
    "identify.nickname": (
        "what is the proper name of {x}",
        "what is {x} really called",
        "under what name is {x} listed",
    ),
    "since": (
        "from what date on was it the same {x}",
        "since what date was it the same {x}",
        "starting on what day was it the same {x}",
    ),
    "count": (
        "how many {x} are there",
        "how many {x} are on record",
        "what is the number of {x}",
        "how large is the number of {x}",
    ),
    "aggregate": ("what {be} {x}", "what do the records give as {x}", "what {do} {x} come to"),
    "distance": (
        "how far is it from {a} to {b}",
        "how far apart are {a} and {b}",
        "how many kilometres lie between {a} and {b}",
        "what is the distance as the crow flies from {a} to {b}",
        "how long is the straight line from {a} to {b}",
        "what is the distance between {a} and {b}",
    ),
    "gap": (
        "how many days lie between {a} and {b}",
        "how many days are there between {a} and {b}",
        "how many days apart are {a} and {b}",
    ),
    "workgap": (
        "how many working days are there between {a} and {b}",
        "how many working days lie between {a} and {b}",
    ),
    "shift": ("what date is {d} {x}", "which date do you reach {d} {x}", "which day falls {d} {x}"),
    "workshift": ("which date is {d} {x}", "what date comes {d} {x}", "on which date are we {d} {x}"),
    "weekday": (
        "on which day of the week does {x} fall",
        "which day of the week is {x}",
        "is {x} a Monday, a Tuesday or what other day",
    ),
    "convert": ("how much {be} {x} in {c}", "what {do} {x} come to in {c}", "how many {c} would {x} make"),
    "measure": ("what {be} {x} in {u}", "what {do} {x} come to in {u}", "how much {be} {x} if you count in {u}"),
    "compute.ratio": (
        "what is the ratio of {a} to {b}",
        "what do you get if you divide {a} by {b}",
        "what {be} {a}, divided by {b}",
    ),
    "compute.percentage": (
        "what {be} {a} as a percentage of {b}",
        "how much {be} {a} in per cent of {b}",
        "what {be} {a}, taken as a percentage of {b}",
    ),
    "compute.portion": (
        "how much is {p} per cent of {x}",
        "what is {p} per cent of {x}",
        "what does {p} per cent of {x} come to",
    ),
    "compute.mean": (
        "what is the mean of {all}",
        "what is the average of {all}",
        "what do you get if you average {all}",
    ),
    "compute.spread": (
        "how far apart are the greatest and the least of {all}",
        "what is the difference between the largest and the smallest of {all}",
        "what is the span from the lowest to the highest of {all}",
    ),
    "spell.initials": (
        "what are the initials of {x}",
        "which initials does {x} have",
        "which letters do the words in the name of {x} begin with",
    ),
    "spell.letters": (
        "how many letters are there in the name of {x}",
        "of how many letters does the name of {x} consist",
        "how many letters long is the name of {x}",
    ),
    "spell.vowels": (
        "how many vowels are there in the name of {x}",
        "how many of the letters in the name of {x} are vowels",
        "how often do a, e, i, o and u occur in the name of {x}",
    ),
    "spell.backwards": (
        "how is the name of {x} spelt backwards",
        "what do you read if you spell the name of {x} from back to front",
        "what does the name of {x} become in reverse",
    ),
    "spell.digit_sum": (
        "what is the sum of the digits of {x}",
        "what do you get if you add the digits of {x}",
        "what do the digits of {x} add up to",
    ),
}
"""Questions by operation, and by what it is about; the entity, value or phrase is {x}, {a}, {b} or {all}."""
STATISTIC_WORDS = {
    "mean": ("average", "mean"),
    "median": ("median",),
    "total": ("total", "combined"),
}
"""By statistic of a set."""

LEADS = (
    (
        ("Start with {x}.", "Take {x}.", "Begin with {x}."),
        (
            "From there, go on to {x}.",
            "Then take {x}.",
            "Go on to {x}.",
            "Continue with {x}.",
            "Next comes {x}.",
            "Now take {x}.",
        ),
        ("Separately, take {x}.", "Elsewhere, take {x}.", "Start again, with {x}."),
    ),
    (
        ("First find {x}.", "To begin with, find {x}.", "As a first step, find {x}."),
        (
            "Then find {x}.",
            "After that, find {x}.",
            "Next, find {x}.",
            "Following that, find {x}.",
            "Now look up {x}.",
            "Then look for {x}.",
        ),
        ("Separately, find {x}.", "Also find {x}.", "Apart from that, look up {x}."),
    ),
    (
        ("I am thinking of {x}.", "My question begins with {x}.", "It begins with {x}."),
        (
            "That leads to {x}.",
            "This brings me to {x}.",
            "Now think of {x}.",
            "I go on from there to {x}.",
            "That takes us to {x}.",
            "From there we come to {x}.",
        ),
        ("Then there is {x}.", "I am also thinking of {x}.", "There is also {x}."),
    ),
)
"""Ways to walk through chains: sentences for the first part, for a later one, and for the first of another chain."""
ALONE = (
    "By {label} I mean {x}.",
    "{label} in question is {x}.",
    "{label} that I am asking about is {x}.",
    "{label} here is {x}.",
)
AMONG = ("{label} is {x}.", "Let {label} be {x}.", "As {label}, take {x}.", "For {label}, take {x}.")
"""Sentences that give one of several things a name, where it is the only one of its kind and where it is not."""

COMPARISONS = {
    "total": (
        "What {be} the combined {noun} of {all}?",
        "What do you get if you add up the {noun} of {those}?",
        "Taken together, what {be} the {noun} of {all}?",
        "Add up the {noun} of each of the following: {all}. What is the sum?",
    ),
    "difference": (
        "How large is the difference in {noun} between {all}?",
        "By how much do {all} differ in {noun}?",
        "How far apart are {all} in {noun}?",
        "What is the gap between the {noun} of {a} and {that} of {b}?",
    ),
    "largest": (
        "Which has the {most} {noun}: {any}?",
        "Of {all}, which has the {most} {noun}?",
        "Compare the {noun} of {all}. Which has the {most}?",
    ),
    "smallest": (
        "Which has the {least} {noun}: {any}?",
        "Of {all}, which has the {least} {noun}?",
        "Compare the {noun} of {all}. Which has the {least}?",
    ),
    "ranking": (
        "Put {all} in order of {noun}, the {most} first. Answer with the names.",
        "List the names of {all} by {noun}, from the {most} to the {least}.",
        "Rank {all} by {noun}, the {most} first, and give the names in that order.",
    ),
    "whether": (
        "{Be} the {noun} of {a} {more} than {that} of {b}?",
        "Compare the {noun} of {a} with {that} of {b}: {be} the former {more}?",
        "Does {a} have the {more} {noun} of the two, compared with {b}?",
    ),
    "list": (
        "What {be} the {noun} of {a}, and what {be} {that} of {rest}?",
        "Give me the {noun} of {each}.",
        "Put these side by side: the {noun} of {those}.",
        "For {all}, what {be} the {noun} of each?",
    ),
}  # fmt: skip
"""Questions for the same of several, by how the answer follows."""
