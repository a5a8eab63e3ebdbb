/// @file
/// How an event source asks, waits and gives up.
///
///     auto options = coax::sse::event_source_options().header("Authorization", "Bearer " + token).read_timeout(45s);
#pragma once

#include <coax/connect_options.hpp>
#include <coax/detail/export.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace coax::sse {

/// What has become of an event source; see `event_source_options::on_change`.
struct event_source_change {
  /// What has happened.
  enum class kind : unsigned char {
    opened,  ///< A stream is open.
    failed,  ///< An attempt has failed, or a stream has ended; the next attempt is due in `delay`.
    closed   ///< For good, by the server or an error; `next` tells the caller.
  };

  event_source_change() = default;
  /// For the library.
  explicit event_source_change(kind k, error_code ec = {}, std::string words = {}, unsigned http_status = 0)
      : what(k), error(ec), text(std::move(words)), status(http_status) {}

  kind what = kind::failed;          ///< What has happened.
  error_code error;                  ///< Why; `asio::error::eof` for a stream that has ended as streams do.
  std::string text;                  ///< The same for people: what, where, why. For `opened` the URL, after redirects.
  unsigned status = 0;               ///< Of the answer; 0 if there was none.
  std::chrono::nanoseconds delay{};  ///< Until the next attempt; for `failed` only.
};

/// Options of `event_source`; with those of `connect_options`.
class COAX_EXPORT event_source_options : public connect_options<event_source_options> {
 public:
  /// GET, without a time limit for silence, opened again for ever.
  event_source_options();

  /// A further field of the request. @throws std::invalid_argument see `headers::add`; or a field that the source sets
  /// itself (Accept, Cache-Control, Accept-Encoding, Last-Event-ID, Content-Type, Connection and the like).
  event_source_options& header(std::string_view name, std::string_view value);

  /// The method of the request; default GET, and POST with a `body`. @throws std::invalid_argument not a token; CONNECT
  /// or HEAD.
  event_source_options& method(std::string_view name);
  /// A body for the request, sent again with every one.
  /// @throws std::invalid_argument what a field must not have in `content_type`.
  event_source_options& body(std::string bytes, std::string_view content_type = "application/json");
  /// Asks for a compressed stream (`Accept-Encoding: gzip`). One that comes compressed by gzip or deflate is read in
  /// any case.
  event_source_options& accept_gzip(bool on) { return gzip_ = on, *this; }
  /// Where to begin: sent as if it were the id of an event that has been received.
  /// @throws std::invalid_argument a control character in it, or over 8 KiB.
  event_source_options& last_event_id(std::string id);

  /// How long to wait before a stream is opened again, unless the stream has said so itself; default 3 s.
  event_source_options& retry(std::chrono::nanoseconds d) { return retry_ = d, *this; }
  /// With each failure in a row the wait may be `growth` times as long, up to `cap`; default 2 and 60 s. It is drawn at
  /// random from between the time of `retry` and that, so that clients that have lost a server together do not come
  /// back together. An event, or a stream that has lasted for `stable_after` (default 10 s), ends the row; a connection
  /// as such does not.
  /// @throws std::invalid_argument a growth below 1.
  event_source_options& backoff(double growth, std::chrono::nanoseconds cap,
                                std::chrono::nanoseconds stable_after = std::chrono::seconds(10));
  /// The longest wait that a server can ask for, by `retry:` or `Retry-After`; default 5 min.
  event_source_options& max_retry(std::chrono::nanoseconds d) { return max_retry_ = d, *this; }
  /// After how many failures in a row `next` throws the error of the last one; default 0: never.
  event_source_options& max_failures(unsigned n) { return max_failures_ = n, *this; }
  /// Does as the standard says: any status but 200 and 204 is final. By default 408, 429 and 5xx are retried, after
  /// what `Retry-After` says.
  event_source_options& strict(bool on) { return strict_ = on, *this; }

  /// How long a stream may be silent, comments and all, before it is given up and opened again; default 0: for ever.
  /// Set it to a few times the server's heartbeat: a peer whose machine is gone cannot be noticed otherwise.
  event_source_options& read_timeout(std::chrono::nanoseconds d) { return read_timeout_ = d, *this; }
  /// Bytes of a line, comments included, and of an event; default 1 MiB each. An excess ends the source: the event
  /// would only come again.
  event_source_options& line_limit(std::size_t bytes) { return line_limit_ = bytes, *this; }
  /// The same for an event, of whatever number of lines.
  event_source_options& event_limit(std::size_t bytes) { return event_limit_ = bytes, *this; }

  /// Told of every change, on the source's executor, from within its own work: it must not throw, and should return
  /// soon. It may call `close`, and let go of the source.
  event_source_options& on_change(std::function<void(const event_source_change&)> hook) {
    return on_change_ = std::move(hook), *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const std::string& method() const noexcept { return method_; }
  const std::string& body() const noexcept { return body_; }
  const std::string& content_type() const noexcept { return content_type_; }
  bool has_body() const noexcept { return !content_type_.empty(); }
  [[nodiscard]] bool accept_gzip() const noexcept { return gzip_; }
  const std::string& last_event_id() const noexcept { return last_event_id_; }
  std::chrono::nanoseconds retry() const noexcept { return retry_; }
  double growth() const noexcept { return growth_; }
  std::chrono::nanoseconds cap() const noexcept { return cap_; }
  std::chrono::nanoseconds stable_after() const noexcept { return stable_after_; }
  std::chrono::nanoseconds max_retry() const noexcept { return max_retry_; }
  unsigned max_failures() const noexcept { return max_failures_; }
  [[nodiscard]] bool strict() const noexcept { return strict_; }
  std::chrono::nanoseconds read_timeout() const noexcept { return read_timeout_; }
  std::size_t line_limit() const noexcept { return line_limit_; }
  std::size_t event_limit() const noexcept { return event_limit_; }
  const std::function<void(const event_source_change&)>& on_change() const noexcept { return on_change_; }
  /// @}

 private:
  std::string method_;
  std::string body_;
  std::string content_type_;
  std::string last_event_id_;
  std::chrono::nanoseconds retry_ = std::chrono::seconds(3);
  double growth_ = 2;
  std::chrono::nanoseconds cap_ = std::chrono::seconds(60);
  std::chrono::nanoseconds stable_after_ = std::chrono::seconds(10);
  std::chrono::nanoseconds max_retry_ = std::chrono::minutes(5);
  std::chrono::nanoseconds read_timeout_{0};
  std::size_t line_limit_ = 1024 * 1024;
  std::size_t event_limit_ = 1024 * 1024;
  std::function<void(const event_source_change&)> on_change_;
  unsigned max_failures_ = 0;
  bool gzip_ = false;
  bool strict_ = false;
};

}  // namespace coax::sse
