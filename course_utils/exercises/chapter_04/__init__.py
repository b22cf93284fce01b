"""Self-checks of chapter 04."""

from course_utils.exercises.chapter_04.bases import prepare, trainable_tensors
from course_utils.exercises.chapter_04.features import cut_at, may_be_kept
from course_utils.exercises.chapter_04.networks import notes_head, own_extractor

__all__ = [
    "cut_at",
    "may_be_kept",
    "notes_head",
    "own_extractor",
    "prepare",
    "trainable_tensors",
]
