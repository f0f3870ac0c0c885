"""The backend `chat`: a model proposes, stage by stage; the prompts are files in `prompts/`."""
