// A request as it arrives: the head is cut out and parsed alike in any pieces, what is taken leaves no doubt where the
// body ends, and the body is decoded alike in any pieces.
//
// Input: a byte that sets the size of the pieces, and what a client sends.
#include "fuzz/require.hpp"
#include "http/grammar.hpp"
#include "http/head_scanner.hpp"
#include "http/request.hpp"
#include "http/target.hpp"

#include <cstdint>

using namespace coax;
using namespace coax::http;
using verdict = head_scanner::verdict;

namespace {

verdict scan(head_scanner& scanner, std::string_view stream, std::size_t piece) {
  for (std::size_t n = std::min(piece, stream.size());; n = std::min(n + piece, stream.size())) {
    const auto v = scanner.scan(stream.substr(0, n));
    if (v != verdict::need_more || n == stream.size()) return v;
  }
}

void check_target(std::string_view text) {
  const auto t = parse_target(text);
  if (!t || t->asterisk) return;
  std::string again;
  for (const auto& s : t->segments) {
    require(s != "." && s != "..", "dots are resolved");
    require(s.find('\0') == s.npos, "no NUL in a path");
    again.append("/").append(percent_encode(s));
  }
  const auto same = parse_target(again);
  require(same && same->segments == t->segments, "what is written anew leads to the same place");
}

void check_head(const request& r, const request_parser& parser) {
  require(r.version == 10 || r.version == 11, "a version that is served");
  require(protocol::is_token(r.method), "the method is a token");
  for (const auto& f : r.fields) {
    require(protocol::is_token(f.name), "names are tokens");
    require(protocol::valid_field_value(f.value), "values hold no controls");
  }
  const auto codings = protocol::count(r.fields, "Transfer-Encoding");
  const auto lengths = protocol::count(r.fields, "Content-Length");
  require(codings == 0 || lengths == 0, "one kind of framing");
  require(
      codings == 0 || protocol::iequals(protocol::only_value(r.fields, "Transfer-Encoding").value_or(""), "chunked"),
      "chunked is the only coding");
  require(protocol::count(r.fields, "Host") <= 1 && (r.version < 11 || protocol::count(r.fields, "Host") == 1),
          "one host");
  require(parser.body().present || codings == 0, "a coding means a body");
  require(!parser.body().present || codings + lengths != 0, "a body is framed");
}

struct decoded {
  std::string body;
  bool malformed = false;
  bool done = false;
};

decoded decode(request_parser& parser, std::string_view stream, std::size_t piece) {
  decoded d;
  std::string input;
  for (std::size_t at = 0; !parser.done() && at < stream.size(); at += piece) {
    input += stream.substr(at, piece);
    for (;;) {
      const auto p = parser.decode(input, d.body);
      input.erase(0, p.used);
      d.malformed = p.malformed;
      if (d.malformed) return d;
      if (p.used == 0 || input.empty() || parser.done()) break;
    }
  }
  d.done = parser.done();
  return d;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + 1U;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const head_limits limits{512, 256, 16};
  head_scanner at_once(limits), in_pieces(limits);
  const auto v = scan(at_once, stream, std::max<std::size_t>(stream.size(), 1));
  require(v == scan(in_pieces, stream, piece), "pieces make no difference to the head");
  if (v == verdict::refused) require(at_once.why().status == in_pieces.why().status, "nor to why it is refused");
  if (v != verdict::complete) return 0;
  require(at_once.end() == in_pieces.end() && at_once.begin() == in_pieces.begin(), "nor to where it ends");

  const auto bytes = stream.substr(at_once.begin(), at_once.end() - at_once.begin());
  require(bytes.size() <= limits.bytes && bytes.ends_with("\r\n\r\n"), "a head is within its limit and whole");
  request r(bytes), same(bytes);
  request_parser parser, other;
  if (parser.parse_head(r)) return 0;
  require(!other.parse_head(same), "a head is parsed alike");
  require(r.fields.size() <= limits.fields, "fields are within their limit");
  check_head(r, parser);
  check_target(r.target);

  const auto rest = stream.substr(at_once.end());
  const auto whole = decode(parser, rest, std::max<std::size_t>(rest.size(), 1));
  const auto pieces = decode(other, rest, piece);
  require(whole.malformed == pieces.malformed && whole.done == pieces.done, "pieces make no difference to the body");
  require(whole.malformed || whole.body == pieces.body, "nor to what it is");
  return 0;
}
