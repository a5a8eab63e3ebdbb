/// @file
/// Ctrl-C as a context.
///
///     coax::stop_on_signal stop(io.get_executor());
///     co_await srv.serve("127.0.0.1:8080", stop);
#pragma once

#include <coax/context.hpp>
#include <coax/detail/export.hpp>

namespace coax {

/// A stop source that the first SIGINT or SIGTERM fires. After it, and when this object is destroyed, the signals have
/// their old effect again: a second Ctrl-C ends the process. Until it is made they have it as well: make it before you
/// tell anybody that the process is there, by an address printed or a ready socket.
class COAX_EXPORT stop_on_signal {
 public:
  /// Waits for both signals on `ex`, whose io_context has to run.
  explicit stop_on_signal(asio::any_io_executor ex);
  /// Takes another one's place.
  stop_on_signal(stop_on_signal&&) noexcept;
  /// The same; what this one was ends as with the destructor.
  stop_on_signal& operator=(stop_on_signal&&) noexcept;
  ~stop_on_signal();

  /// As a signal would do.
  void request_stop();
  /// A token that stops with the first signal.
  std::stop_token get_token() const noexcept;
  /// The token as a context.
  operator context() const { return context(get_token()); }

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace coax
