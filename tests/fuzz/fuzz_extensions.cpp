// Whatever the two heads say, what is agreed on is within what was offered, and a server of ours answers so that a
// client of ours understands it.
#include "fuzz/require.hpp"
#include "protocol/extensions.hpp"

#include <cstdint>

using namespace coax::protocol;

namespace {

coax::deflate_options options_from(unsigned bits) {
  coax::deflate_options o(bits & 1 ? coax::deflate_mode::context_takeover : coax::deflate_mode::no_context_takeover);
  o.server_max_window_bits(8 + (bits >> 1 & 7)).client_max_window_bits(8 + (bits >> 4 & 7));
  return o.server_no_context_takeover((bits & 128) != 0);
}

void check_server(std::string_view request, const coax::deflate_options& ours) {
  const header_field fields[] = {{"Sec-WebSocket-Extensions", request}};
  const auto answer = choose_deflate(fields, ours);
  if (!answer) return;
  coax::require(answer->agreement.server_max_window_bits <= ours.server_max_window_bits(), "our own limit holds");
  const header_field reply[] = {{"Sec-WebSocket-Extensions", answer->extension}};
  const auto all = parse_extensions(reply);
  coax::require(all.size() == 1 && !all[0].malformed, "the answer is one extension");
}

void check_client(std::string_view reply, const coax::deflate_options& offered) {
  const header_field fields[] = {{"Sec-WebSocket-Extensions", reply}};
  const auto got = check_extensions(fields, offered);
  if (!got) {
    coax::require(!got.error().text.empty(), "a failure has a text");
    return;
  }
  if (!*got) return;
  coax::require((*got)->server_max_window_bits <= offered.server_max_window_bits(), "the server keeps to the offer");
  coax::require((*got)->client_max_window_bits <= offered.client_max_window_bits(), "we keep to our own limit");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto ours = options_from(data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_server(text, ours);
  check_client(text, ours);
  return 0;
}
