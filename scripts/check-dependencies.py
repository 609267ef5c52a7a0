#!/usr/bin/env python3
"""What is depended on: every crate and package from the public registry and fixed by its checksum, none under a licence
that the MIT licence of this project cannot live with. It asks no network. Known weaknesses are not looked up here: see
docs/SECURITY.md."""

import json
import re
import subprocess
import sys
import tomllib

CRATES = "registry+https://github.com/rust-lang/crates.io-index"
PACKAGES = "https://registry.npmjs.org/"
# Permissive; MPL-2.0 is about its own files only, and is met in tools that are not shipped.
LICENCES = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "BlueOak-1.0.0",
    "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unicode-3.0", "Unlicense", "Zlib",
}  # fmt: skip

# Says nothing itself: it is a copy of jsonlint, which is under MIT.
TOLD = {"node_modules/@mapbox/jsonlint-lines-primitives": "MIT"}


def is_allowed(expression):
    """Of an SPDX expression; a slash is an older way to say OR."""
    expression = expression.replace("/", " OR ").strip()
    while match := re.search(r"\(([^()]*)\)", expression):
        allowed = "MIT" if is_allowed(match[1]) else "forbidden"
        expression = f"{expression[: match.start()]}{allowed}{expression[match.end() :]}"
    return any(
        all(part.strip() in LICENCES for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression)
    )


def locked(folder):
    """The checksum of each (name, version) in a workspace's lock file."""
    with open(f"{folder}/Cargo.lock", "rb") as file:
        return {(p["name"], p["version"]): p.get("checksum") for p in tomllib.load(file)["package"]}


def crates(folder):
    metadata = json.loads(
        subprocess.check_output(["cargo", "metadata", "--locked", "--format-version", "1"], cwd=folder)
    )
    checksums = locked(folder)
    for package in metadata["packages"]:
        # A path of this repository has no source.
        if package["source"] is None:
            continue
        name = f"{package['name']} {package['version']}"
        if package["source"] != CRATES or not checksums.get((package["name"], package["version"])):
            yield f"{name} is not from crates.io: {package['source']}"
        if not is_allowed(package["license"] or ""):
            yield f"{name} has the licence {package['license']!r}"


def drifted():
    """The benchmarks measure the server with the versions that it is released with."""
    server, bench = locked("."), locked("bench")
    for name in sorted({name for name, _ in server} & {name for name, _ in bench}):
        extra = {version for n, version in bench if n == name} - {version for n, version in server if n == name}
        if extra:
            yield f"bench/Cargo.lock has {name} {', '.join(sorted(extra))}, which Cargo.lock has not"


def packages():
    with open("web/package-lock.json", encoding="utf-8") as file:
        locked = json.load(file)["packages"]
    for name, package in locked.items():
        if not name.startswith("node_modules/"):
            continue
        if not package.get("resolved", PACKAGES).startswith(PACKAGES) or not package.get("integrity"):
            yield f"{name} is not from the npm registry, or has no checksum"
        licence = package.get("license") or TOLD.get(name, "")
        if not is_allowed(licence):
            yield f"{name} has the licence {licence!r}"


if __name__ == "__main__":
    faults = [*crates("."), *crates("bench"), *drifted(), *packages()]
    for fault in faults:
        print(f"dependencies: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print("dependencies: all from the public registries, with checksums, under licences that are allowed")
