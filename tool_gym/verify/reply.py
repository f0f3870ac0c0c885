"""What a reply says: the part of it that answers, without its markup."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)answer ?>", re.IGNORECASE)
_CONCLUSION = re.compile(r"\banswer ?[:=]|\b(?:the|my|final|correct) answer is\b:?", re.IGNORECASE)

_REACH = 200
"""Characters between two marks that belong together; it bounds the search for the second one."""
_MARKUP = [
    (re.compile(r"</?[a-z][^<>]{0,40}>", re.IGNORECASE), " "),
    (re.compile(r"^[ \t]*>+ ", re.MULTILINE), ""),
    (re.compile(r"\n[^\S\n]*\n"), " ; "),  # what stands in another paragraph belongs to another sentence
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[,;:! ]"), " "),
    (re.compile(r"\\[()\[\]]"), " "),
    (re.compile(rf"\$\$([^$]{{1,{_REACH}}})\$\$"), r"\1"),
    # As in Markdown: no space inside the signs and no digit behind them, so that "$5 and $6" are amounts of money.
    (re.compile(rf"\$(?!\s)([^$\n]{{1,{_REACH}}})(?<!\s)\$(?!\d)"), r"\1"),
    *[(re.compile(rf"\\(?:text|textbf|mathrm|mathbf|boxed)\{{([^{{}}]{{0,{_REACH}}})\}}"), r" \1")] * 2,
]
_EMPHASIS = re.compile(rf"(?<!\w)(\*{{1,3}}|_{{1,3}}|`{{1,3}})(?=\S)(.{{1,{_REACH}}}?)(?<=\S)\1(?!\w)")
_GROUPS = re.compile("(?<![\\w.,:/'\u2019-])\\d{1,3}(?:([ \u00a0\u2009\u202f'\u2019])\\d{3})(?:\\1\\d{3})*(?!\\w)")
_MARKER = re.compile(r"^[ \t>#]*(\d{1,2})[.)](?=[ \t]+\S)", re.MULTILINE)


def what_it_says(content: str) -> tuple[str, bool]:
    """The part of a reply that answers, and whether it stands in a tag.

    It is the text of the last `<answer>…</answer>`; without one, what follows the last "Answer:" or "the answer is";
    without that, all of it. Markdown's emphasis, LaTeX's signs of formulas, the numbers of a list's lines and the
    spaces or apostrophes between thousands ("1 481", "1'481") are taken out.
    """
    tag = _last_tag(content)
    text = _plain(content if tag is None else tag)
    if tag is not None:
        return text, True
    conclusion = [match.end() for match in _CONCLUSION.finditer(text)]
    return text[conclusion[-1] :] if conclusion else text, False


def _last_tag(content: str) -> str | None:
    """The text of the last answer tag that is closed, or None."""
    start, found = None, None
    for match in _TAG.finditer(content):
        if not match.group(1):
            start = match.end()
        elif start is not None:
            found, start = content[start : match.start()], None
    return found


def _plain(text: str) -> str:
    text = _without_markers(text.strip())
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    for _ in range(2):  # bold may hold italics
        text = _EMPHASIS.sub(r"\2", text)
    return _GROUPS.sub(lambda match: re.sub(r"\D", "", match.group()), text)


def _without_markers(text: str) -> str:
    """The text without the numbers of its lists' lines, which count 1, 2, 3, …; another number at a start stays."""
    pieces, position, following = [], 0, 1
    for match in _MARKER.finditer(text):
        number = int(match.group(1))
        if number in (1, following):
            pieces.append(text[position : match.start()])
            position, following = match.end(), number + 1
    return "".join([*pieces, text[position:]])
