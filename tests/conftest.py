"""Shared by all tests: being here puts this folder on the path, for `chapter_builder`."""
