"""Where in a video something is: sources that rank for themselves, met on time."""
