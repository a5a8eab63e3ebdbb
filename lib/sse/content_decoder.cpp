#include "sse/content_decoder.hpp"

#include <zlib.h>

#include <new>

namespace coax::sse {
namespace {

constexpr int window_bits = 15;
constexpr int gzip_format = 16;

// What is called "deflate" is in the zlib format, and in some servers' opinion raw: the first byte tells.
bool begins_zlib(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte & 0x0f) == Z_DEFLATED && (byte >> 4) <= window_bits - 8;
}

}  // namespace

struct content_decoder::state {
  explicit state(content_coding c) : coding(c) {}
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() {
    if (begun) inflateEnd(&z);
  }

  void begin(char first) {
    int format = window_bits + gzip_format;
    if (coding == content_coding::deflate) format = begins_zlib(first) ? window_bits : -window_bits;
    if (inflateInit2(&z, format) != Z_OK) throw std::bad_alloc();
    begun = true;
  }

  z_stream z{};
  content_coding coding;
  bool begun = false;
  bool ended = false;  // a gzip member, or the whole
};

content_decoder::content_decoder(content_coding coding) : state_(std::make_unique<state>(coding)) {}
content_decoder::content_decoder(content_decoder&&) noexcept = default;
content_decoder& content_decoder::operator=(content_decoder&&) noexcept = default;
content_decoder::~content_decoder() = default;

content_decoder::step content_decoder::run(std::string_view input, std::span<char> to) {
  auto& s = *state_;
  if (!s.begun) {
    if (input.empty()) return {};
    s.begin(input.front());
  }
  if (s.ended) {
    if (input.empty()) return {};
    // RFC 1952 section 2.2: members may follow each other. Behind deflate there is nothing to follow.
    if (s.coding != content_coding::gzip || inflateReset(&s.z) != Z_OK) return {0, 0, errc::corrupt_data};
    s.ended = false;
  }
  s.z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  s.z.avail_in = static_cast<uInt>(input.size());
  s.z.next_out = reinterpret_cast<Bytef*>(to.data());
  s.z.avail_out = static_cast<uInt>(to.size());
  const int r = inflate(&s.z, Z_SYNC_FLUSH);
  s.ended = r == Z_STREAM_END;
  step done{input.size() - s.z.avail_in, to.size() - s.z.avail_out, {}};
  if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) done.error = errc::corrupt_data;
  return done;
}

}  // namespace coax::sse
