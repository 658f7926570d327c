"""The demonstration model: a tiny text-to-image model that ships with the studio."""
