/// @file
/// Error codes and exceptions.
///
/// Expected events (closed, canceled, a limit) are codes of `coax::errc`; they compare equal to the fitting
/// `std::errc`, so `ec == std::errc::timed_out` holds for a deadline of any operation:
///
///     auto m = co_await c.try_read(context{}.with_timeout(5s));
///     if (!m && m.error() == std::errc::timed_out) ...
#pragma once

#include <coax/detail/export.hpp>
#include <coax/status.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <type_traits>

namespace coax {

/// The error code of Asio, and so of this library. Compares with `std::errc`.
using error_code = boost::system::error_code;
/// A value, or the error code that explains why there is none.
template <class T = void>
using result = boost::system::result<T>;

/// What can go wrong in an operation of this library. Errors of the operating system and of TLS keep their own
/// category.
enum class errc {
  canceled = 1,            ///< The context was stopped. A write with this error sent nothing.
  deadline_exceeded,       ///< The deadline of the context passed. A write with this error sent nothing.
  canceled_sent,           ///< The context was stopped after the message had begun to leave: it will be sent whole.
  deadline_exceeded_sent,  ///< The deadline passed after the message had begun to leave: it will be sent whole.
  closed,                  ///< The connection has ended; `conn::closed()` tells why.
  concurrent_read,         ///< Another read of the same connection is in progress; it goes on undisturbed.
  message_too_big,         ///< A message above `read_limit`; the connection was closed with 1009.
  protocol_error,          ///< The peer broke RFC 6455; the connection was closed with 1002.
  invalid_utf8,            ///< Text that is not UTF-8; the connection was closed with 1007.
  corrupt_data,            ///< A compressed message that cannot be inflated; the connection was closed with 1007.
  unexpected_data,         ///< A data message after `close_read`; the connection was closed with 1008.
  peer_timeout,            ///< The peer gave no sign of life for the keepalive time.
  write_stalled,           ///< The peer took no byte for `write_stall_timeout`.
  slow_consumer,           ///< The peer's queue in the hub overflowed.
  handshake_failed,        ///< The opening handshake was refused or malformed.
  handshake_timeout,       ///< The opening handshake took too long.
  bad_url,                 ///< A URL that cannot be dialled.
  bad_request,             ///< A malformed HTTP message.
  header_too_large,        ///< An HTTP head above its limits.
  body_too_large,          ///< An HTTP body above its limit.
  shut_down,               ///< The io_context is being destroyed.
  invalid_data,            ///< A message that its reader has no use for; the connection was closed with 1007 or 1003.
  proxy_failed,            ///< The proxy on the way to the server did not let us through.
  broker_unavailable,      ///< The broker cannot be reached, or has no room; nothing of the call has happened.
  publication_in_doubt,    ///< The broker was lost before it replied: the message may be stored, or not.
  would_block,             ///< A member of the topic under `overflow::block` has no room.
  hub_full,                ///< A limit of the hub was reached: peers, or topics of a peer.
  draining,                ///< The hub drains: it takes no peers and no members any more.
};

/// The category of `errc`, named "coax".
COAX_EXPORT const boost::system::error_category& coax_category() noexcept;
/// The code as an `error_code`; `ec == coax::errc::closed` needs no call of it.
COAX_EXPORT error_code make_error_code(errc code) noexcept;

/// Whether a write that failed with `ec` nevertheless leaves whole (do not send the message again elsewhere).
inline bool was_sent(const error_code& ec) noexcept {
  return ec == make_error_code(errc::canceled_sent) || ec == make_error_code(errc::deadline_exceeded_sent);
}

/// What operations of this library throw: `code()` for programs, `what()` for people.
class COAX_EXPORT system_error : public boost::system::system_error {
 public:
  /// With the text of `ec` alone.
  explicit system_error(error_code ec);
  /// `what` says what, where and what to do; the text of `ec` is appended to it.
  system_error(error_code ec, std::string_view what);
};

/// Thrown by reads and writes when the connection has ended: by the peer's close frame (its status and reason), by
/// an own one, or without any (`status::abnormal`).
class COAX_EXPORT close_error : public system_error {
 public:
  /// The code is `errc::closed`; `cause` is what was behind an unclean end.
  close_error(coax::status status, std::string reason, bool clean, error_code cause = {});

  /// The status in the peer's close frame; `no_status` if it was empty, `abnormal` if there was none.
  coax::status status() const noexcept { return status_; }
  /// The reason in the close frame, valid UTF-8, often empty.
  const std::string& reason() const noexcept { return reason_; }
  /// Whether both close frames were exchanged.
  bool clean() const noexcept { return clean_; }
  /// The error of the transport or the breach of the protocol behind an unclean end.
  const error_code& cause() const noexcept { return cause_; }

 private:
  coax::status status_;
  std::string reason_;
  bool clean_;
  error_code cause_;
};

}  // namespace coax

/// @cond
template <>
struct boost::system::is_error_code_enum<coax::errc> : std::true_type {};
/// @endcond
