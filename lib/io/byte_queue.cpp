#include "io/byte_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace coax::detail {

using boost::asio::const_buffer;

void byte_queue::append(const shared_bytes& block) {
  if (block->size() <= copy_limit) return back().append(block->data(), block->size());
  shared_.push_back({own_.size(), block, 0});
  shared_size_ += block->size();
}

std::size_t byte_queue::gather(std::span<const_buffer> to, std::size_t most, std::size_t& listed) const noexcept {
  std::size_t n = 0;
  listed = 0;
  const auto add = [&](const std::byte* data, std::size_t size) {
    const auto part = std::min(size, most - listed);
    if (part == 0 || n == to.size()) return;
    to[n++] = {data, part};
    listed += part;
  };
  std::size_t at = sent_;
  for (const auto& p : shared_) {
    if (n + 2 > to.size()) return n;
    add(own_.data() + at, p.at - at);
    add(p.block->data() + p.sent, p.left());
    at = p.at;
  }
  add(own_.data() + at, own_.size() - at);
  return n;
}

void byte_queue::consume(std::size_t n) {
  while (n != 0) {
    const std::size_t end = shared_.empty() ? own_.size() : shared_.front().at;
    const std::size_t own = std::min(n, end - sent_);
    sent_ += own;
    n -= own;
    if (n == 0) break;
    auto& p = shared_.front();
    const std::size_t part = std::min(n, p.left());
    p.sent += part;
    shared_size_ -= part;
    n -= part;
    if (p.left() == 0) shared_.erase(shared_.begin());
  }
  drop_sent();
}

void byte_queue::clear() noexcept {
  own_.release();
  sent_ = 0;
  shared_.clear();
  shared_size_ = 0;
}

// An idle connection holds no buffer, and a busy one does not let sent bytes pile up.
void byte_queue::drop_sent() noexcept {
  if (sent_ == own_.size()) {
    for (auto& p : shared_) p.at = 0;
    own_.release();
    sent_ = 0;
  } else if (sent_ >= 256 * 1024 && sent_ >= own_.size() / 2) {
    const std::size_t rest = own_.size() - sent_;
    for (auto& p : shared_) p.at -= sent_;
    std::memmove(own_.data(), own_.data() + sent_, rest);
    own_.resize(rest);
    sent_ = 0;
  }
}

}  // namespace coax::detail
