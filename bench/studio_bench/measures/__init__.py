"""One measure a module: `async def measure(bench) -> Figures`."""
