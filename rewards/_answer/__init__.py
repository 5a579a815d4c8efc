"""What several rewards need to read an answer: clean text and the final statement. Not a reward."""
