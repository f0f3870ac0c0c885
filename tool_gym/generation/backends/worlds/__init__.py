"""The backend `worlds`: a small query engine over invented, seeded data, read aloud. No model, no network.

`domain` reads declarations (`domains/*.toml`), `world` invents rows, `plan` draws a graph of operations, `language`
reads it aloud, `families/` hold one kind of tool each, and `backend` answers the stages.
"""
