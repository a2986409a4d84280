"""Ask questions of long videos."""
