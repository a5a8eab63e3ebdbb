/// One HTTP request: its head, and the decoding of its body.
#pragma once

#include "http/refusal.hpp"
#include "protocol/header_field.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax::http {

/// A parsed head. It stays where it is: everything points into `head`.
struct request {
  request() = default;
  explicit request(std::string_view bytes) : head(bytes) {}
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  std::string head;
  std::string_view method;
  std::string_view target;
  unsigned version = 11;  ///< 10 or 11.
  std::vector<protocol::header_field> fields;
};

/// What the head says of the body.
struct body_info {
  bool present = false;
  std::optional<std::uint64_t> length;  ///< Unknown for a chunked body.
};

/// Beast's parser, fed by hand.
class request_parser {
 public:
  request_parser();
  request_parser(request_parser&&) noexcept;
  request_parser& operator=(request_parser&&) noexcept;
  ~request_parser();

  /// Parses `r.head`, a whole head as `head_scanner` has cut it out.
  std::optional<refusal> parse_head(request& r);
  body_info body() const;

  /// Whether the body is whole (or there is none).
  bool done() const noexcept;
  /// Frees what only decoding needs; there must be nothing left to decode.
  void reset() noexcept;
  struct progress {
    std::size_t used = 0;  ///< Bytes taken from the front of the input.
    bool malformed = false;
  };
  /// Decodes more of the body and appends it to `out`. Nothing used and not malformed: more input is needed.
  progress decode(std::string_view input, std::string& out);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// Whether the client wants the connection to go on after this request (RFC 9112 section 9.3).
bool wants_keep_alive(const request& r);

}  // namespace coax::http
