/// The body of an answer on its way to the parser of events.
#pragma once

#include "sse/content_decoder.hpp"
#include "sse/piece_buffer.hpp"
#include "websocket/reply_parser.hpp"

#include <optional>

namespace coax::sse {

/// Takes framing (chunks, length) and content coding off, step by step: what is ahead of the parser is bounded by three
/// blocks of 64 KiB, and two without a coding. No I/O.
///
///     while (body.text().empty() && body.decode(ec));   // then, if there is still none: receive into `room`
class event_body {
 public:
  /// `head` is that of the answer, `rest` what has come behind it.
  event_body(coax::detail::reply_parser head, std::string rest, content_coding coding);

  /// What is ready for the parser of events, and how much of it that has used.
  std::string_view text() const noexcept { return text_.view(); }
  void use(std::size_t n) noexcept { text_.use(n); }

  /// Makes more text of what has been received, if it can; at most a block. The error, when all before it is used.
  bool decode(error_code& ec);
  /// Whether the body has come to its end as its framing has it.
  bool over() const noexcept { return head_.body_done(); }

  /// For bytes that arrive, never empty.
  std::span<char> room() { return received_.room(); }
  void received(std::size_t n) noexcept { received_.add(n); }
  /// The connection has ended: nothing, or why the body has not ended with it.
  error_code ended() { return head_.put_end(); }

  /// Nothing more is there to be done for now.
  void rest();

 private:
  bool inflate();
  bool unframe(piece_buffer& to);

  coax::detail::reply_parser head_;
  std::optional<content_decoder> decoder_;
  piece_buffer received_;
  piece_buffer framed_;  // without its framing, still coded
  piece_buffer text_;
  bool inflated_full_ = false;  // the decoder may hold more
  error_code framing_error_;
  error_code error_;  // of the coding
};

}  // namespace coax::sse
