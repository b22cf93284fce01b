"""Chapters and their execution: read them, run them, judge what they claim."""
