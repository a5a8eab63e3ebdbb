#include <coax/deflate.hpp>

#include <stdexcept>
#include <string>

namespace coax {
namespace {

std::uint8_t checked(const char* what, unsigned value, unsigned lowest, unsigned highest) {
  if (value < lowest || value > highest) {
    throw std::invalid_argument("deflate_options: " + std::string(what) + " must be from " + std::to_string(lowest) +
                                " to " + std::to_string(highest) + ", not " + std::to_string(value));
  }
  return static_cast<std::uint8_t>(value);
}

}  // namespace

deflate_options& deflate_options::server_max_window_bits(unsigned bits) {
  server_bits_ = checked("server_max_window_bits", bits, 8, 15);
  return *this;
}

deflate_options& deflate_options::client_max_window_bits(unsigned bits) {
  client_bits_ = checked("client_max_window_bits", bits, 8, 15);
  return *this;
}

deflate_options& deflate_options::level(unsigned l) {
  level_ = checked("level", l, 1, 9);
  return *this;
}

deflate_options& deflate_options::memory_level(unsigned l) {
  memory_level_ = checked("memory_level", l, 1, 9);
  return *this;
}

}  // namespace coax
