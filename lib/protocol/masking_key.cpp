#include "protocol/masking_key.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <span>
#include <stdexcept>

namespace coax::protocol {
namespace {

void fill_random(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("OpenSSL's random generator failed; a client cannot mask its frames without it");
  }
}

struct key_stock {
  std::array<std::uint8_t, 4096> bytes;
  std::size_t used;
};

constinit thread_local key_stock stock{{}, sizeof(key_stock::bytes)};

[[gnu::noinline]] void restock() {
  fill_random(stock.bytes);
  stock.used = 0;
}

}  // namespace

masking_key next_masking_key() {
  if (stock.used == stock.bytes.size()) [[unlikely]]
    restock();
  masking_key key;
  std::memcpy(key.data(), stock.bytes.data() + stock.used, key.size());
  stock.used += key.size();
  return key;
}

std::array<std::uint8_t, 16> random_nonce() {
  std::array<std::uint8_t, 16> nonce;
  fill_random(nonce);
  return nonce;
}

}  // namespace coax::protocol
