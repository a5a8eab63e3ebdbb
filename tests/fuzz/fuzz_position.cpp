// A token gives the position back that it was made of, and nothing else is a token.
#include "fuzz/require.hpp"
#include <coax/position.hpp>

#include <cstring>

namespace {

void reads(std::string_view token) {
  const auto p = coax::position::from_token(token);
  if (!p) return;
  coax::require(p->to_token() == token, "a position has one token");
  coax::require(p->epoch().size() <= coax::position::max_epoch, "the limit holds");
  coax::require(!p->epoch().empty() || *p == coax::position(), "without an epoch there is no place");
}

void writes(std::string_view bytes) {
  if (bytes.size() < 17) return;
  std::uint64_t offset = 0, tag = 0;
  std::memcpy(&offset, bytes.data(), 8);
  std::memcpy(&tag, bytes.data() + 8, 8);
  const coax::position p(std::string(bytes.substr(16, coax::position::max_epoch)), offset, tag);
  const auto token = p.to_token();
  coax::require(token.size() <= coax::position::max_token, "a token is short");
  coax::require(coax::position::from_token(token) == p, "a token is read as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  reads(bytes);
  writes(bytes);
  return 0;
}
