#include "address.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace {

constexpr std::array<std::pair<std::string_view, scheme>, 7> prefixes{{
    {"ws://", scheme::websocket},
    {"wss://", scheme::websocket},
    {"ws-listen:", scheme::websocket_listen},
    {"tcp:", scheme::tcp},
    {"tcp-listen:", scheme::tcp_listen},
    {"unix:", scheme::local},
    {"unix-listen:", scheme::local_listen},
}};

// "host:port", "[::1]:port", and for those that listen ":port".
void split_host_and_port(std::string_view rest, address& a) {
  const auto colon = rest.rfind(':');
  if (colon == rest.npos) throw std::invalid_argument("'" + a.text + "' has no port: HOST:PORT is needed");
  auto host = rest.substr(0, colon);
  a.port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos)
    throw std::invalid_argument("'" + a.text + "': write [" + std::string(host) + "]:" + a.port);
  a.host = host;
  std::size_t used = 0;
  unsigned long number = 65536;
  try {
    number = std::stoul(a.port, &used);
  } catch (const std::exception&) {
  }
  if (used == 0 || used != a.port.size() || number > 65535)
    throw std::invalid_argument("'" + a.text + "': '" + a.port + "' is no port number");
  if (host.empty() && !a.listens()) throw std::invalid_argument("'" + a.text + "' has no host");
}

}  // namespace

address parse_address(std::string_view text) {
  address a;
  a.text = text;
  if (text == "stdio" || text == "-") return a;
  for (const auto& [prefix, kind] : prefixes) {
    if (!text.starts_with(prefix)) continue;
    a.kind = kind;
    const auto rest = text.substr(prefix.size());
    if (rest.empty()) throw std::invalid_argument("'" + a.text + "' leads nowhere");
    if (kind == scheme::websocket)
      a.url = text;
    else if (kind == scheme::local || kind == scheme::local_listen)
      a.path = rest;
    else
      split_host_and_port(rest, a);
    return a;
  }
  throw std::invalid_argument(
      "'" + a.text +
      "' is no address: ws://, wss://, ws-listen:HOST:PORT, tcp:HOST:PORT, tcp-listen:HOST:PORT, "
      "unix:PATH, unix-listen:PATH or stdio");
}
