"""Raw model text to actions: one file per way in which model families write tool calls; `parser` is their face."""
