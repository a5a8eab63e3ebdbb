// What leads a dial: URLs, redirects, proxies, NO_PROXY, and the answers of a SOCKS proxy.
//
// Input: four lines - a URL, a Location, the URL of a proxy, a NO_PROXY list -, and what the SOCKS proxy says.
#include "fuzz/require.hpp"
#include "protocol/header_field.hpp"
#include "protocol/socks5.hpp"
#include "websocket/dial_target.hpp"
#include "websocket/proxy_environment.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

using namespace coax;
using namespace coax::detail;

namespace {

bool is_visible(std::string_view s) {
  return std::ranges::all_of(s, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool is_port(const std::string& s) {
  return !s.empty() && s.size() <= 5 && s[0] != '0' &&
         std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; }) && std::stoul(s) <= 65535;
}

// Nothing in it can break a request open.
void check(const dial_target& t) {
  coax::require(t.request.starts_with('/') && is_visible(t.request), "the request target is one word");
  coax::require(!t.host_field.empty() && is_visible(t.host_field), "Host is one word");
  coax::require(t.host_field.find_first_of("@/?#%") == std::string::npos, "Host is nothing but host and port");
  coax::require(is_visible(t.credentials), "the credentials are one word");
  coax::require(t.socket_path.empty() ? is_port(t.port) : t.host.empty(), "a port or a socket");
}

std::optional<dial_target> parse(std::string_view url) {
  try {
    return parse_dial_target(url);
  } catch (const system_error& e) {
    coax::require(e.code() == errc::bad_url, "a URL is refused as such");
    return std::nullopt;
  }
}

void check_redirect(const dial_target& from, std::string_view location) {
  const auto to = redirect_target(from, location);
  if (!to) return;
  check(*to);
  coax::require(to->socket_path == from.socket_path || to->socket_path.empty(), "no redirect leads to a socket");
  coax::require(!from.secure || to->secure, "no redirect leaves TLS");
  coax::require(to->credentials.empty() || same_origin(from, *to) || location.find('@') != location.npos,
                "no credentials go along");
  if (to->socket_path.empty()) {
    const auto again = parse(to->http_url());
    coax::require(again && same_origin(*again, *to) && again->request == to->request, "a target is a URL");
  }
}

void check_proxy(const dial_target& target, const std::string& url, const std::string& direct) {
  const proxy_environment environment([&](std::string_view name) -> const char* {
    if (name == "ALL_PROXY") return url.c_str();
    return name == "NO_PROXY" ? direct.c_str() : nullptr;
  });
  const auto chosen = environment.proxy_for(target);
  const auto proxy = parse_proxy(url);
  if (!proxy) return;
  coax::require(chosen && (!*chosen || (*chosen)->name == proxy->name), "the environment gives the same proxy");
  coax::require(is_port(proxy->port) && is_visible(proxy->name), "a proxy has a name and a port");
  coax::require(protocol::valid_field_value(proxy->user + proxy->password), "no credentials break a field");
}

void check_socks(std::string_view input) {
  protocol::socks5_request request;
  request.host = "example.com";
  request.port = 80;
  if (input.size() % 2 == 0) request.user = "me";
  protocol::socks5_client client(request);
  std::size_t sent = client.take_output().size();
  while (!client.done() && input.size() >= client.wanted()) {
    coax::require(client.wanted() <= client.max_wanted, "no more is wanted than announced");
    const auto piece = input.substr(0, client.wanted());
    input.remove_prefix(piece.size());
    const auto taken = client.put(std::as_bytes(std::span(piece)));
    if (!taken) return;
    sent += client.take_output().size();
  }
  coax::require(!client.done() || sent >= 3 + 7 + 11, "nothing is connected before it was asked for");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = next_line(text);
  const auto location = next_line(text);
  const std::string proxy(next_line(text));
  const std::string direct(next_line(text));
  if (const auto target = parse(url)) {
    check(*target);
    check_redirect(*target, location);
    if (target->socket_path.empty()) check_proxy(*target, proxy, direct);
  }
  check_socks(text);
  return 0;
}
