# Sourced by ./try and ./check: which Debian packages are missing, and how to get them.
# shellcheck shell=bash disable=SC2034
#
# A need is written  PACKAGE  or  PACKAGE>=VERSION  or  PACKAGE!COMMAND (the package, unless that
# command is there already, wherever it came from).

BUILD_NEEDS=(
  g++ meson ninja-build pkg-config ccache
  'libnghttp2-dev>=1.52.0-1+deb12u3' libssl-dev 'libevent-dev>=2.1.12-stable-8+deb12u1'
  libfmt-dev libspdlog-dev libexpected-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  prometheus-cpp-dev libcpp-httplib-dev libre2-dev liblmdb-dev libxxhash-dev libhiredis-dev python3
)

# The parser of HTTP/1.1 is a package of its own from Debian 13 on; Debian 12 has it in node-llhttp.
llhttp_need() {
  if [ -e /usr/share/llhttp/llhttp.c ] || pkg-config --exists libllhttp 2>/dev/null; then
    return
  elif apt-cache show libllhttp-dev >/dev/null 2>&1; then
    echo libllhttp-dev
  else
    echo node-llhttp
  fi
}

installed_version() { dpkg-query -W -f='${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'; }

# Prints the packages that its arguments need and the machine has not.
missing_packages() {
  local need package version
  for need in "$@"; do
    case "$need" in
      *!*)
        command -v "${need#*!}" >/dev/null || echo "${need%%!*}" ;;
      *'>='*)
        package=${need%%>=*} version=$(installed_version "$package")
        [ -n "$version" ] && dpkg --compare-versions "$version" ge "${need#*>=}" || echo "$package" ;;
      *)
        [ -n "$(installed_version "$need")" ] || echo "$need" ;;
    esac
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ] && [ -z "${CI:-}" ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@"
}

# Installs what its arguments need and the machine has not. Needs no network when nothing is missing.
install_needs() {
  local missing
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "This is no Debian: I take it that these are installed in some other way: $*" >&2
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} = 0 ] && return 0
  echo "Missing Debian packages: ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "Install them as root, then run this again:  apt-get install ${missing[*]}" >&2
    return 1
  fi
  # The lists are fetched only when the packages cannot be had with those that are here.
  if ! apt_install "${missing[@]}"; then
    as_root apt-get update -o DPkg::Lock::Timeout=300 && apt_install "${missing[@]}" || return 1
  fi
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} != 0 ]; then
    echo "Still missing, or older than needed: ${missing[*]}" >&2
    return 1
  fi
}

# Configures a build folder, unless that was done:  configure FOLDER [MESON OPTION…]
configure() {
  local folder=$1
  shift
  [ -e "$folder/build.ninja" ] && return 0
  rm -rf "$folder"
  meson setup "$folder" "$@"
}
