#include "protocol/signature.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace coax::protocol {

digest hmac_sha256(std::string_view key, std::string_view message) {
  digest d;
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(), d.data(), &size) ||
      size != d.size())
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256, which signed tokens need");
  return d;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace coax::protocol
