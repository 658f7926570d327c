"""How the demonstration model was made and how it is measured. Nothing in the running studio imports this."""
