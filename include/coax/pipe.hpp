/// @file
/// Two streams spliced into each other.
///
///     const auto moved = co_await coax::pipe(client, upstream, ctx);   // tcp, unix, TLS, byte_stream, stdin...
///     log(moved.forth.bytes, moved.back.bytes);
#pragma once

#include <coax/context.hpp>
#include <coax/detail/export.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

struct ssl_st;

namespace coax {

/// Why a direction of a pipe has ended.
enum class pipe_outcome : unsigned char {
  finished,      ///< The source came to its end, and the sink has been told so where it can be.
  read_failed,   ///< The source failed; the other direction has been stopped.
  write_failed,  ///< The sink failed; of the other direction only what had arrived was still passed on.
  stopped        ///< The context stopped, or the other direction failed.
};

/// What became of one direction of a pipe.
struct pipe_flow {
  pipe_flow() = default;

  std::uint64_t bytes = 0;                       ///< Taken by the sink.
  pipe_outcome outcome = pipe_outcome::stopped;  ///< How it ended.
  error_code error;    ///< What failed; `errc::canceled` or `errc::deadline_exceeded` if stopped; none if finished.
  std::string unsent;  ///< Read from the source and not taken by the sink; at most `pipe_options::buffer_size` bytes.
};

/// How a pipe has ended.
struct pipe_result {
  pipe_result() = default;

  pipe_flow forth;  ///< From the first stream to the second.
  pipe_flow back;   ///< From the second stream to the first.
};

/// Options of `pipe`.
class pipe_options {
 public:
  pipe_options() = default;

  /// The most bytes under way in each direction, default 64 KiB. A direction that moves little holds 4 KiB.
  pipe_options& buffer_size(std::size_t bytes) { return buffer_size_ = bytes, *this; }
  /// Called when a sink has taken bytes, with the totals of both directions, forth and back; must not throw.
  pipe_options& on_progress(std::function<void(std::uint64_t, std::uint64_t)> hook) {
    return progress_ = std::move(hook), *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::size_t buffer_size() const noexcept { return buffer_size_; }
  const std::function<void(std::uint64_t, std::uint64_t)>& on_progress() const noexcept { return progress_; }
  /// @}

 private:
  std::size_t buffer_size_ = 64 * 1024;
  std::function<void(std::uint64_t, std::uint64_t)> progress_;
};

namespace detail {

class pipe_state;

/// The handler of every operation of a pipe.
class COAX_EXPORT pipe_handler {
 public:
  using executor_type = asio::any_io_executor;
  using cancellation_slot_type = asio::cancellation_slot;

  pipe_handler(std::shared_ptr<pipe_state> s, unsigned l) noexcept : state_(std::move(s)), lane_(l) {}
  executor_type get_executor() const noexcept;
  cancellation_slot_type get_cancellation_slot() const noexcept;
  void operator()(const error_code& ec, std::size_t n = 0) const;

 private:
  std::shared_ptr<pipe_state> state_;
  unsigned lane_;
};

/// A stream, type-erased.
class COAX_EXPORT pipe_end {
 public:
  virtual void read_some(asio::mutable_buffer to, pipe_handler done) = 0;
  virtual void write_some(asio::const_buffer from, pipe_handler done) = 0;
  /// Says the end of what is written. False if that takes no operation; otherwise `done` is going to be called.
  virtual bool end_output(pipe_handler done) = 0;

 protected:
  ~pipe_end() = default;
};

/// Has SSL_shutdown believe, while it lives, that the peer has said its end: it then says ours and waits for nothing,
/// which would take from the other direction what it still receives.
class COAX_EXPORT one_sided_shutdown {
 public:
  explicit one_sided_shutdown(ssl_st* tls) noexcept;
  one_sided_shutdown(const one_sided_shutdown&) = delete;
  one_sided_shutdown& operator=(const one_sided_shutdown&) = delete;
  ~one_sided_shutdown();

 private:
  ssl_st* tls_;
  bool received_;
};

template <class Stream>
bool end_output_of(Stream& s, pipe_handler& done) {
  error_code ignored;
  if constexpr (requires { s.close_write(); })
    s.close_write();
  else if constexpr (requires { s.shutdown(Stream::shutdown_send, ignored); })
    s.shutdown(Stream::shutdown_send, ignored);
  else if constexpr (requires { one_sided_shutdown(s.native_handle()), s.async_shutdown(std::move(done)); }) {
    const one_sided_shutdown only_ours(s.native_handle());
    return s.async_shutdown(std::move(done)), true;
  } else if constexpr (requires { s.async_shutdown(std::move(done)); })
    return s.async_shutdown(std::move(done)), true;
  else if constexpr (requires { s.socket(); })
    return end_output_of(s.socket(), done);
  else if constexpr (requires { s.next_layer(); })
    return end_output_of(s.next_layer(), done);
  return false;
}

template <class Stream>
class pipe_end_of final : public pipe_end {
 public:
  explicit pipe_end_of(Stream& s) noexcept : stream_(s) {}

  void read_some(asio::mutable_buffer to, pipe_handler done) override { stream_.async_read_some(to, std::move(done)); }
  void write_some(asio::const_buffer from, pipe_handler done) override {
    stream_.async_write_some(from, std::move(done));
  }
  bool end_output(pipe_handler done) override { return end_output_of(stream_, done); }

 private:
  Stream& stream_;
};

COAX_EXPORT task<pipe_result> run_pipe(pipe_end& a, pipe_end& b, pipe_options options, context ctx);

}  // namespace detail

/// Moves bytes between two streams, in both directions, until both have come to their ends.
///
/// Any AsyncReadStream and AsyncWriteStream of Asio will do: sockets, `asio::ssl::stream`, `byte_stream`,
/// `beast::tcp_stream`, `posix::stream_descriptor`. The end of one source is passed on as a half-close, and the other
/// direction goes on: by `close_write()` where a stream has such a member, or `shutdown(shutdown_send)`, or
/// `async_shutdown` (TLS), or those of the layer below (`socket()`, `next_layer()`). A stream of your own takes part by
/// a member `close_write()`; one that has nothing of the kind is told nothing.
///
/// Nothing is closed. Both streams must live until the pipe has ended, and nobody else may read or write them until
/// then. They may live on other executors than the calling coroutine, whose own must be that of an io_context run by
/// one thread, or a strand.
///
/// Stopping `ctx`, or Asio's per-operation cancellation, ends the reads and writes under way and leaves both streams
/// open and intact: what has been read and not written is in `unsent`, so that no byte is lost and one may go on from
/// there. One case takes its time: a write of `asio::ssl::stream` cannot be cancelled without breaking TLS, so that it
/// is waited for; to cut that short, close the stream.
///
/// Does not throw for what the streams do. Holds at most `buffer_size` bytes for each direction.
template <class A, class B>
task<pipe_result> pipe(A& a, B& b, pipe_options options, context ctx = {}) {
  detail::pipe_end_of<A> first(a);
  detail::pipe_end_of<B> second(b);
  co_return co_await detail::run_pipe(first, second, std::move(options), std::move(ctx));
}

/// The same with the default options.
template <class A, class B>
task<pipe_result> pipe(A& a, B& b, context ctx = {}) {
  return pipe(a, b, pipe_options(), std::move(ctx));
}

}  // namespace coax
