"""Whether the stub answers like the engine: what is asked, what counts as alike, and what the engine said."""
