#include "redis/url.hpp"

#include "protocol/header_field.hpp"
#include "websocket/url_authority.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/pct_string_view.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace coax::redis {
namespace {

namespace urls = boost::urls;
using protocol::failure;
using protocol::outcome;

failure wrong(std::string why) { return {errc::bad_url, {}, std::move(why)}; }

// RFC 3986 knows one host; a list of them is cut by hand, and each piece read as the authority of a URL.
struct pieces {
  std::string_view scheme, userinfo, hosts, path, query;
};

std::optional<pieces> cut(std::string_view url) {
  pieces p;
  const auto colon = url.find("://");
  if (colon == url.npos || url.find('#') != url.npos) return std::nullopt;
  p.scheme = url.substr(0, colon);
  url.remove_prefix(colon + 3);
  const auto question = url.find('?');
  if (question != url.npos) p.query = url.substr(question + 1);
  url = url.substr(0, question);
  const auto slash = url.find('/');
  if (slash != url.npos) p.path = url.substr(slash);
  p.hosts = url.substr(0, slash);
  const auto at = p.hosts.rfind('@');
  if (at != p.hosts.npos) {
    p.userinfo = p.hosts.substr(0, at);
    p.hosts.remove_prefix(at + 1);
  }
  return p;
}

template <class Use>
void split(std::string_view list, char separator, Use use) {
  while (!list.empty()) {
    const auto end = std::min(list.find(separator), list.size());
    use(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

std::optional<std::string> decode(std::string_view text) {
  const auto view = urls::make_pct_string_view(text);
  if (!view) return std::nullopt;
  return view->decode();
}

std::optional<failure> read_userinfo(std::string_view userinfo, redis_url& to) {
  const auto colon = userinfo.find(':');
  const auto user = decode(userinfo.substr(0, colon));
  const auto password = decode(colon == userinfo.npos ? std::string_view() : userinfo.substr(colon + 1));
  if (!user || !password) return wrong("has a user or a password that is not percent-encoded as it should be");
  to.user = *user;
  to.password = *password;
  if (to.password.empty() && !to.user.empty()) return wrong("has a user without a password");
  return std::nullopt;
}

std::optional<failure> read_hosts(std::string_view hosts, std::string_view standard_port, redis_url& to) {
  std::optional<failure> failed;
  split(hosts, ',', [&](std::string_view host) {
    const auto text = "redis://" + std::string(host);
    const auto url = urls::parse_uri(text);
    auto authority = url ? coax::detail::read_authority(*url, standard_port)
                         : outcome<coax::detail::url_authority>(wrong("has a host or a port that is malformed"));
    if (!authority)
      failed = authority.error();
    else
      to.seeds.emplace_back(std::move(authority->host), std::move(authority->port));
  });
  if (!failed && to.seeds.empty()) return wrong("has no host");
  return failed;
}

std::optional<failure> read_database(std::string_view digits, redis_url& to) {
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), to.database);
  if (r.ec != std::errc() || r.ptr != digits.data() + digits.size()) return wrong("has a database that is no number");
  return std::nullopt;
}

std::optional<failure> read_parameter(std::string_view parameter, redis_url& to) {
  const auto equals = std::min(parameter.find('='), parameter.size());
  const auto name = parameter.substr(0, equals);
  const auto value = decode(parameter.substr(std::min(equals + 1, parameter.size())));
  if (!value) return wrong("has a parameter that is not percent-encoded as it should be");
  if (name == "db") return read_database(*value, to);
  if (name == "sentinel") {
    if (value->empty()) return wrong("names no master for the Sentinels");
    if (to.kind == deployment::cluster) return wrong("is for a Cluster and for Sentinels at once");
    to.kind = deployment::sentinel;
    to.master = *value;
    return std::nullopt;
  }
  if (name == "cluster") {
    if (*value == "0" || *value == "false") return std::nullopt;
    if (!value->empty() && *value != "1" && *value != "true") return wrong("has a parameter cluster that is not 1");
    if (to.kind == deployment::sentinel) return wrong("is for a Cluster and for Sentinels at once");
    to.kind = deployment::cluster;
    return std::nullopt;
  }
  // Behind a '?' that should have been encoded it may be half a password.
  if (name.find('@') != name.npos) return wrong("has a parameter that is none of db, sentinel and cluster");
  return wrong("has the parameter " + std::string(name) + ", which is none of db, sentinel and cluster");
}

std::optional<failure> read_unix(const pieces& p, redis_url& to) {
  if (!p.hosts.empty()) return wrong("must have three slashes: redis+unix:///path/to.sock");
  const auto path = decode(p.path);
  if (!path || path->size() < 2) return wrong("names no socket");
  if (path->find('\0') != path->npos) return wrong("has a NUL in the path of the socket");
  to.seeds.emplace_back();
  to.seeds.back().socket_path = *path;
  return std::nullopt;
}

std::optional<failure> read_network(const pieces& p, redis_url& to) {
  const bool sentinel = to.kind == deployment::sentinel;
  if (auto failed = read_hosts(p.hosts, sentinel ? "26379" : "6379", to)) return failed;
  if (to.kind == deployment::standalone && to.seeds.size() > 1)
    return wrong("has several hosts, but says neither ?sentinel=name nor ?cluster=1");
  if (p.path.size() > 1) return read_database(p.path.substr(1), to);
  return std::nullopt;
}

std::optional<failure> read(const pieces& p, redis_url& to) {
  const auto scheme = protocol::lower_case(p.scheme);
  const bool local = scheme == "redis+unix";
  to.secure = scheme == "rediss";
  if (!local && !to.secure && scheme != "redis") return wrong("must have the scheme redis, rediss or redis+unix");
  if (auto failed = read_userinfo(p.userinfo, to)) return failed;
  std::optional<failure> failed;
  split(p.query, '&', [&](std::string_view parameter) {
    if (!failed) failed = read_parameter(parameter, to);
  });
  if (!failed) failed = local ? read_unix(p, to) : read_network(p, to);
  if (failed) return failed;
  if (local && to.kind != deployment::standalone)
    return wrong("names a socket, where Sentinels and Clusters have hosts");
  if (to.kind == deployment::cluster && to.database != 0) return wrong("has a database, of which a Cluster has none");
  return std::nullopt;
}

}  // namespace

std::string endpoint::name() const {
  return socket_path.empty() ? coax::detail::host_and_port(host, port) : socket_path;
}

outcome<redis_url> parse_url(std::string_view url) {
  const auto p = cut(url);
  if (!p) return wrong("is malformed");
  redis_url to;
  if (auto failed = read(*p, to)) return std::move(*failed);
  return to;
}

std::string without_password(std::string_view url) {
  const auto begin = url.find("://");
  const auto at = url.rfind('@');
  if (begin == url.npos || at == url.npos || at < begin) return std::string(url);
  return std::string(url.substr(0, begin + 3)).append(url.substr(at + 1));
}

}  // namespace coax::redis
