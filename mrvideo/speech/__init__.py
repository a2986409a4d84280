"""What is said, from sound: speech to text with times, and who speaks."""
