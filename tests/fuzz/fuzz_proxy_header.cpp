// What comes in front of a connection: the header of a proxy, in whatever pieces, or something else.
//
// Input: a byte that sets the size of the pieces, and the stream.
#include "fuzz/require.hpp"
#include "protocol/proxy_header.hpp"

#include <cstdint>

using namespace coax::protocol;
using verdict = proxy_header::verdict;

namespace {

// Reads as a server does: never more than is wanted.
proxy_header read(std::string_view stream, std::size_t piece) {
  std::size_t n = 0;
  for (;;) {
    const auto h = read_proxy_header(stream.substr(0, n));
    if (h.what != verdict::more || n == stream.size()) return h;
    coax::require(h.size > 0, "more means at least a byte");
    coax::require(n + h.size <= proxy_header::max_size, "what is wanted is bounded");
    n = std::min(n + std::min(h.size, piece), stream.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read_proxy_header(stream);
  const auto pieces = read(stream, data[0] + 1U);

  coax::require(whole.what == pieces.what && whole.size == pieces.size, "pieces make no difference");
  coax::require(whole.endpoints.has_value() == pieces.endpoints.has_value(), "pieces make no difference");
  if (whole.what == verdict::complete)
    coax::require(whole.size <= stream.size() && whole.size >= 15, "a header is in what has come");
  else
    coax::require(!whole.endpoints, "only a header tells of a client");
  if (whole.endpoints)
    coax::require(whole.endpoints->remote.size() <= 108 && whole.endpoints->local.size() <= 108, "endpoints are short");
  return 0;
}
