"""Reports of runs: one self-contained page, the same tables as Markdown, JSON and JSONL, scalars for TensorBoard."""
