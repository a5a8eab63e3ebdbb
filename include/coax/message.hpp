/// @file
/// A received message.
#pragma once

#include <coax/detail/export.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coax {

namespace protocol {
class assembler;
}

/// What a message holds: text is UTF-8, binary is any bytes (RFC 6455 section 5.6).
enum class message_kind : unsigned char {
  text = 1,   ///< Valid UTF-8.
  binary = 2  ///< Any bytes.
};

namespace detail {

/// Growing, uninitialised bytes whose memory comes from and goes back to a pool of the current thread, so that
/// messages of steady size cost no allocation.
class COAX_EXPORT storage {
 public:
  storage() noexcept = default;
  explicit storage(std::size_t capacity) { reserve(capacity); }
  storage(storage&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)),
        size_(std::exchange(o.size_, 0)),
        capacity_(std::exchange(o.capacity_, 0)) {}
  storage& operator=(storage&& o) noexcept {
    if (this != &o) {
      release();
      data_ = std::exchange(o.data_, nullptr);
      size_ = std::exchange(o.size_, 0);
      capacity_ = std::exchange(o.capacity_, 0);
    }
    return *this;
  }
  ~storage() { release(); }

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept { size_ = 0; }
  /// Sets the size; bytes that become part of it are uninitialised. `n` must not exceed the capacity.
  void resize(std::size_t n) noexcept { size_ = n; }
  /// Makes room for at least `n` bytes in all, keeping the content.
  void reserve(std::size_t n) {
    if (n > capacity_) grow(n);
  }
  /// Room for at least `n` bytes behind the content, growing geometrically; `resize` makes them part of it.
  std::span<std::byte> room(std::size_t n) {
    if (n > capacity_ - size_) [[unlikely]] {
      const std::size_t needed = size_ + n;
      grow(needed > 2 * capacity_ ? needed : 2 * capacity_);
    }
    return {data_ + size_, capacity_ - size_};
  }
  /// Appends `n` bytes from `from`, growing geometrically.
  void append(const void* from, std::size_t n);
  /// Gives the memory back to the pool.
  void release() noexcept {
    if (data_) free_memory();  // forgets the content as well
  }

 private:
  void grow(std::size_t n);
  void free_memory() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace detail

/// A whole message, owning its bytes. Movable; `clone()` copies. The memory is pooled per thread: reading messages
/// of steady size and dropping them allocates nothing.
class message {
 public:
  /// An empty text message.
  message() noexcept = default;
  /// For the library: takes the memory over.
  message(message_kind kind, detail::storage bytes) noexcept : storage_(std::move(bytes)), kind_(kind) {}
  /// A copy of `bytes`.
  message(message_kind kind, std::string_view bytes) : kind_(kind) { storage_.append(bytes.data(), bytes.size()); }

  /// A copy with bytes of its own.
  message clone() const { return message(kind_, text()); }

  /// Text or binary.
  message_kind kind() const noexcept { return kind_; }
  /// Whether it is text.
  bool is_text() const noexcept { return kind_ == message_kind::text; }
  /// How many bytes it has.
  std::size_t size() const noexcept { return storage_.size(); }
  /// Whether it has none.
  bool empty() const noexcept { return storage_.empty(); }

  /// The bytes as characters, whatever the kind; valid UTF-8 if the kind is text. Valid as long as the message.
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(storage_.data()), storage_.size()}; }
  /// The bytes. Valid as long as the message.
  std::span<const std::byte> bytes() const noexcept { return {storage_.data(), storage_.size()}; }
  /// The bytes as an Asio buffer, ready for `conn::write`.
  boost::asio::const_buffer data() const noexcept { return {storage_.data(), storage_.size()}; }
  /// A copy of the bytes as a string.
  std::string str() const { return std::string(text()); }
  /// Its memory, without the kind.
  detail::storage release() && noexcept { return std::move(storage_); }

 private:
  friend class protocol::assembler;  // receives into the memory of a message that is there

  detail::storage storage_;
  message_kind kind_ = message_kind::text;
};

}  // namespace coax
