"""Scenarios, built automatically: `deploy(scale(integrate(document(decompose(topic)))))`.

Five stages, a file each, take and return the typed values of `proposals` and check them whoever proposed. A backend
answers what they ask: `backends.worlds` computes its answers from invented worlds and needs no model.
"""
