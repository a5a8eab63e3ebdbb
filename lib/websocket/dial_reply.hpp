/// Reads the answer to an upgrade request, or to a CONNECT.
#pragma once

#include "io/stream.hpp"
#include "protocol/header_field.hpp"
#include <coax/handshake_error.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coax::detail {

/// Beast's parser, fed by hand. Bounded: the head in size, the body in size and time.
class reply_reader {
 public:
  static constexpr std::size_t max_head = 16 * 1024;
  static constexpr int max_interim = 10;
  static constexpr std::chrono::seconds body_time{3};

  /// Who answers: the server, or the proxy of that name.
  explicit reply_reader(stream& s);
  reply_reader(stream& s, std::string proxy);
  ~reply_reader();

  /// Reads up to the end of the head, past interim answers (RFC 9110 section 15.2; 101 is none).
  /// @throws handshake_error (proxy_error from a proxy) it is not HTTP, or too long, or ends early; system_error the
  /// transport failed, or `ctx`.
  task<> read_head(context ctx);
  unsigned status() const;
  /// Points into this object.
  std::vector<protocol::header_field> fields() const;
  headers copy_fields() const;

  /// The beginning of the body, as far as it comes.
  task<std::string> read_body(context ctx);

  /// What came behind the head.
  std::span<const std::byte> rest() const noexcept;

 private:
  class parser;

  [[noreturn]] void refuse(const std::string& text) const;
  std::string sender() const { return proxy_.empty() ? "the server" : "the proxy " + proxy_; }

  task<> read_one_head(const context& ctx);
  task<error_code> read_more(const context& ctx);

  stream& stream_;
  const std::string proxy_;
  std::unique_ptr<parser> parser_;
  std::string input_;
  std::size_t used_ = 0;
};

}  // namespace coax::detail
