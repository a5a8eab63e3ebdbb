/// What a URL says of Redis.
#pragma once

#include "protocol/failure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coax::redis {

/// A server: a host and a port, or a Unix socket.
struct endpoint {
  endpoint() = default;
  endpoint(std::string h, std::string p) : host(std::move(h)), port(std::move(p)) {}

  std::string host;  ///< Without brackets.
  std::string port;
  std::string socket_path;

  /// For people, and as a key: "127.0.0.1:6379", "[::1]:6379", or the path.
  std::string name() const;
  bool operator==(const endpoint&) const = default;
};

enum class deployment : unsigned char { standalone, sentinel, cluster };

struct redis_url {
  redis_url() = default;

  deployment kind = deployment::standalone;
  std::vector<endpoint> seeds;  ///< The server, the Sentinels, or nodes of the Cluster; never empty.
  std::string master;           ///< As the Sentinels call it.
  std::string user;             ///< Empty: Redis' default user.
  std::string password;
  unsigned database = 0;
  bool secure = false;
};

/// The text of a failure follows the words "the URL". @see redis_options
protocol::outcome<redis_url> parse_url(std::string_view url);

/// The URL without user and password, for texts; also of one that is malformed.
std::string without_password(std::string_view url);

}  // namespace coax::redis
