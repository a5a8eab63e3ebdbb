#include "protocol/base64.hpp"

#include <openssl/evp.h>

#include <array>

namespace coax::protocol {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<short, 256> make_values() {
  std::array<short, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<short>(i);
  return values;
}

constexpr auto digit_values = make_values();

}  // namespace

std::string base64(std::span<const unsigned char> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a NUL behind it
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  unsigned pending = 0, bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8 | static_cast<unsigned char>(c)) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[pending >> (bits - 6) & 63U];
  }
  if (bits != 0) text += alphabet[pending << (6 - bits) & 63U];
  return text;
}

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

}  // namespace coax::protocol
