/// @file
/// How a message is published.
///
///     hub.publish_text("prices", json, coax::publish_options().key("AAPL").history(100, 5min));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/log_entry.hpp>

#include <memory>
#include <optional>
#include <string>

namespace coax {

class peer;

namespace detail {
class peer_core;
}

/// Who is to get a message, and what its topic keeps of it.
class COAX_EXPORT publish_options {
 public:
  publish_options() = default;

  /// Not this peer, usually the one that the message came from; also not when it reads the topic's past.
  publish_options& except(const peer& p);
  /// Messages of the same key are states of one thing: see `overflow::conflate`.
  publish_options& key(std::string k) { return key_ = std::move(k), *this; }
  /// The type of the server-sent event that it becomes for SSE peers; empty for "message".
  /// @throws std::invalid_argument  CR, LF or NUL in it, or not UTF-8.
  publish_options& event_type(std::string type);
  /// The topic keeps its last `size` messages, none older than `ttl`, from now on.
  publish_options& history(std::size_t size, std::chrono::nanoseconds ttl = std::chrono::hours(1)) {
    return history_ = history_limits().size(size).ttl(ttl), *this;
  }
  /// Makes it safe to publish again when nobody knows whether it has arrived (`publication::idempotency_key`).
  publish_options& idempotency_key(std::string k) { return idempotency_key_ = std::move(k), *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const std::shared_ptr<detail::peer_core>& except() const noexcept { return except_; }
  const std::string& key() const noexcept { return key_; }
  const std::string& event_type() const noexcept { return event_type_; }
  const std::optional<history_limits>& history() const noexcept { return history_; }
  const std::string& idempotency_key() const noexcept { return idempotency_key_; }
  /// @}

 private:
  std::shared_ptr<detail::peer_core> except_;
  std::string key_;
  std::string event_type_;
  std::optional<history_limits> history_;
  std::string idempotency_key_;
};

}  // namespace coax
