#include "protocol/base64.hpp"
#include <coax/position.hpp>

#include <stdexcept>

namespace coax {
namespace {

// A token is base64url of: a version, the offset and the tag with the most significant byte first, the epoch.
constexpr char token_version = 1;
constexpr std::size_t before_epoch = 1 + 8 + 8;

static_assert((before_epoch + position::max_epoch) * 4 / 3 + 1 <= position::max_token);

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
  return protocol::base64url(bytes);
}

std::optional<position> position::from_token(std::string_view token) {
  if (token.size() > max_token) return std::nullopt;
  const auto bytes = protocol::from_base64url(token);
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
