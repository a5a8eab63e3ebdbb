#include "protocol/compressor.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

namespace coax::protocol::detail {
namespace {

using coax::detail::storage;

// What stands in front of zlib's memory, so that giving it back can be counted.
constexpr std::size_t prefix = alignof(std::max_align_t);

void* allocate(void*, unsigned items, unsigned size) {
  const std::size_t bytes = std::size_t{items} * size + prefix;
  auto* const memory = static_cast<std::byte*>(std::malloc(bytes));
  if (!memory) return Z_NULL;
  new (memory) std::size_t(bytes);
  count_deflate_memory(static_cast<std::ptrdiff_t>(bytes));
  return memory + prefix;
}

void release(void*, void* at) {
  auto* const memory = static_cast<std::byte*>(at) - prefix;
  count_deflate_memory(-static_cast<std::ptrdiff_t>(*reinterpret_cast<std::size_t*>(memory)));
  std::free(memory);
}

z_stream make_stream() noexcept {
  z_stream s{};
  s.zalloc = allocate;
  s.zfree = release;
  return s;
}

Bytef* input(const std::byte* p) noexcept { return reinterpret_cast<Bytef*>(const_cast<std::byte*>(p)); }
Bytef* output(std::byte* p) noexcept { return reinterpret_cast<Bytef*>(p); }

uInt clamp(std::size_t n) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(n, std::numeric_limits<uInt>::max()));
}

class zlib_compressor final : public compressor {
 public:
  explicit zlib_compressor(parameters p) {
    // zlib has no raw window of 256 bytes. That of 512 serves: it never refers further back than 512 - 262 bytes,
    // because it keeps a look-ahead of that size (MIN_LOOKAHEAD) in the window.
    const int bits = std::max<int>(p.window_bits, 9);
    if (deflateInit2(&z_, p.level, Z_DEFLATED, -bits, p.memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  zlib_compressor(const zlib_compressor&) = delete;
  zlib_compressor& operator=(const zlib_compressor&) = delete;
  ~zlib_compressor() override { deflateEnd(&z_); }

  void add(std::span<const std::byte> in, storage& out, flush how) override {
    do {
      const auto piece = in.first(clamp(in.size()));
      in = in.subspan(piece.size());
      z_.next_in = input(piece.data());
      z_.avail_in = static_cast<uInt>(piece.size());
      run(out, in.empty() && how == flush::sync ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    } while (!in.empty());
  }

  void reset() override { deflateReset(&z_); }

 private:
  void run(storage& out, int how) {
    // With less room than this zlib may write the end of a flush twice.
    constexpr std::size_t least_room = 64;
    do {
      const auto room = out.room(least_room + z_.avail_in / 4);
      z_.next_out = output(room.data());
      z_.avail_out = clamp(room.size());
      const auto offered = z_.avail_out;
      deflate(&z_, how);
      out.resize(out.size() + offered - z_.avail_out);
    } while (z_.avail_out == 0);
  }

  z_stream z_ = make_stream();
};

class zlib_decompressor final : public decompressor {
 public:
  explicit zlib_decompressor(parameters window_bits) {
    if (inflateInit2(&z_, -int{window_bits}) != Z_OK) throw std::bad_alloc();
  }
  zlib_decompressor(const zlib_decompressor&) = delete;
  zlib_decompressor& operator=(const zlib_decompressor&) = delete;
  ~zlib_decompressor() override { inflateEnd(&z_); }

  step run(std::span<const std::byte> in, std::span<std::byte> out) override {
    z_.next_in = input(in.data());
    z_.avail_in = clamp(in.size());
    z_.next_out = output(out.data());
    z_.avail_out = clamp(out.size());
    const auto offered = z_.avail_in;
    const auto room = z_.avail_out;
    const int result = inflate(&z_, Z_SYNC_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    step s;
    s.consumed = offered - z_.avail_in;
    s.produced = room - z_.avail_out;
    if (result == Z_STREAM_END) {
      s.result = outcome::end_of_stream;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      s.result = outcome::corrupt;
    }
    return s;
  }

  // zlib tells: 128 right behind a block, and how many bits of the last byte have not been used.
  bool between_blocks() const noexcept override { return (z_.data_type & 128) != 0 && (z_.data_type & 7) == 0; }
  const char* error() const noexcept override { return z_.msg ? z_.msg : "not deflate data"; }
  void reset() override { inflateReset(&z_); }

  void save_window(storage& to) const override {
    uInt size = 0;
    auto* const z = const_cast<z_stream*>(&z_);
    inflateGetDictionary(z, Z_NULL, &size);
    to.clear();
    if (size == 0) return;
    to.reserve(size);
    inflateGetDictionary(z, output(to.data()), &size);
    to.resize(size);
  }

  void load_window(std::span<const std::byte> from) override {
    inflateReset(&z_);
    if (!from.empty() && inflateSetDictionary(&z_, input(from.data()), clamp(from.size())) == Z_MEM_ERROR)
      throw std::bad_alloc();
  }

 private:
  z_stream z_ = make_stream();
};

}  // namespace

std::unique_ptr<compressor> make_zlib_compressor(compressor::parameters p) {
  return std::make_unique<zlib_compressor>(p);
}

std::unique_ptr<decompressor> make_zlib_decompressor(decompressor::parameters window_bits) {
  return std::make_unique<zlib_decompressor>(window_bits);
}

}  // namespace coax::protocol::detail
