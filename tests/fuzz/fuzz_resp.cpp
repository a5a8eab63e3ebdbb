// What a Redis server may send: read alike however it is cut, written again and read again the same, within limits.
#include "fuzz/require.hpp"
#include "protocol/resp.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace coax::protocol;

namespace {

// A value in the simplest form that means the same.
void write(std::string& to, const resp_value& v) {
  switch (v.kind()) {
    case resp_kind::null: to += "_\r\n"; return;
    case resp_kind::text: append_bulk(to, v.text()); return;
    case resp_kind::error:
      to += "!" + std::to_string(v.text().size()) + "\r\n" + std::string(v.text()) + "\r\n";
      return;
    case resp_kind::integer: to += ":" + std::to_string(*v.integer()) + "\r\n"; return;
    case resp_kind::real: to += "," + std::string(v.text()) + "\r\n"; return;
    case resp_kind::boolean: to += *v.integer() != 0 ? "#t\r\n" : "#f\r\n"; return;
    case resp_kind::array: append_array_head(to, v.size()); break;
    case resp_kind::map: to += "%" + std::to_string(v.size() / 2) + "\r\n"; break;
    case resp_kind::push: to += ">" + std::to_string(v.size()) + "\r\n"; break;
  }
  std::size_t n = 0;
  for (const auto element : v) {
    write(to, element);
    ++n;
  }
  coax::require(n == v.size(), "an aggregate has as many elements as it says");
}

struct outcome {
  std::string values;
  std::string error;
  bool operator==(const outcome&) const = default;
};

outcome read(std::string_view bytes, std::size_t piece, const resp_limits& limits = {}) {
  resp_parser p(limits);
  outcome o;
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    p.append(part);
    while (const auto v = p.next()) write(o.values, *v);
  }
  if (p.error()) o.error = p.error()->text;
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto expected = read(bytes, bytes.size() + 1);
  coax::require(read(bytes, 1) == expected, "byte by byte it is the same");
  coax::require(read(bytes, 2 + data[0] % 40) == expected, "and in pieces");
  const auto again = read(expected.values, 7);
  coax::require(again.error.empty() && again.values == expected.values, "what is read can be written and read again");

  resp_limits limits;
  limits.depth = data[0] % 4;
  limits.elements = data[0];
  limits.text = data[0];
  limits.value = std::size_t{2} * data[0];
  coax::require(read(bytes, 3, limits) == read(bytes, 5, limits), "limits do not depend on how it is cut");
  return 0;
}
