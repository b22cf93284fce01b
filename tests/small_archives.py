"""Archives: small ones made here, the small real ones, and registries that name them."""

import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_REGISTRY = Path(__file__).with_name("small_registry.toml")
_ADDRESS = "http://127.0.0.1:8765"
# Read when the tests begin: most of them point the variable elsewhere.
_FOLDER = os.environ.get("COURSE_DATA_DIR")


def folder():
    """The folder with the real archives; the test is skipped where there is none."""
    archive = "cats_vs_dogs/kagglecatsanddogs_subset.zip"
    if not _FOLDER or not Path(_FOLDER, archive).is_file():
        pytest.skip(f"no small real archives: COURSE_DATA_DIR names no folder with {archive}")
    return Path(_FOLDER)


def registry(base, file):
    """Write a registry of the real archives, to be had at `base`, and return its path."""
    text = _REGISTRY.read_text(encoding="utf-8")
    assert _ADDRESS in text
    file.write_text(text.replace(_ADDRESS, base), encoding="utf-8")
    return file


def entry(name, contents, *, urls=None, sizes=True, **facts):
    """The text of a registry's entry: files with these contents, each to be had at `urls`."""
    lines = [f"[{name}]"]
    for key, value in facts.items():
        pairs = value.items() if isinstance(value, dict) else ()
        table = "{ " + ", ".join(f"{part} = {number}" for part, number in pairs) + " }"
        lines.append(f"{key} = {table if pairs else json.dumps(value)}")
    for title, content in contents.items():
        lines += [f"[[{name}.files]]", f'name = "{title}"', f"urls = {json.dumps(urls or [title])}"]
        lines.append(f'sha256 = "{hashlib.sha256(content).hexdigest()}"')
        lines += [f"bytes = {len(content)}"] if sizes else []
    return "\n".join(lines)


def encoded(image, kind="JPEG", **options):
    """An image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(seed, size=(40, 60), **options):
    """An image like no other: noise of 5×8 patches."""
    patches = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), dtype=np.uint8)
    smooth = Image.fromarray(patches).resize(size[::-1], Image.Resampling.BICUBIC)
    return encoded(smooth, **options)


def zip_of(files):
    """The bytes of a zip; `files` is a dictionary or, for two of one name, pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            member = zipfile.ZipInfo(name)  # of 1980: the same bytes again
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return file.getvalue()


def tar_of(files, mode="w:gz"):
    """The bytes of a tar; a content of None is a folder."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
            member.size = len(content or b"")
            archive.addfile(member, io.BytesIO(content or b""))
    return file.getvalue()


def idx(array):
    """The bytes of a gzipped IDX file of unsigned bytes."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())
