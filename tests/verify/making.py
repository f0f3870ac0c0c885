"""Short hands for the tests of verification."""

from tool_gym.messages import AssistantMessage, ToolCall, ToolMessage
from tool_gym.scenario import Expected, SubQuestion


def expect(value, kind="text", path=None, **more):
    return Expected(value=value, kind=kind, path=path, **more)


def step(name, expected, tools=("find",), arguments=None):
    return SubQuestion(id=name, question="", tools=tools, arguments=arguments, expected=expected)


def call(name="find", **arguments):
    return ToolCall(id="c", name=name, arguments=arguments)


def ok(value, made=None):
    return ToolMessage.ok(made or call(), value)


def failed(message, made=None, status="tool_error"):
    return ToolMessage.failure(made or call(), status, message)


def act(*calls, content=""):
    return AssistantMessage(content=content, tool_calls=tuple(calls))
