#!/usr/bin/env python3
"""Checks dependencies offline: every crate and package must come from the public registry, have a checksum and a licence
that deny.toml allows. Known vulnerabilities are not looked up here: see docs/SECURITY.md."""

import json
import re
import subprocess
import sys
import tomllib

CRATES = "registry+https://github.com/rust-lang/crates.io-index"
PACKAGES = "https://registry.npmjs.org/"
with open("deny.toml", "rb") as file:
    LICENCES = set(tomllib.load(file)["licenses"]["allow"])

# Its package states no licence; it is a copy of jsonlint, which is under MIT.
UNSTATED = {"node_modules/@mapbox/jsonlint-lines-primitives": "MIT"}


def is_allowed(expression):
    """Evaluates an SPDX expression; a slash is an older notation of OR."""
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
        licence = package.get("license") or UNSTATED.get(name, "")
        if not is_allowed(licence):
            yield f"{name} has the licence {licence!r}"


if __name__ == "__main__":
    faults = [*crates("."), *crates("bench"), *drifted(), *packages()]
    for fault in faults:
        print(f"dependencies: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print("dependencies: all from public registries, with checksums and allowed licences")
