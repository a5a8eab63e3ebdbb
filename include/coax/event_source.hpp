/// @file
/// The client of server-sent events: a stream that is opened again whenever it ends.
///
///     coax::sse::event_source prices{co_await asio::this_coro::executor, "https://example.com/prices"};
///     while (auto e = co_await prices.next(ctx)) std::cout << e->type() << ": " << e->data() << '\n';
#pragma once

#include <coax/detail/export.hpp>
#include <coax/event_source_options.hpp>
#include <coax/handshake_error.hpp>
#include <coax/proxy_error.hpp>
#include <coax/sse_event.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace coax::detail {
class event_source_core;
}

namespace coax::sse {

/// The states of the standard's readyState.
enum class ready_state : unsigned char {
  connecting,  ///< There is no stream; `next` opens one.
  open,        ///< There is a stream.
  closed       ///< For good: after `close`, a 204, or an error that `next` has thrown.
};

/// Counters of an event source.
struct event_source_stats {
  std::uint64_t events = 0;          ///< Given to the caller.
  std::uint64_t bytes_received = 0;  ///< Of the bodies of the streams, as they came.
  std::uint64_t streams = 0;         ///< Opened so far.
  std::uint64_t failures = 0;        ///< Attempts that failed, and streams that ended.
};

/// Reads the events of a URL as the standard has a browser do it (WHATWG HTML, section Server-sent events), over the
/// connections that `dial` makes: TLS, proxies, Unix sockets (`http+unix:///path.sock:/target`), redirects, cookies.
///
/// Nothing runs unless somebody calls `next`: a stream is opened by the first call, an event is read when it is asked
/// for, and a server that sends faster than that is held back by TCP; no more is read ahead than one receive buffer
/// (64 KiB). The only thing that goes on without a caller is an attempt to connect that a stopped `next` has left
/// behind; it ends within `handshake_timeout`, and the next call finds its result.
///
/// When a stream ends or an attempt fails, `next` waits (`event_source_options::retry`, `backoff`) and opens another
/// one, from the original URL, with the last event id. So a server that knows ids loses no event for us, and no event
/// comes twice. An event that was cut off is dropped, as the standard wants it.
///
/// A source belongs to its executor: that of an io_context run by one thread, or a strand. `next` and `close` may be
/// called from anywhere, all else from that executor. The destructor closes.
class COAX_EXPORT event_source {
 public:
  /// @throws system_error `errc::bad_url`; the file of `ca_file` cannot be used.
  event_source(asio::any_io_executor ex, std::string url, event_source_options options = {});
  /// Takes the source of another handle over, in the middle of a stream if there is one.
  event_source(event_source&&) noexcept;
  /// The same; a source that this handle had is closed.
  event_source& operator=(event_source&&) noexcept;
  ~event_source();

  /// The next event; nothing once the server has answered 204, or after `close`.
  ///
  /// Stopping `ctx` ends the wait and nothing else: no event is lost, none comes twice, and an attempt to connect or a
  /// wait before it go on where they are. Asio's cancellation of the calling coroutine does the same.
  ///
  /// @throws handshake_error  an answer that no further attempt would better: a status that is not 200 (and not one
  ///                          that is retried), not text/event-stream, a redirect that cannot be followed or is one too
  ///                          many, no HTTP. The response is inside.
  /// @throws proxy_error      the proxy refused with a status that is not retried.
  /// @throws system_error     `errc::canceled`, `errc::deadline_exceeded`; `errc::concurrent_read` if another call is
  ///                          in progress, which is left undisturbed; `errc::message_too_big` for an event above its
  ///                          limit; TLS failed in a way that is not the network's (the text says why a certificate was
  ///                          refused); what `max_failures` has put an end to.
  /// An error that ends the source is thrown by every later call as well.
  task<std::optional<event>> next(context ctx = {});

  /// Takes an event that has arrived, without waiting and without a coroutine; nothing if there is none or a `next` is
  /// in progress.
  std::optional<event> try_next();

  /// As the standard's readyState, seen from the caller: it is `open` as long as a stream is there to be read.
  sse::ready_state ready_state() const noexcept;
  /// What the next request will send: of the last event that was given to the caller, or of an id without data since.
  const std::string& last_event_id() const noexcept;
  /// As it was given, less user, password and fragment.
  const std::string& url() const noexcept;
  /// A snapshot of the counters.
  event_source_stats stats() const noexcept;

  /// Ends it for good. A `next` in progress gives nothing, and so does every later one. From any thread.
  void close() noexcept;

  /// The executor that it was made with.
  const asio::any_io_executor& get_executor() const noexcept;

 private:
  std::shared_ptr<detail::event_source_core> core_;
};

}  // namespace coax::sse
