#include "redis/redis_wire.hpp"

#include "core/byte_order.hpp"

#include <charconv>
#include <memory>

namespace coax::detail {
namespace {

constexpr std::size_t tag_size = 16;
constexpr std::size_t head_size = 1 + 8 + 8 + 4 + 4;

std::string_view take(std::string_view& from, std::size_t bytes) {
  const auto taken = from.substr(0, bytes);
  from.remove_prefix(bytes);
  return taken;
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) noexcept {
  std::uint64_t n = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

std::string to_hex(std::uint64_t number) {
  std::string text(tag_size, '0');
  for (auto c = text.rbegin(); number != 0; ++c, number >>= 4) *c = "0123456789abcdef"[number & 15U];
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept { return parse_number(text, 10); }

std::string_view take_word(std::string_view& text) noexcept {
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return word;
}

std::string pack(const publication& what) {
  const auto payload = what.message().data();
  std::string body;
  body.reserve(head_size + what.key().size() + what.event_type().size() + payload.size());
  body += what.message().kind() == message_kind::text ? 't' : 'b';
  append_number(body, what.origin().node, 8);
  append_number(body, what.origin().peer, 8);
  append_number(body, what.key().size(), 4);
  append_number(body, what.event_type().size(), 4);
  body.append(what.key()).append(what.event_type());
  return body.append(static_cast<const char*>(payload.data()), payload.size());
}

std::optional<position> parse_place(std::string_view text) {
  const auto epoch = take_word(text);
  const auto offset = parse_number(take_word(text));
  const auto tag = parse_number(text, 16);
  if (epoch.empty() || epoch.size() > position::max_epoch || !offset || !tag) return std::nullopt;
  return position(std::string(epoch), *offset, *tag);
}

entry_ptr unpack(std::uint64_t offset, std::string_view stored) {
  if (stored.size() < 2 * tag_size + head_size) return nullptr;
  const auto previous = parse_number(take(stored, tag_size), 16);
  const auto tag = parse_number(take(stored, tag_size), 16);
  const char kind = take(stored, 1).front();
  if (!previous || !tag || (kind != 't' && kind != 'b')) return nullptr;
  origin from;
  from.node = read_number(take(stored, 8));
  from.peer = read_number(take(stored, 8));
  const auto key_size = static_cast<std::size_t>(read_number(take(stored, 4)));
  const auto type_size = static_cast<std::size_t>(read_number(take(stored, 4)));
  if (stored.size() < key_size + type_size) return nullptr;
  std::string key(take(stored, key_size));
  std::string type(take(stored, type_size));
  prepared_message message(kind == 't' ? message_kind::text : message_kind::binary,
                           boost::asio::buffer(stored.data(), stored.size()));
  publication what(std::move(message));
  what.from(from).key(std::move(key)).event_type(std::move(type));
  return std::make_shared<const log_entry>(std::move(what), offset, *tag, *previous);
}

std::optional<told_entry> parse_entry(std::string_view text) {
  const auto epoch = take_word(text);
  const auto offset = parse_number(take_word(text));
  if (epoch.empty() || epoch.size() > position::max_epoch || !offset) return std::nullopt;
  auto entry = unpack(*offset, text);
  if (!entry) return std::nullopt;
  return told_entry{epoch, std::move(entry)};
}

std::optional<told_user> parse_user(std::string_view text) {
  const auto size = parse_number(take_word(text));
  if (!size || *size > text.size()) return std::nullopt;
  const auto n = static_cast<std::size_t>(*size);
  return told_user{text.substr(0, n), text.substr(n)};
}

std::optional<stored_member> parse_member(std::string_view text) {
  const auto owner = take_word(text);
  const auto time = parse_number(take_word(text));
  const auto who = parse_user(text);
  if (!time || !who) return std::nullopt;
  return stored_member{owner, *time, *who};
}

}  // namespace coax::detail
