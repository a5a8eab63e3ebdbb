#include <coax/json.hpp>

#include <boost/json/parser.hpp>
#include <boost/json/serializer.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace coax {
namespace {

// Where in the text, as editors count.
std::string place(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = offset - (before.rfind('\n') + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// The beginning, cut between two characters.
std::string excerpt(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

message json_codec::encode(const boost::json::value& v) const {
  constexpr std::size_t step = 1024;
  boost::json::serializer from;
  from.reset(&v);
  detail::storage text;
  do {
    const auto room = text.room(step);
    text.resize(text.size() + from.read(reinterpret_cast<char*>(room.data()), room.size()).size());
  } while (!from.done());
  return {message_kind::text, std::move(text)};
}

boost::json::value json_codec::parse(std::string_view text) const {
  boost::json::parse_options rules;
  rules.max_depth = max_depth_;
  unsigned char stack[4096];
  boost::json::parser parser({}, rules, stack);
  error_code ec;
  const std::size_t parsed = parser.write(text.data(), text.size(), ec);
  if (ec)
    throw std::invalid_argument("not JSON at " + place(text, std::min(parsed, text.size())) + ": " + ec.message());
  return parser.release();
}

void json_codec::refuse_value(const error_code& ec, std::string_view text) {
  throw std::invalid_argument("unexpected JSON: " + ec.message() + ", in " + excerpt(text));
}

}  // namespace coax
