"""Where in the network training happened: what moved, and what it costs to put it back."""
