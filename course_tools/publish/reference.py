"""Pages of the package for readers of the site: one a teaching module, from its docstrings."""

import ast
from pathlib import Path

from course_tools.run.fingerprint import PACKAGE

__all__ = ["reference_pages"]

# For the other modules, and not for chapters.
_OTHERS = {"tensorflow_device", "cache"}


def reference_pages(package: Path = PACKAGE) -> dict[str, str]:
    """The pages, each named as Sphinx names a document.

    Args:
        package: the folder of `course_utils`.

    Returns:
        Name to MyST Markdown; `api/index` lists the others.

    Example:
        >>> "api/convolution" in reference_pages()
        True
    """
    rows, found = [], {}
    for name, summary in _modules(package):
        found[f"api/{name}"] = (
            f"# {name}\n\n```{{eval-rst}}\n.. automodule:: course_utils.{name}\n   :members:\n```\n"
        )
        rows.append(f"| [{name}]({name}.md) | {summary} |")
    toc = "\n".join(name.removeprefix("api/") for name in found)
    found["api/index"] = (
        "# The package\n\nWhat chapters take from `course_utils`, from its own docstrings. Shapes "
        "are written `(batch, height, width, channels)`.\n\n| module | what it is for |\n|---|---|"
        "\n" + "\n".join(rows) + f"\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n"
    )
    return found


def _modules(package: Path):
    for path in sorted(package.iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        name = path.stem
        if name.startswith("_") or name in _OTHERS or file.suffix != ".py" or not file.is_file():
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        public = any(
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            for node in tree.body
        )
        if public:
            yield name, (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
