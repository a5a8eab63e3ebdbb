#include "protocol/base64.hpp"
#include "protocol/signature.hpp"
#include <coax/signing_keys.hpp>

#include <openssl/crypto.h>

#include <cstdint>
#include <stdexcept>

namespace coax {
namespace {

// A token is base64url of: a version, the id of the key, the payload, the first half of the HMAC. A half is what RFC
// 2104 section 5 allows at least; the id of a server-sent event has to be short.
constexpr char token_version = 1;
constexpr std::size_t id_size = 3;
constexpr std::size_t signature_size = 16;
constexpr std::size_t before_payload = 1 + id_size;

static_assert(signing_keys::overhead == before_payload + signature_size);

std::string_view text_of(const protocol::digest& d, std::size_t size) {
  return {reinterpret_cast<const char*>(d.data()), size};
}

// The purpose ends with its length, which makes what is signed unambiguous: nothing can move between it and the rest.
std::string signature_of(std::string_view secret, std::string_view purpose, std::string_view signed_part) {
  std::string message;
  message.reserve(signed_part.size() + purpose.size() + 8);
  message.append(signed_part).append(purpose);
  for (int shift = 56; shift >= 0; shift -= 8)
    message += static_cast<char>(std::uint64_t{purpose.size()} >> shift & 0xffU);
  return std::string(text_of(protocol::hmac_sha256(secret, message), signature_size));
}

}  // namespace

struct signing_keys::ring {
  struct key {
    std::string id;
    std::string secret;
  };

  ring() = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() {
    for (auto& k : keys) OPENSSL_cleanse(k.secret.data(), k.secret.size());
  }

  std::vector<key> keys;
};

signing_keys::signing_keys(std::vector<std::string> secrets) {
  if (secrets.empty()) throw std::invalid_argument("signing_keys: at least one secret is needed");
  auto r = std::make_shared<ring>();
  for (auto& secret : secrets) {
    if (secret.size() < min_secret)
      throw std::invalid_argument("signing_keys: a secret has at least 16 bytes, not " + std::to_string(secret.size()));
    // No token is signed over an empty message: an id tells nothing that helps to forge one.
    const auto id = protocol::hmac_sha256(secret, {});
    r->keys.push_back({std::string(text_of(id, id_size)), std::move(secret)});
  }
  ring_ = std::move(r);
}

std::string signing_keys::sign(std::string_view purpose, std::string_view payload) const {
  const auto& key = ring_->keys.front();
  std::string bytes(1, token_version);
  bytes.append(key.id).append(payload);
  bytes += signature_of(key.secret, purpose, bytes);
  return protocol::base64url(bytes);
}

std::optional<std::string> signing_keys::verify(std::string_view purpose, std::string_view token) const {
  const auto bytes = protocol::from_base64url(token);
  if (!bytes || bytes->size() < overhead || bytes->front() != token_version) return std::nullopt;
  const std::string_view all = *bytes;
  const auto signed_part = all.substr(0, all.size() - signature_size);
  const auto signature = all.substr(signed_part.size());
  for (const auto& key : ring_->keys) {
    if (key.id != all.substr(1, id_size)) continue;
    if (protocol::equal_in_constant_time(signature_of(key.secret, purpose, signed_part), signature))
      return std::string(signed_part.substr(before_payload));
  }
  return std::nullopt;
}

}  // namespace coax
