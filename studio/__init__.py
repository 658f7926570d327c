"""sd.cpp Studio without a face: the queue, the worker, the engine driver and the REST API."""
