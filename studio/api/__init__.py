"""The REST API of the studio: every handler translates in, asks the Studio once, and translates out."""
