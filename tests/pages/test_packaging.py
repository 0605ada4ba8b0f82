"""What a user installs, and what the repository is allowed to hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

TOP_LEVEL = {
    "tap_meta_partner",
    "tests",
    "docs",
    "meltano.yml",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    ".ci",
    ".dockerignore",
    ".github",
    ".env.example",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
}

# In pieces, so that this file does not name them either.
REGISTRY_HOSTS = [
    ("pypi", "org"),
    ("files", "pythonhosted", "org"),
    ("registry", "npmjs", "org"),
    ("deb", "debian", "org"),
]


def find_uv() -> str:
    beside_python = Path(sys.executable).parent
    path = os.pathsep.join([str(beside_python), os.environ.get("PATH", "")])
    uv = os.environ.get("UV") or shutil.which("uv", path=path)  # `uv run` says where it is in UV
    if uv is None:
        pytest.skip("building needs uv: python3 -m pip install uv")
    return uv


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist made from this checkout and the wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    build = [find_uv(), "build", "--python", sys.executable, "--out-dir", str(out), str(ROOT)]
    # uv has usually fetched the build backend already; only where it has not is the network asked.
    for command in ([*build, "--offline"], build):
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode == 0:
            return out
    pytest.fail(f"uv build failed:\n{result.stderr}")


@pytest.fixture(scope="module")
def sdist_files(built: Path) -> set[str]:
    """Paths in the sdist, without the folder that carries its name and version."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        return {member.name.split("/", 1)[1] for member in tar if member.isfile()}


@pytest.fixture(scope="module")
def wheel(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it lies on a user's disk."""
    (archive,) = built.glob("*.whl")
    unpacked = tmp_path_factory.mktemp("wheel")
    shutil.unpack_archive(archive, unpacked, format="zip")
    return unpacked


@pytest.fixture(scope="module")
def distribution(wheel: Path) -> metadata.Distribution:
    """The wheel's metadata, as pip reads it."""
    (dist_info,) = wheel.glob("*.dist-info")
    return metadata.Distribution.at(dist_info)


@pytest.fixture(scope="module")
def repository_files() -> list[Path]:
    """Paths, from the root, that git keeps or would keep with the next commit."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    # In containers the checkout often belongs to somebody else, which git refuses unless told.
    listing = [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    result = subprocess.run(
        [*listing, "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in result.stdout.split("\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Installing the tap puts one package on the disk, no `tests` that clash with others'."""
    top = {entry.name for entry in wheel.iterdir() if entry.suffix != ".dist-info"}

    assert top == {"tap_meta_partner"}


def test_the_wheel_holds_no_tests_or_scratch(wheel: Path) -> None:
    """Neither tests, nor their fixtures, nor compiled files travel with the tap."""
    names = [path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()]

    assert not [name for name in names if "test" in name.split("/")[-1] or "/tests/" in name]
    assert not [name for name in names if name.endswith((".pyc", ".env", ".jsonl", ".db"))]


def test_a_package_index_takes_both_files(built: Path) -> None:
    """`twine check --strict` has nothing to say to metadata and README."""
    files = sorted(str(path) for path in built.iterdir() if path.name.startswith("tap_meta"))
    twine = [sys.executable, "-m", "twine", "check", "--strict", *files]

    result = subprocess.run(twine, capture_output=True, text=True, timeout=120, check=False)

    assert len(files) == 2
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("PASSED") == 2


def test_the_wheel_holds_all_of_the_package(wheel: Path, sdist_files: set[str]) -> None:
    """No module or data file of the package is lost on the way from the sources to the wheel."""
    in_sdist = {name for name in sdist_files if name.startswith("tap_meta_partner/")}
    in_wheel = {
        path.relative_to(wheel).as_posix()
        for path in (wheel / "tap_meta_partner").rglob("*")
        if path.is_file()
    }

    assert "tap_meta_partner/__init__.py" in in_wheel
    assert in_wheel == in_sdist


def test_type_checkers_see_our_types(wheel: Path) -> None:
    """Without `py.typed`, mypy ignores every annotation of an installed package."""
    assert (wheel / "tap_meta_partner" / "py.typed").is_file()


def test_the_licence_travels_along(
    wheel: Path, distribution: metadata.Distribution, sdist_files: set[str]
) -> None:
    """Apache-2.0 asks that every copy carries its text; scanners read the expression."""
    (dist_info,) = wheel.glob("*.dist-info")

    assert "LICENSE" in sdist_files
    assert (dist_info / "licenses" / "LICENSE").is_file()
    assert distribution.metadata["License-Expression"] == "Apache-2.0"


def test_the_sdist_can_be_built_and_tested(sdist_files: set[str]) -> None:
    """A packager needs the sources, the tests, and the texts the metadata refers to."""
    expected = {"pyproject.toml", "README.md", "CHANGELOG.md", "tests/pages/test_packaging.py"}

    assert expected <= sdist_files
    assert not [name for name in sdist_files if "__pycache__" in name or name.endswith(".env")]


def test_the_tap_needs_four_packages(distribution: metadata.Distribution) -> None:
    """Each further dependency is one more to break a nightly run: adding one is a decision."""
    requirements = [Requirement(line) for line in distribution.requires or []]
    needed = {
        requirement.name
        for requirement in requirements
        if requirement.marker is None or "extra" not in str(requirement.marker)
    }

    assert needed == {"singer-sdk", "requests", "tzdata", "urllib3"}


def test_servers_and_loaders_come_only_when_asked_for(distribution: metadata.Distribution) -> None:
    """Sandbox, demo, tables and the keyring are extras: `tap-meta-partner[demo]`."""
    extras = set(distribution.metadata.get_all("Provides-Extra") or [])

    assert extras == {"sandbox", "demo", "cli", "keyring", "verify", "report"}


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("werkzeug", "sandbox"),
        ("rich", "cli"),
        ("meltano", "demo"),
        ("keyring", "keyring"),
        ("sqlalchemy", "verify"),
        ("pygal", "report"),
    ],
)
def test_extras__bring_what_their_command_needs(
    distribution: metadata.Distribution, package: str, extra: str
) -> None:
    """The sandbox is in the wheel, the web library under it comes with `[sandbox]` only."""
    markers = [
        each.marker
        for each in map(Requirement, distribution.requires or [])
        if each.name == package  # more than once where [demo] brings it too
    ]

    assert None not in markers
    assert any(marker.evaluate({"extra": extra}) for marker in markers if marker)
    assert not any(marker.evaluate({"extra": ""}) for marker in markers if marker)


