/// The answer to a request, taken apart.
#pragma once

#include "protocol/header_field.hpp"
#include <coax/error.hpp>
#include <coax/headers.hpp>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace coax::detail {

/// Beast's parser, fed by hand. First the head, then the body, piece by piece into memory of the caller. No I/O.
class reply_parser {
 public:
  static constexpr std::size_t max_head = 16 * 1024;

  reply_parser();
  reply_parser(reply_parser&&) noexcept;
  reply_parser& operator=(reply_parser&&) noexcept;
  ~reply_parser();

  /// How many bytes it has used; the error is not one that more input can cure (`head_too_large` tells one of them).
  std::size_t put_head(std::string_view input, error_code& ec);
  bool head_done() const noexcept;
  static bool head_too_large(const error_code& ec) noexcept;

  unsigned status() const noexcept;
  /// Points into this object.
  std::vector<protocol::header_field> fields() const;
  headers copy_fields() const;

  /// What became of the input: bytes that were used, bytes of the body that they gave.
  struct step {
    std::size_t used = 0;
    std::size_t got = 0;
    error_code error;
  };
  /// Takes the framing off; until `to` is full or the input gives no more. A step that uses nothing with room left
  /// wants more input than there is.
  step put_body(std::string_view input, std::span<char> to);
  /// Whether the body has come to its end.
  bool body_done() const noexcept;
  /// The connection has ended: nothing, or why the body has not ended with it.
  error_code put_end();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace coax::detail
