"""HTML for notebooks, and progress on a terminal and in a notebook."""
