// Whom a request is from: fields of arbitrary text, from peers that are trusted or not.
//
// Input: a line with the peer, and lines of which each is a field: "f" and a value of Forwarded, "p" and one of
// X-Forwarded-Proto, or one of X-Forwarded-For.
#include "fuzz/require.hpp"
#include "http/forwarded.hpp"

#include <cstdint>

using namespace coax;

namespace {

protocol::header_field field_of(std::string_view line) {
  if (line.starts_with('f')) return {"Forwarded", line.substr(1)};
  if (line.starts_with('p')) return {"X-Forwarded-Proto", line.substr(1)};
  return {"X-Forwarded-For", line};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const protocol::network_list trusted({"10.0.0.0/8", "fd00::/8", "unix"});
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto peer = http::identity_of(next_line(text), false);
  std::vector<protocol::header_field> fields;
  while (!text.empty()) fields.push_back(field_of(next_line(text)));

  for (const auto which : {forwarded_field::x_forwarded_for, forwarded_field::forwarded}) {
    const auto client = http::forwarded_client(peer, fields, which, trusted);
    if (trusted.contains_endpoint(peer.address)) {
      const auto address = protocol::parse_address(client.address);
      require(address || client.address == peer.address, "what is told is an address");
      require(!address || address->to_string() == client.address, "an address has one text");
    } else {
      require(client.address == peer.address && !client.secure, "who is not trusted tells nothing");
    }
  }
  return 0;
}
