"""The door for agents, at /mcp: the Model Context Protocol in and out, the studio's queue behind it."""
