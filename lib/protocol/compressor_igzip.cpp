#include "protocol/compressor.hpp"

#ifdef COAX_WITH_ISAL

#include <algorithm>
#include <isa-l/igzip_lib.h>

namespace coax::protocol::detail {
namespace {

using coax::detail::storage;

// ISA-L counts what it has seen in 32 bits.
constexpr std::size_t longest_stream = std::size_t{1} << 30;

constexpr bool small_memory(compressor::parameters p) noexcept { return p.memory_level < 8; }

constexpr std::uint32_t level_buffer_size(compressor::parameters p) noexcept {
  if (p.level == 1) return 0;
  if (p.level == 2) return small_memory(p) ? ISAL_DEF_LVL1_MIN : ISAL_DEF_LVL1_SMALL;
  return small_memory(p) ? ISAL_DEF_LVL3_MIN : ISAL_DEF_LVL3_SMALL;
}

// ISA-L's levels 0, 1 and 3 (its 2 hardly differs from 1) are ours from 1 to 3.
class igzip_compressor final : public compressor {
 public:
  explicit igzip_compressor(parameters p)
      : parameters_(p),
        stream_(std::make_unique<isal_zstream>()),
        buffer_size_(level_buffer_size(p)),
        buffer_(buffer_size_ != 0 ? std::make_unique_for_overwrite<std::uint8_t[]>(buffer_size_) : nullptr) {
    isal_deflate_init(stream_.get());
    configure();
    count_deflate_memory(bytes());
  }
  igzip_compressor(const igzip_compressor&) = delete;
  igzip_compressor& operator=(const igzip_compressor&) = delete;
  ~igzip_compressor() override { count_deflate_memory(-bytes()); }

  void add(std::span<const std::byte> in, storage& out, flush how) override {
    do {
      const auto piece = in.first(std::min(in.size(), longest_stream));
      in = in.subspan(piece.size());
      seen_ += piece.size();
      const bool begin_anew = seen_ >= longest_stream;
      run(piece, out, begin_anew || (in.empty() && how == flush::sync) ? SYNC_FLUSH : NO_FLUSH);
      // After a flush the stream may go on with an empty window.
      if (begin_anew) reset();
    } while (!in.empty());
  }

  void reset() override {
    isal_deflate_reset(stream_.get());
    configure();
    seen_ = 0;
  }

 private:
  void configure() noexcept {
    auto& s = *stream_;
    s.level = parameters_.level == 3 ? 3 : parameters_.level - 1u;
    s.level_buf = buffer_.get();
    s.level_buf_size = buffer_size_;
    s.hist_bits = parameters_.window_bits == 15 ? 0 : parameters_.window_bits;
    s.end_of_stream = 0;
    // Its other tables cost 100 bytes at the start of every block: too much for small messages.
    if (s.level == 0) isal_deflate_set_hufftables(&s, nullptr, IGZIP_HUFFTABLE_STATIC);
  }

  void run(std::span<const std::byte> in, storage& out, std::uint16_t how) {
    auto& s = *stream_;
    s.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(in.data()));
    s.avail_in = static_cast<std::uint32_t>(in.size());
    s.flush = how;
    do {
      const auto room = out.room(64 + s.avail_in / 4);
      s.next_out = reinterpret_cast<std::uint8_t*>(room.data());
      s.avail_out = static_cast<std::uint32_t>(std::min(room.size(), longest_stream));
      const auto offered = s.avail_out;
      isal_deflate(&s);
      out.resize(out.size() + offered - s.avail_out);
    } while (s.avail_out == 0 || s.avail_in != 0);
  }

  std::ptrdiff_t bytes() const noexcept { return std::ptrdiff_t{sizeof(isal_zstream)} + buffer_size_; }

  parameters parameters_;
  std::unique_ptr<isal_zstream> stream_;
  std::uint32_t buffer_size_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t seen_ = 0;  // since the last reset
};

}  // namespace

std::unique_ptr<compressor> make_igzip_compressor(compressor::parameters p) {
  return p.level <= 3 ? std::make_unique<igzip_compressor>(p) : nullptr;
}

}  // namespace coax::protocol::detail

#else

namespace coax::protocol::detail {

std::unique_ptr<compressor> make_igzip_compressor(compressor::parameters) { return nullptr; }

}  // namespace coax::protocol::detail

#endif
