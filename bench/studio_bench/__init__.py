"""The benchmark of a studio that speaks the REST contract, over the stub engine.

Reading order: figures < options < engine_log < processes < client < workbench < measures < merging < main.
All times are time.monotonic(), the clock that the stub's log uses too: one clock for all processes of a
machine, so that a client's, a studio's and an engine's moments can be subtracted.
"""
