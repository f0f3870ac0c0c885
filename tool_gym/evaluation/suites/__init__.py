"""The suites that ship, a TOML file each; `evaluation.suite` says what such a file holds, and reads it."""
