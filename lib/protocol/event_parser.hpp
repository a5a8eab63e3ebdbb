/// The events of a stream, as the standard has them read (WHATWG HTML, sections 9.2.5 and 9.2.6). No I/O.
#pragma once

#include <coax/sse_event.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coax::protocol {

/// Takes a stream in pieces of any size and keeps nothing of it but the event that is being built. The work for a byte
/// does not depend on what came before it.
///
///     while (!input.empty() && parser.feed(input) == event_parser::verdict::event) use(parser.take());
class event_parser {
 public:
  struct limits {
    std::size_t line = 1024 * 1024;   ///< Bytes of a line, comments included.
    std::size_t event = 1024 * 1024;  ///< Bytes of data, type and id of an event.
  };
  enum class verdict : std::uint8_t {
    need_more,  ///< All input was taken.
    event,      ///< An event is complete: `take` it; the input behind it is left.
    too_long    ///< A limit was exceeded, for good: `error` tells which.
  };

  event_parser() noexcept : event_parser(limits()) {}
  explicit event_parser(limits l) noexcept : limits_(l) {}

  /// Takes bytes off the front of `input`.
  verdict feed(std::string_view& input);
  /// The event that is complete; the caller's from here on.
  sse::event take();

  /// A new connection: what was unfinished on the old one is forgotten, its id too. What has become the last event id
  /// stays, and so does the reconnection time.
  void restart();

  const std::string& last_event_id() const noexcept { return last_id_; }
  void last_event_id(std::string id) { last_id_ = id_buffer_ = std::move(id); }
  /// What the stream has last said of it.
  std::optional<std::chrono::milliseconds> reconnection_time() const noexcept { return retry_; }
  const char* error() const noexcept { return error_; }

 private:
  enum class field : std::uint8_t { ignored, data, type, id, retry };
  enum class place : std::uint8_t { name, behind_colon, value };

  static constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  static constexpr std::size_t longest_name = 5;

  bool skip_byte_order_mark(std::string_view& input);
  verdict fail(const char* why) noexcept;
  bool add(std::string_view text);
  void add_to_name(std::string_view& text);
  void begin_value();
  bool add_to_value(std::string_view text);
  verdict end_line();
  void end_field();
  bool dispatch();
  std::size_t event_size() const noexcept { return data_.size() + type_.size() + value_.size(); }

  limits limits_;
  std::uint8_t mark_seen_ = 0;  // bytes of the byte order mark; all of them when it cannot come any more
  bool swallow_lf_ = false;     // the line before was ended by a CR
  bool failed_ = false;
  place place_ = place::name;
  field field_ = field::ignored;
  std::uint8_t name_size_ = 0;
  std::array<char, longest_name + 1> name_{};
  std::size_t line_size_ = 0;
  std::string value_;  // of id and retry, which count only when their line is complete
  std::string data_;
  std::string type_;
  std::string id_buffer_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  sse::event ready_;
  const char* error_ = "";
};

}  // namespace coax::protocol
