"""What people see: HTML for notebooks, progress on a terminal and in a cell."""
