# Debian packages for the scripts of this repository; source it, then:
#
#     coax_need g++ cmake ninja-build $(coax_boost_packages url json)
#
# Nothing is fetched when everything is there, so a prepared machine needs no network.

# Whether a package is installed, or the command of that name came from elsewhere.
coax_has() {
  dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed || command -v "$1" >/dev/null
}

coax_as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "Neither root nor sudo: have this run by an administrator: $*" >&2
    return 1
  fi
}

# Once per script: the lists of a fresh machine are empty. Offline, what is in the lists has to do.
coax_update_lists() {
  [ -n "${coax_lists_updated:-}" ] && return
  coax_lists_updated=yes
  coax_as_root apt-get update -qq >&2 || echo 'apt-get update failed; trying with the lists that are there.' >&2
}

# coax_need PACKAGE...: installs those that are missing, and says which.
coax_need() {
  local package missing=()
  for package in "$@"; do
    coax_has "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "Not Debian: going on without knowing whether these are installed: ${missing[*]}" >&2
    return
  fi
  echo "Installing with apt-get: ${missing[*]}" >&2
  coax_update_lists
  coax_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2
}

# coax_offered PACKAGE...: those that this release of Debian has.
coax_offered() {
  local package
  for package in "$@"; do
    if coax_has "$package" || apt-cache show "$package" >/dev/null 2>&1; then printf '%s\n' "$package"; fi
  done
}

# coax_boost_packages [LIBRARY...]: the names of Boost's headers and of the given libraries (url, json, test).
# The release's default where it is new enough; Debian 12 has Boost 1.81 beside one that is not.
coax_boost_packages() {
  local default version='' library
  if coax_has libboost1.81-dev; then
    version=1.81
  elif command -v apt-cache >/dev/null; then
    apt-cache show libboost-dev >/dev/null 2>&1 || coax_update_lists
    default=$(apt-cache show libboost-dev 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
    dpkg --compare-versions "${default:-0}" lt 1.81 && version=1.81
  fi
  printf 'libboost%s-dev\n' "$version"
  for library in "$@"; do
    printf 'libboost-%s%s-dev\n' "$library" "$version"
  done
}

# coax_library_packages [LIBRARY...]: what all of the library is built with, and more libraries of Boost (test).
coax_library_packages() {
  printf '%s\n' g++ cmake ninja-build libssl-dev zlib1g-dev libisal-dev
  coax_boost_packages url json "$@"
}
