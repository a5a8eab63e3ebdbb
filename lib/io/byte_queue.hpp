/// Bytes that are to leave, in order: own ones, and between them blocks that are shared.
#pragma once

#include <coax/message.hpp>

#include <memory>
#include <span>
#include <vector>

namespace coax::detail {

/// Bytes in their wire form, made once and shared by all queues that they are in.
using shared_bytes = std::shared_ptr<const storage>;

/// Holds no memory while it is empty.
class byte_queue {
 public:
  /// Shared blocks up to this size are copied: cheaper than one more entry of a gather list.
  static constexpr std::size_t copy_limit = 16 * 1024;
  /// Memory for what is appended first: a batch of small messages that grows from one of them is copied several times.
  static constexpr std::size_t first_room = 2 * 1024;

  /// What is appended here comes next behind all that is queued.
  storage& back() {
    if (own_.capacity() == 0) own_.reserve(first_room);
    return own_;
  }
  void append(const shared_bytes& block);

  std::size_t size() const noexcept { return own_.size() - sent_ + shared_size_; }
  bool empty() const noexcept { return size() == 0; }

  /// All of it, if that is one run of bytes and not several: which it is as long as nothing is shared.
  bool in_one_run(boost::asio::const_buffer& run) const noexcept {
    run = {own_.data() + sent_, own_.size() - sent_};
    return shared_.empty();
  }
  /// Lists bytes from the front, at most `most` of them and as many as `to` has room for; returns how many buffers, and
  /// in `listed` how many bytes.
  std::size_t gather(std::span<boost::asio::const_buffer> to, std::size_t most, std::size_t& listed) const noexcept;
  /// Takes `n` bytes off the front.
  void consume(std::size_t n);
  void clear() noexcept;

 private:
  struct piece {
    std::size_t at;  // the bytes of own_ before it
    shared_bytes block;
    std::size_t sent;
    std::size_t left() const noexcept { return block->size() - sent; }
  };
  void drop_sent() noexcept;

  storage own_;
  std::size_t sent_ = 0;  // of own_
  std::vector<piece> shared_;
  std::size_t shared_size_ = 0;
};

}  // namespace coax::detail
