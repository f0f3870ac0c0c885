"""The scenario packs that ship with tool_gym: data only; nothing here runs at import."""
