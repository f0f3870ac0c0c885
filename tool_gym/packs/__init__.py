"""Packs: scenarios as data on disk. They are read, written, found and imported here; no pack is ever run as code.

A pack is a folder: `pack.json` (the manifest), `scenarios.jsonl`, `tools.jsonl` and `tables.jsonl` (tools and tables
by content hash), `ids.txt` (each scenario's id and split), an offset sidecar `*.idx` beside each `*.jsonl`, and a
`README.md`.
"""
