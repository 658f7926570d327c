"""The A1111 door at /sdapi/v1: what A1111's clients say, in the studio's words, and the answers in theirs."""