def test_both_commands_are_installed(distribution: metadata.Distribution) -> None:
    """The tap for Singer and Meltano, `meta-partner` for people."""
    commands = {entry.name for entry in distribution.entry_points.select(group="console_scripts")}

    assert commands == {"tap-meta-partner", "meta-partner"}


def test_no_file_names_a_package_registry(repository_files: list[Path]) -> None:
    """Where packages come from is each machine's own setting, so mirrors keep working."""
    hosts = [".".join(parts).encode() for parts in REGISTRY_HOSTS]
    contents = {path: (ROOT / path).read_bytes().lower() for path in repository_files}

    found = [
        f"{path}: {host.decode()}"
        for path, content in contents.items()
        for host in hosts
        if host in content
    ]

    assert not found


def test_the_top_level_stays_small(repository_files: list[Path]) -> None:
    """A newcomer sees the package, its tests and texts; lock files, scratch, secrets stay out."""
    assert {path.parts[0] for path in repository_files} <= TOP_LEVEL


# The wheel in an environment of its own


@pytest.fixture(scope="module")
def fresh(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment with the wheel and what it needs, no more."""
    uv, environment = find_uv(), tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    (archive,) = built.glob("*.whl")
    install = [uv, "pip", "install", "--quiet", "--python", str(environment), str(archive)]
    # As for the build: uv has mostly fetched all of it already.
    for command in ([*install, "--offline"], install):
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if result.returncode == 0:
            return programs
    pytest.fail(f"the wheel cannot be installed:\n{result.stderr}")


def run_in(fresh: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of that environment, away from this checkout and its variables."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "TAP_META_PARTNER_"))
    }
    return subprocess.run(
        [str(fresh / program), *arguments],
        cwd=fresh.parent,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def installed_in(fresh: Path) -> dict[str, list[Requirement]]:
    """What an environment holds: each distribution with what it needs there, by name."""
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({d.name: d.requires or [] for d in m.distributions()}))"
    )
    listed: dict[str, list[str]] = json.loads(run_in(fresh, "python", "-c", code).stdout)
    return {
        canonicalize_name(name): [Requirement(line) for line in lines]
        for name, lines in listed.items()
    }


def test_fresh_install__about_says_what_was_built(
    fresh: Path, distribution: metadata.Distribution
) -> None:
    """Installed alone, the tap starts, and is the version of its file."""
    result = run_in(fresh, "tap-meta-partner", "--about", "--format=json")

    assert result.returncode == 0, result.stderr
    about = json.loads(result.stdout)
    assert about["name"] == "tap-meta-partner"
    assert about["version"] == distribution.version
    assert "access_token" in about["settings"]["properties"]


def test_fresh_install__brings_the_four_and_what_these_need(fresh: Path) -> None:
    """Nothing of the extras comes along, and every package there is asked for by one of four."""
    present = installed_in(fresh)
    wanted, reached = ["singer-sdk", "requests", "urllib3", "tzdata"], {"tap-meta-partner"}
    while wanted:
        name = wanted.pop()
        if name in present and name not in reached:
            reached.add(name)
            wanted += [canonicalize_name(each.name) for each in present[name]]

    assert reached == set(present)
    assert {"singer-sdk", "requests"} <= set(present)
    assert not {"werkzeug", "rich", "meltano", "keyring", "psycopg", "pytest"} & set(present)


def test_fresh_install__people_have_their_commands(fresh: Path) -> None:
    """`invite` prints, without colours; `sandbox` says in one line what to install for it."""
    invite = run_in(fresh, "meta-partner", "invite", "--business-id", "1234567890")
    sandbox = run_in(fresh, "meta-partner", "sandbox")

    assert invite.returncode == 0, invite.stderr
    assert "1234567890" in invite.stdout
    assert sandbox.returncode == 1
    assert sandbox.stderr.startswith("Error: werkzeug is missing")
    assert "Traceback" not in sandbox.stderr
