"""The tabs of the page: each builds its own part and returns what other parts may fill."""
