/// What a fuzz target holds to be true.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace coax {

/// Ends the run, which makes the fuzzer keep the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace coax
