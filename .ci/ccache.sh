# shellcheck shell=bash disable=SC2154
# Lets CMake compile through ccache where there is one; source it, with $root set to the repository.
# Paths are relative in the cache, so that a second clone finds what the first one compiled.
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
fi
