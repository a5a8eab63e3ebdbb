/// The two ends of a pipe, as they are written on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

enum class scheme { websocket, websocket_listen, tcp, tcp_listen, local, local_listen, stdio };

struct address {
  scheme kind = scheme::stdio;
  std::string text;  ///< As it was written.
  std::string url;   ///< websocket
  std::string host;  ///< tcp and all that listen but Unix sockets; empty when listening: all addresses
  std::string port;
  std::string path;  ///< local: a Unix socket

  bool listens() const noexcept {
    return kind == scheme::websocket_listen || kind == scheme::tcp_listen || kind == scheme::local_listen;
  }
};

/// @throws std::invalid_argument  what is no address, with a text for people.
address parse_address(std::string_view text);
