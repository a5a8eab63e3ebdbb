// Whatever a client sends as a token is refused or has been signed; what was signed comes back.
//
// Input: a line with the purpose, and the token or the payload.
#include "fuzz/require.hpp"
#include <coax/signing_keys.hpp>

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const coax::signing_keys keys({"a newer secret of the fuzzer", "an older secret of the fuzzer"});
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto purpose = coax::next_line(rest);

  if (const auto payload = keys.verify(purpose, rest))
    coax::require(keys.sign(purpose, *payload) == rest, "a token is what was signed");
  const auto token = keys.sign(purpose, rest);
  coax::require(keys.verify(purpose, token) == rest, "what was signed comes back");
  coax::require(!keys.verify(std::string(purpose) + "x", token), "for its purpose only");
  return 0;
}
