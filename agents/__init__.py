"""Stage B: from a question to an answer with evidence."""
