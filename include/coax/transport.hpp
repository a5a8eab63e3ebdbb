/// @file
/// The byte stream below a connection, type-erased. A user meets it only to bring a stream of his own.
#pragma once

#include <coax/context.hpp>
#include <coax/detail/export.hpp>

#include <boost/asio/buffer.hpp>

#include <memory>
#include <span>
#include <string>

namespace coax {

/// A reliable byte stream seen through readiness: bytes move only in `read_some` and `write_some`, which never block
/// and never wait. What waits is the coroutine above, and giving up a wait loses nothing; that is what makes every
/// operation of this library safe to cancel, over TLS as well.
///
/// A transport belongs to its executor: all members are called there, and the observer is called there, never from
/// inside one of these members.
class COAX_EXPORT transport : public std::enable_shared_from_this<transport> {
 public:
  /// The two halves of a stream.
  enum class direction : unsigned char {
    read,  ///< From the peer.
    write  ///< To the peer.
  };

  /// Who is told of readiness. Held weakly: the observer owns the transport.
  class COAX_EXPORT observer {
   public:
    /// `read_some` or `write_some` is worth another try (it may succeed, report the end, or would_block again).
    virtual void on_ready(direction d) = 0;

   protected:
    ~observer() = default;
  };

  /// For classes derived from it: a transport that lives on `ex`.
  explicit transport(asio::any_io_executor ex) : executor_(std::move(ex)) {}
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  virtual ~transport() = default;

  /// Where it lives.
  const asio::any_io_executor& executor() const noexcept { return executor_; }

  /// Hands readiness to `o` from now on, also that of a wait already begun.
  void observe(std::weak_ptr<observer> o) noexcept { observer_ = std::move(o); }

  /// Moves bytes that have arrived into `to` (not empty). 0 with `asio::error::would_block` if there are none,
  /// `asio::error::eof` at the orderly end, `asio::ssl::error::stream_truncated` when TLS ended without close_notify.
  virtual std::size_t read_some(asio::mutable_buffer to, error_code& ec) = 0;

  /// Takes bytes from the front of `from` (a gather) and answers for those taken; 0 with `asio::error::would_block`
  /// when it has no room. With nothing in `from` it only moves on what `output_pending` speaks of.
  virtual std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) = 0;

  /// Whether bytes that were taken have yet to leave: wait for `write` and call `write_some` again.
  virtual bool output_pending() const noexcept { return false; }

  /// Begins to wait for readiness; nothing happens if that wait is under way already.
  virtual void wait(direction d) = 0;

  /// Says the orderly end of what we send (TLS: close_notify, then TCP FIN), behind what is pending.
  virtual void shutdown_send() noexcept = 0;

  /// Ends both directions at once. Waits end without calling the observer.
  virtual void close() noexcept = 0;

  /// "127.0.0.1:8080", "[::1]:8080", a path, or empty.
  virtual std::string local_endpoint() const { return {}; }
  /// Of the peer, in the same form.
  virtual std::string remote_endpoint() const { return {}; }
  /// Whether the bytes are encrypted on their way.
  virtual bool secure() const noexcept { return false; }

 protected:
  /// For classes derived from it: tells the observer, if there is one, that `d` is ready.
  void notify(direction d) {
    if (auto o = observer_.lock()) o->on_ready(d);
  }

 private:
  asio::any_io_executor executor_;
  std::weak_ptr<observer> observer_;
};

}  // namespace coax
