"""What stands in a page's file, whatever the tags around it."""

import html
import re


def letters(text):
    """A text without blanks and punctuation, in which markup and line breaks do not matter."""
    return re.sub(r"\W", "", text)


def words_of(page):
    """The letters of all that a page's file says."""
    return letters(html.unescape(re.sub(r"<[^>]*>", "", page.read_text("utf-8"))))
