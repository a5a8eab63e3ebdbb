#include <coax/position.hpp>

#include <array>
#include <stdexcept>

namespace coax {
namespace {

// A token is base64url of: a version, the offset and the tag with the most significant byte first, the epoch.
constexpr char token_version = 1;
constexpr std::size_t before_epoch = 1 + 8 + 8;

static_assert((before_epoch + position::max_epoch) * 4 / 3 + 1 <= position::max_token);

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<signed char, 256> make_values() {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
  return values;
}

constexpr auto digit_values = make_values();

std::string to_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  unsigned pending = 0, bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8 | static_cast<unsigned char>(c)) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6) text += digits[pending >> (bits - 6) & 63U];
  }
  if (bits != 0) text += digits[pending << (6 - bits) & 63U];
  return text;
}

// Only what to_base64url writes: one text for the same bytes.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  unsigned pending = 0, bits = 0;
  for (const char c : text) {
    const int value = digit_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    pending = (pending << 6 | static_cast<unsigned>(value)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(pending >> bits & 0xffU);
  }
  if (bits == 6 || (pending & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

void append_number(std::string& to, std::uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(n >> shift & 0xffU);
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t n = 0;
  for (const char c : bytes.substr(0, 8)) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

}  // namespace

position::position(std::string epoch, std::uint64_t offset, std::uint64_t tag)
    : epoch_(std::move(epoch)), offset_(offset), tag_(tag) {
  if (epoch_.empty() || epoch_.size() > max_epoch)
    throw std::invalid_argument("position: an epoch has 1 to 64 bytes, not " + std::to_string(epoch_.size()));
}

std::string position::to_token() const {
  std::string bytes(1, token_version);
  append_number(bytes, offset_);
  append_number(bytes, tag_);
  bytes += epoch_;
  return to_base64url(bytes);
}

std::optional<position> position::from_token(std::string_view token) {
  if (token.size() > max_token) return std::nullopt;
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < before_epoch || bytes->front() != token_version) return std::nullopt;
  const std::string_view rest = std::string_view(*bytes).substr(1);
  const auto offset = read_number(rest);
  const auto tag = read_number(rest.substr(8));
  const auto epoch = rest.substr(16);
  if (epoch.size() > max_epoch) return std::nullopt;
  if (!epoch.empty()) return position(std::string(epoch), offset, tag);
  if (offset != 0 || tag != 0) return std::nullopt;
  return position();
}

}  // namespace coax
