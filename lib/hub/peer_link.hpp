/// What a peer sends through: a WebSocket, or a stream of server-sent events.
#pragma once

#include "hub/delivery.hpp"
#include "hub/resume_token.hpp"
#include "io/drain_observer.hpp"
#include <coax/conn.hpp>
#include <coax/event_stream.hpp>

#include <optional>

namespace coax::detail {

/// What to close a peer with.
struct close_request {
  enum class when : unsigned char {
    at_once,
    sent,  // behind what is queued
    read   // and behind what is being read of the past
  };
  status code;
  std::string reason;
  when time = when::sent;

  bool at_once() const noexcept { return time == when::at_once; }
  std::optional<std::chrono::milliseconds> retry = std::nullopt;  // when an event source is to come again
};

class peer_link {
 public:
  peer_link() = default;
  peer_link(const peer_link&) = delete;
  peer_link& operator=(const peer_link&) = delete;
  virtual ~peer_link() = default;

  // From the executor ---------------------------------------------------------------------------------------------

  virtual void observe(std::weak_ptr<drain_observer> o) noexcept = 0;
  /// Appends a message unless there is no room; it leaves with `send_appended`. With `ec` it takes nothing any more.
  virtual bool append(const delivery& what, error_code& ec) = 0;
  virtual void send_appended() = 0;
  /// Before anything is sent: the client is to be told what it needs to resume.
  virtual void make_resumable() = 0;
  /// The same for a token, which covers all that was appended before.
  virtual bool append_token(resume_token t, error_code& ec) = 0;
  /// It will soon be sent to.
  virtual void prefetch_connection() const noexcept = 0;
  virtual void begin_close(const close_request& with) = 0;
  virtual void end_now() = 0;

  // From any thread -----------------------------------------------------------------------------------------------

  virtual asio::any_io_executor executor() const = 0;
  virtual bool ended() const = 0;
  /// Whether it has ended behind all that was sent: a WebSocket when the client has confirmed the close, a stream of
  /// events when everything has left.
  virtual bool ended_well() const = 0;
  /// Begins to close.
  virtual void start_close(const close_request& with) = 0;
  /// The handle has gone: ends what is open, leaves alone what is closing.
  virtual void abandon() noexcept = 0;
  virtual task<error_code> wait_until_finished(const context& ctx) = 0;
};

/// A peer's handle, one of the two, and what is behind it.
struct peer_socket {
  /// @throws std::invalid_argument  what a hub cannot take.
  explicit peer_socket(conn c);
  explicit peer_socket(sse::event_stream s);

  conn socket;
  sse::event_stream events;
  std::shared_ptr<peer_link> link;
};

}  // namespace coax::detail
