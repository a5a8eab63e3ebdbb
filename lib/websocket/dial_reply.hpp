/// Reads the answer to a request, or to a CONNECT.
#pragma once

#include "io/stream.hpp"
#include "websocket/reply_parser.hpp"
#include <coax/handshake_error.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace coax::detail {

/// Bounded: the head in size, the body of a refusal in size and time.
class reply_reader {
 public:
  static constexpr int max_interim = 10;
  static constexpr std::chrono::seconds body_time{3};

  /// `who` reads, for the text of errors; and who answers: the server, or the proxy of that name.
  reply_reader(stream& s, std::string who, std::string proxy = {})
      : stream_(s), who_(std::move(who)), proxy_(std::move(proxy)) {}

  /// Reads up to the end of the head, past interim answers (RFC 9110 section 15.2; 101 is none).
  /// @throws handshake_error (proxy_error from a proxy) it is not HTTP, or too long, or ends early; system_error the
  /// transport failed, or `ctx`.
  task<> read_head(context ctx);
  const reply_parser& head() const noexcept { return parser_; }
  /// Whether `read_head` failed because the connection ended.
  bool ended_early() const noexcept { return ended_early_; }

  /// The beginning of the body, as far as it comes.
  task<std::string> read_body(context ctx);

  /// The answer with its body still to come, which begins with `rest`.
  reply_parser release() noexcept { return std::move(parser_); }
  /// What came behind the head.
  std::span<const std::byte> rest() const noexcept { return std::as_bytes(std::span(input_)).subspan(used_); }

 private:
  [[noreturn]] void refuse(const std::string& text) const;
  std::string sender() const { return proxy_.empty() ? "the server" : "the proxy " + proxy_; }

  task<> read_one_head(const context& ctx);
  task<error_code> read_more(const context& ctx);

  stream& stream_;
  const std::string who_;
  const std::string proxy_;
  reply_parser parser_;
  std::string input_;
  std::size_t used_ = 0;
  bool ended_early_ = false;
};

}  // namespace coax::detail
