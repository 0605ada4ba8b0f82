"""The list of modules in docs/architecture.md: `uv run python -m tests.support.architecture`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tap_meta_partner"
PAGE = ROOT / "docs" / "architecture.md"
_BLOCK = re.compile(r"(<!-- modules: [^>]*-->\n)(.*?)(<!-- /modules -->)", re.DOTALL)
#: The first contract of the import linter: floors from the top down, those on one divided by "|".
_LAYERS = re.compile(r'containers = \["tap_meta_partner"\].*?layers = \[\n(.*?)\n\]', re.DOTALL)
_FLOOR = re.compile(r'^\s*"([^"]+)"', re.MULTILINE)


def floors() -> list[list[str]]:
    """Return what stands on each floor of the package, from the ground up."""
    contract = _LAYERS.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = _FLOOR.findall(contract.group(1)) if contract else []
    return [re.findall(r"\w+", floor) for floor in reversed(found)]


def said_of(module: Path) -> str:
    """Return the first line of a module's docstring."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def module_list() -> str:
    """Make the list: from the top floor down each package with its modules, as they say it."""
    names = [name for floor in reversed(floors()) for name in sorted(floor)]
    alone = [f"{name}.py" for name in names if (PACKAGE / f"{name}.py").is_file()]
    parts = [_table("On top", "", [PACKAGE / name for name in alone])]
    for name in names:
        if (PACKAGE / name).is_dir():
            folder = PACKAGE / name
            parts.append(_table(f"`{name}/`", said_of(folder / "__init__.py"), _modules(folder)))
    return "\n".join(parts)


def _modules(folder: Path) -> list[Path]:
    """List a package's own modules, then those of each package in it, that package first."""
    within = sorted(path for path in folder.iterdir() if path.suffix == ".py")
    below = [path for path in sorted(folder.iterdir()) if (path / "__init__.py").is_file()]
    own = [path for path in within if path.name != "__init__.py"]
    return own + [path for each in below for path in (each / "__init__.py", *_modules(each))]


def _table(title: str, said: str, modules: list[Path]) -> str:
    rows = [
        f"| `{path.relative_to(PACKAGE).as_posix().removesuffix('__init__.py')}` "
        f"| {said_of(path)} |\n".replace("`|`", "`\\|`")
        for path in modules
    ]
    head = f"### {title}\n\n" + (f"{said}\n\n" if said else "")
    return head + "| Module | What it says of itself |\n|---|---|\n" + "".join(rows)


def shown_list(page: str) -> str:
    """Return the list that the page shows."""
    match = _BLOCK.search(page)
    return match.group(2) if match else ""


def main() -> None:
    """Write the list into the page."""
    page = PAGE.read_text(encoding="utf-8")
    made = _BLOCK.sub(lambda match: match.group(1) + module_list() + match.group(3), page)
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
