#include "traffic.hpp"

#include "quotes.hpp"

#include <zlib.h>

#include <random>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::string_view masking_key = "\x37\xfa\x21\x3d";

char byte(std::uint64_t value) { return static_cast<char>(value & 0xff); }

// One frame, masked as a client must: RFC 6455 section 5.2.
std::string frame(std::string_view payload, unsigned first_byte) {
  const std::uint64_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  std::string out{byte(first_byte), byte(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127))};
  for (int i = length_bytes - 1; i >= 0; --i) out += byte(size >> (8 * i));
  out += masking_key;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ masking_key[i % masking_key.size()]);
  return out;
}

std::string payload(payload_kind kind, std::size_t size, unsigned number) {
  if (kind == payload_kind::json) return quotes(number, size);
  std::string out;
  if (kind == payload_kind::binary) {
    std::mt19937 random(number + 1);
    while (out.size() < size) out += byte(random());
    return out;
  }
  // Of one to four bytes, as text of the world has them.
  constexpr std::string_view letters[] = {"a", "é", "世", "🌍", "ж", "e", "界"};
  for (std::size_t i = number;; ++i) {
    const auto letter = letters[i % std::size(letters)];
    if (out.size() + letter.size() > size) break;
    out += letter;
  }
  out.resize(size, '.');
  return out;
}

// Compresses one message after another; with takeover a message refers to those before it in the cycle.
class compressor {
 public:
  explicit compressor(compressed mode) : mode_(mode) {
    if (deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::runtime_error("zlib");
  }
  compressor(const compressor&) = delete;
  compressor& operator=(const compressor&) = delete;
  ~compressor() { deflateEnd(&z_); }

  void reset() { deflateReset(&z_); }
  std::string operator()(std::string message) {
    if (mode_ == compressed::no_takeover) reset();
    std::string out(deflateBound(&z_, message.size()) + 16, '\0');
    z_.next_in = reinterpret_cast<Bytef*>(message.data());
    z_.avail_in = static_cast<uInt>(message.size());
    z_.next_out = reinterpret_cast<Bytef*>(out.data());
    z_.avail_out = static_cast<uInt>(out.size());
    if (::deflate(&z_, Z_SYNC_FLUSH) != Z_OK) throw std::runtime_error("zlib");
    // Without the four bytes at the end of a flush: RFC 7692 section 7.2.1.
    out.resize(out.size() - z_.avail_out - 4);
    return out;
  }

 private:
  z_stream z_{};
  compressed mode_;
};

}  // namespace

traffic::traffic(const traffic_options& options) : what(options) {
  const unsigned different = options.kind == payload_kind::json ? 64 : 1;
  cycle = different;
  while (cycle < options.in_flight) cycle += different;
  for (std::size_t i = 0; i != cycle; ++i)
    messages.push_back(payload(options.kind, options.size, static_cast<unsigned>(i % different)));

  compressor compress(options.compression);
  for (int round = 0; round != 2; ++round) {
    // The first of a cycle refers to nothing, so that any number of cycles may follow.
    compress.reset();
    for (const auto& m : messages) {
      if (!options.framed) {
        frames += m;
      } else if (options.compression == compressed::off) {
        frames += frame(m, 0x80 | opcode());
      } else {
        frames += frame(compress(m), 0xc0 | opcode());
      }
      ends.push_back(frames.size());
    }
  }
}

}  // namespace bench
