#include "echo_checker.hpp"

#include <algorithm>
#include <stdexcept>

namespace bench {

echo_checker::echo_checker(const traffic& t, bool keeps_window) : traffic_(t), keeps_window_(keeps_window) {
  if (t.what.compression == compressed::off) return;
  window_.reset(new z_stream{});
  if (inflateInit2(window_.get(), -15) != Z_OK) throw std::runtime_error("zlib");
}

std::size_t echo_checker::consume(std::string_view bytes) {
  std::size_t complete = 0;
  while (!bytes.empty()) {
    if (!traffic_.what.framed) {
      const auto piece = bytes.substr(0, expected().size() - at_);
      compare(piece);
      bytes.remove_prefix(piece.size());
      if (at_ == expected().size()) complete += finish_message();
      continue;
    }
    if (!in_payload_) {
      take_header(static_cast<unsigned char>(bytes.front()));
      bytes.remove_prefix(1);
    } else {
      const auto piece = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
      take_payload(piece);
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
    }
    if (in_payload_ && left_ == 0) complete += finish_frame();
  }
  return complete;
}

void echo_checker::take_header(unsigned char value) {
  const auto index = header_size_++;
  if (index == 0) {
    final_ = (value & 0x80) != 0;
    if (!continued_) compressed_ = (value & 0x40) != 0;
    const unsigned expected_bits = continued_ ? 0u : traffic_.opcode() | (compressed_ ? 0x40u : 0u);
    if ((value & 0x7fu) != expected_bits) throw std::runtime_error("neither a message of its kind nor the rest of one");
    if (compressed_ && !window_) throw std::runtime_error("a compressed message");
  } else if (index == 1) {
    if (value > 127) throw std::runtime_error("a masked frame");
    header_end_ = value < 126 ? 2 : value == 126 ? 4 : 10;
    left_ = value < 126 ? value : 0;
  } else {
    left_ = left_ << 8 | value;
  }
  in_payload_ = header_size_ >= 2 && header_size_ == header_end_;
}

void echo_checker::take_payload(std::string_view piece) {
  if (compressed_) {
    inflate(piece);
  } else {
    compare(piece);
  }
}

void echo_checker::compare(std::string_view piece) {
  if (piece != std::string_view(expected()).substr(std::min(at_, expected().size()), piece.size()))
    throw std::runtime_error("an echo differs from the message");
  at_ += piece.size();
}

void echo_checker::inflate(std::string_view piece) {
  char out[16384];
  auto& z = *window_;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  z.avail_in = static_cast<uInt>(piece.size());
  do {
    z.next_out = reinterpret_cast<Bytef*>(out);
    z.avail_out = sizeof out;
    const int result = ::inflate(&z, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR) throw std::runtime_error("an echo that does not inflate");
    compare({out, sizeof out - z.avail_out});
  } while (z.avail_out == 0);
}

std::size_t echo_checker::finish_frame() {
  in_payload_ = false;
  header_size_ = 0;
  continued_ = !final_;
  if (!final_) return 0;
  if (compressed_) {
    inflate(std::string_view("\0\0\xff\xff", 4));
    if (!keeps_window_) inflateReset(window_.get());
  }
  return finish_message();
}

std::size_t echo_checker::finish_message() {
  if (at_ != expected().size()) throw std::runtime_error("an echo is shorter than the message");
  at_ = 0;
  next_ = (next_ + 1) % traffic_.cycle;
  return 1;
}

}  // namespace bench
