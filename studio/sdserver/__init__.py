"""The engine sd-server: getting its binary, and driving it as a child process.

`install*` finds, builds or downloads the binary; every other module of the package runs it. Programs are
started only from here.
"""
