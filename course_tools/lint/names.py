"""The public names of the package, read from its source without importing it."""

import ast
from functools import cache
from pathlib import Path


@cache
def public_names(package: Path, module: str) -> frozenset[str] | None:
    """Return the public names of one module.

    Args:
        package: the folder of the package.
        module: the module in it, "plots" or "explain.cam"; "" for the package itself.

    Returns:
        What `__all__` lists, else what the module defines without a leading underscore; for a
        folder its modules too. None when there is no such module.

    Example:
        >>> import course_utils
        >>> "InputError" in public_names(Path(course_utils.__file__).parent, "errors")
        True
    """
    place = package.joinpath(*module.split(".")) if module else package
    file = place / "__init__.py" if place.is_dir() else place.with_name(place.name + ".py")
    if not file.is_file():
        return None
    tree = ast.parse(file.read_text("utf-8"))
    names = _listed(tree)
    if names is None:
        names = {name for node in tree.body for name in _defined(node) if name[0] != "_"}
    if place.is_dir():
        parts = {path.stem for path in place.iterdir() if path.suffix == ".py"}
        parts |= {path.parent.name for path in place.glob("*/__init__.py")}
        names |= {name for name in parts if name[0] != "_"}
    return frozenset(names)


def _listed(tree: ast.Module) -> set[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            try:
                return set(ast.literal_eval(node.value))
            except ValueError:
                return None
    return None


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    # Names that a folder passes on from its own modules; other imports are its own affair.
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils."):
        return [name.asname or name.name for name in node.names]
    return []
