#include "redis/script.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace coax::redis {
namespace {

std::string sha1_of(const std::string& text) {
  std::array<unsigned char, 20> digest;
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute SHA-1, by which Redis names scripts");
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const auto byte : digest) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 15]);
  }
  return hex;
}

}  // namespace

script::script(std::string source) {
  auto sha1 = sha1_of(source);
  text_ = std::make_shared<const text>(text{std::move(source), std::move(sha1)});
}

}  // namespace coax::redis
