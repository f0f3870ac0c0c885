"""Running strangers' tools: the dialect they are written in, and the sealed processes they run in."""
