"""`python -m tool_gym` is the command `tool-gym`."""

from tool_gym.cli import main

main()
