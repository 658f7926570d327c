"""The door for OpenAI's clients, at /v1: their words in and out, the studio's queue behind it."""
