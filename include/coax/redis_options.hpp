/// @file
/// How to get to Redis, or Valkey.
///
///     redis://127.0.0.1:6379                    also redis://user:password@host:port/database; port 6379 by default
///     rediss://user:password@host               TLS, to Sentinels and all nodes of a Cluster as well
///     redis+unix:///run/redis.sock?db=2         also with user:password@ in the place of the host
///     redis://a:26379,b:26379,c:26379/0?sentinel=mymaster        what the Sentinels call master
///     redis://a:7000,b:7000,c:7000?cluster=1                     a Cluster, from any of these nodes
#pragma once

#include <coax/detail/export.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace coax {

/// What a URL does not say. All have defaults that work.
class COAX_EXPORT redis_options {
 public:
  redis_options() = default;

  /// The TLS configuration for rediss: client certificates, trusted authorities. The default trusts what the system
  /// trusts, from TLS 1.2 on, and verifies the host.
  redis_options& tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return tls_ = std::move(ctx), *this; }
  /// Trusts the authorities in this PEM file instead of the system's. Ignored if there is a `tls` context.
  redis_options& ca_file(std::string path) { return ca_file_ = std::move(path), *this; }
  /// Accepts every certificate: then TLS protects from nobody who can reach the network between.
  redis_options& insecure_skip_verify(bool on) noexcept { return skip_verify_ = on, *this; }
  /// For the Sentinels; those of the URL are for the servers.
  redis_options& sentinel_credentials(std::string user, std::string password) {
    return sentinel_user_ = std::move(user), sentinel_password_ = std::move(password), *this;
  }
  /// Shown by CLIENT LIST; default "coax".
  redis_options& client_name(std::string name) { return client_name_ = std::move(name), *this; }

  /// For connecting to a server, with all of the handshakes; default 5 s.
  redis_options& connect_timeout(std::chrono::nanoseconds d) noexcept { return connect_timeout_ = d, *this; }
  /// How long the oldest command may go unanswered before its connection is given up; default 2 s.
  redis_options& reply_timeout(std::chrono::nanoseconds d) noexcept { return reply_timeout_ = d, *this; }
  /// How often a connection that has nothing to say is asked whether it lives (PING); default 1 s. It is given up when
  /// the answer takes longer than `reply_timeout`.
  redis_options& ping_interval(std::chrono::nanoseconds d) noexcept { return ping_interval_ = d, *this; }
  /// The bounds of the time between attempts to connect; default 20 ms to 2 s.
  redis_options& backoff(std::chrono::nanoseconds least, std::chrono::nanoseconds most) noexcept {
    return backoff_least_ = least, backoff_most_ = most, *this;
  }
  /// How long a command is kept that does not say so itself, while it cannot be sent or (if it is idempotent) has not
  /// been answered; default 30 s.
  redis_options& queue_time(std::chrono::nanoseconds d) noexcept { return queue_time_ = d, *this; }
  /// The most commands, and bytes of them, without a reply; beyond, a command is refused. Default 100,000 and 64 MiB.
  redis_options& queue_limit(std::size_t commands, std::size_t bytes) noexcept {
    return queue_commands_ = commands, queue_bytes_ = bytes, *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const std::shared_ptr<boost::asio::ssl::context>& tls() const noexcept { return tls_; }
  const std::string& ca_file() const noexcept { return ca_file_; }
  [[nodiscard]] bool insecure_skip_verify() const noexcept { return skip_verify_; }
  const std::string& sentinel_user() const noexcept { return sentinel_user_; }
  const std::string& sentinel_password() const noexcept { return sentinel_password_; }
  const std::string& client_name() const noexcept { return client_name_; }
  std::chrono::nanoseconds connect_timeout() const noexcept { return connect_timeout_; }
  std::chrono::nanoseconds reply_timeout() const noexcept { return reply_timeout_; }
  std::chrono::nanoseconds ping_interval() const noexcept { return ping_interval_; }
  std::chrono::nanoseconds backoff_least() const noexcept { return backoff_least_; }
  std::chrono::nanoseconds backoff_most() const noexcept { return backoff_most_; }
  std::chrono::nanoseconds queue_time() const noexcept { return queue_time_; }
  std::size_t queue_commands() const noexcept { return queue_commands_; }
  std::size_t queue_bytes() const noexcept { return queue_bytes_; }
  /// @}

 private:
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::string ca_file_;
  std::string sentinel_user_;
  std::string sentinel_password_;
  std::string client_name_ = "coax";
  std::chrono::nanoseconds connect_timeout_ = std::chrono::seconds(5);
  std::chrono::nanoseconds reply_timeout_ = std::chrono::seconds(2);
  std::chrono::nanoseconds ping_interval_ = std::chrono::seconds(1);
  std::chrono::nanoseconds backoff_least_ = std::chrono::milliseconds(20);
  std::chrono::nanoseconds backoff_most_ = std::chrono::seconds(2);
  std::chrono::nanoseconds queue_time_ = std::chrono::seconds(30);
  std::size_t queue_commands_ = 100'000;
  std::size_t queue_bytes_ = 64 * 1024 * 1024;
  bool skip_verify_ = false;
};

}  // namespace coax
