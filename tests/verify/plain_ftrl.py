"""The paper's reward, written down a second time from its description alone: plain data, nothing of the package.

A transcript is a list of turns `{"content": str, "parse_error": bool, "calls": [call]}`, and a call is either None
(malformed) or `(tool name, outcome)` with outcome `("value", JSON value)` or `("failure", message)`.
"""

import json


def bare(text):
    return text.lower().replace(",", "").strip()


def output_text(name, outcome):
    kind, content = outcome
    if kind == "failure":
        return f"an error occured when call {name}: {content}"
    if isinstance(content, (dict, list)):
        return json.dumps(content, ensure_ascii=False)
    return str(content)


def answer_verify(predict, golden):
    return all(bare(part) in bare(predict) for part in golden.split(", "))


def without_calls(turn, answer, open_before, solve_rate):
    if turn["calls"] or turn["parse_error"]:
        return -0.3
    if turn["content"] == "":
        return -0.5
    for leftover in ("<tool_call>", "</tool_call>", "<tool_parsed_response>"):
        if leftover in turn["content"]:
            return -0.3
    if bare(answer) in bare(turn["content"]):
        return 1 / (1 + open_before)
    if solve_rate == 1:
        return 0.5
    return 0


def rewards(transcript, unsolved, answer):
    """The four rewards of each turn, by name; `unsolved` maps tools to lists of answers."""
    unsolved = {name: list(answers) for name, answers in unsolved.items()}
    total = sum(map(len, unsolved.values()))
    rows = []
    for turn in transcript:
        open_before = sum(map(len, unsolved.values()))
        good = [call for call in turn["calls"] if call is not None]
        s, n = 0, len(good)
        for name, outcome in good:
            for golden in unsolved.get(name, []):
                if answer_verify(output_text(name, outcome), golden):
                    unsolved[name].remove(golden)
                    s += 1
                    break
        if n:
            rows.append(
                {
                    "ftrl_f1": 2 * s / (n + 1),
                    "ftrl_pr": s * s / n,
                    "ftrl_precision": s / n,
                    "ftrl_rate": s,
                }
            )
        else:
            rate = (total - open_before) / total
            value = without_calls(turn, answer, open_before, rate)
            rows.append(dict.fromkeys(("ftrl_f1", "ftrl_pr", "ftrl_precision", "ftrl_rate"), value))
    return rows
