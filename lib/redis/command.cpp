#include "redis/command.hpp"

#include "protocol/resp.hpp"

#include <array>
#include <stdexcept>

namespace coax::redis {
namespace {

// CRC-16/XMODEM, as the specification of the Cluster has it.
constexpr auto crc_table = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0);
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

std::string_view hashed_part(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open == key.npos) return key;
  const auto close = key.find('}', open + 1);
  if (close == key.npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
  unsigned crc = 0;
  for (const char c : hashed_part(key))
    crc = ((crc << 8) & 0xffff) ^ crc_table[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xff];
  return static_cast<std::uint16_t>(crc % 16384);
}

command::command(const redis::script& s) : script_(s) {}

command& command::arg(std::string_view a) {
  protocol::append_bulk(body_, a);
  ++arguments_;
  return *this;
}

command& command::key(std::string_view k) {
  if (script_ && keys_ != arguments_)
    throw std::logic_error("redis::command: a script's keys come before its arguments");
  if (!slot_) slot_ = slot_of(k);
  ++keys_;
  return arg(k);
}

void command::append_script(std::string& out, std::string_view name, std::string_view text) const {
  protocol::append_array_head(out, arguments_ + 3);
  protocol::append_bulk(out, name);
  protocol::append_bulk(out, text);
  protocol::append_bulk(out, std::to_string(keys_));
  out.append(body_);
}

void command::append_to(std::string& out) const {
  if (script_) return append_script(out, "EVALSHA", script_->sha1());
  protocol::append_array_head(out, arguments_);
  out.append(body_);
}

void command::append_eval_to(std::string& out) const { append_script(out, "EVAL", script_->source()); }

}  // namespace coax::redis
