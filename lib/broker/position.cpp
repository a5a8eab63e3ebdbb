#include "core/byte_order.hpp"
#include "protocol/base64.hpp"
#include <coax/position.hpp>

#include <stdexcept>

namespace coax {
namespace {

// A token is base64url of: a version, the offset and the tag with the most significant byte first, the epoch.
constexpr char position_version = 1;
constexpr std::size_t before_epoch = 1 + 8 + 8;

static_assert((before_epoch + position::max_epoch) * 4 / 3 + 1 <= position::max_token);

}  // namespace

position::position(std::string epoch, std::uint64_t offset, std::uint64_t tag)
    : epoch_(std::move(epoch)), offset_(offset), tag_(tag) {
  if (epoch_.empty() || epoch_.size() > max_epoch)
    throw std::invalid_argument("position: an epoch has 1 to 64 bytes, not " + std::to_string(epoch_.size()));
}

std::string position::to_token() const {
  std::string bytes(1, position_version);
  detail::append_number(bytes, offset_);
  detail::append_number(bytes, tag_);
  bytes += epoch_;
  return protocol::base64url(bytes);
}

std::optional<position> position::from_token(std::string_view token) {
  if (token.size() > max_token) return std::nullopt;
  const auto bytes = protocol::from_base64url(token);
  if (!bytes || bytes->size() < before_epoch || bytes->front() != position_version) return std::nullopt;
  const std::string_view rest = std::string_view(*bytes).substr(1);
  const auto offset = detail::read_number(rest.substr(0, 8));
  const auto tag = detail::read_number(rest.substr(8, 8));
  const auto epoch = rest.substr(16);
  if (epoch.size() > max_epoch) return std::nullopt;
  if (!epoch.empty()) return position(std::string(epoch), offset, tag);
  if (offset != 0 || tag != 0) return std::nullopt;
  return position();
}

}  // namespace coax
