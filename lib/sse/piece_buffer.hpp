/// Bytes on their way from one stage to the next.
#pragma once

#include "core/buffer_pool.hpp"

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coax::sse {

/// A queue of bytes in a block borrowed from the thread's pool; at rest only what is in it takes memory.
class piece_buffer {
 public:
  piece_buffer() = default;
  explicit piece_buffer(std::string first) : kept_(std::move(first)) {}

  bool empty() const noexcept { return begin_ == end_ && kept_.empty(); }
  std::string_view view() const noexcept {
    return kept_.empty() ? std::string_view(data_, end_).substr(begin_) : std::string_view(kept_);
  }

  /// Where to put more; empty if it is full.
  std::span<char> room() {
    data_ = reinterpret_cast<char*>(block_.borrow());
    if (begin_ != 0) std::memmove(data_, data_ + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    if (!kept_.empty()) {
      std::memcpy(data_, kept_.data(), kept_.size());
      end_ = kept_.size();
      kept_.clear();
    }
    return {data_ + end_, block_.size - end_};
  }
  void add(std::size_t n) noexcept { end_ += n; }
  void use(std::size_t n) noexcept {
    if (!kept_.empty())
      kept_.erase(0, n);
    else
      begin_ += n;
  }

  void rest() {
    if (!block_) return;
    if (kept_.empty()) kept_ = view();
    begin_ = end_ = 0;
    data_ = nullptr;
    block_.give_back();
  }

 private:
  coax::detail::borrowed_buffer block_;
  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string kept_;  // all there is, unless it is empty
};

}  // namespace coax::sse
