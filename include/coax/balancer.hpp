/// @file
/// Configuration of HAProxy and nginx that goes with the affinity cookie.
///
///     std::vector<coax::balanced_node> nodes;
///     nodes.emplace_back("n1", "10.0.0.1:8080");
///     nodes.emplace_back("n2", "10.0.0.2:8080");
///     std::cout << coax::haproxy_config(nodes, coax::balancer_options().listen(":80"));
#pragma once

#include <coax/detail/export.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace coax {

/// A node of a site, as its load balancer sees it.
class COAX_EXPORT balanced_node {
 public:
  /// @param name     that of its `affinity`.
  /// @param address  "10.0.0.1:8080", "[::1]:8080", "node-1.example:8080".
  /// @throws std::invalid_argument  one that is none.
  balanced_node(std::string name, std::string address);

  /// Its own clients come back to it, and nobody else.
  balanced_node& draining(bool on) { return draining_ = on, *this; }

  /// @name As made
  /// @{

  /// What it was made with.
  const std::string& name() const noexcept { return name_; }
  const std::string& address() const noexcept { return address_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  /// @}

 private:
  std::string name_;
  std::string address_;
  bool draining_ = false;
};

/// What is the same for all nodes.
class COAX_EXPORT balancer_options {
 public:
  balancer_options() = default;

  /// Where clients come: ":80" (the default), "127.0.0.1:8080", "[::]:80". @throws std::invalid_argument  a malformed
  /// one.
  balancer_options& listen(std::string address);
  /// Serves TLS with a PEM file that has the certificate chain and its key.
  /// @throws std::invalid_argument  a path that would need quotes.
  balancer_options& tls(std::string pem_file);
  /// Default "coax_node", as that of `affinity`. @throws std::invalid_argument  not of letters, digits and '_'.
  balancer_options& cookie(std::string name);
  /// What HAProxy asks a node for every second, default "/readyz": 200 keeps the node, two other answers take it out.
  /// nginx has no such checks; it notices a node that refuses connections. @throws std::invalid_argument as `tls`.
  balancer_options& health(std::string path);
  /// How long a connection may be silent, default 5 min: longer than the keepalive of WebSockets and the heartbeat of
  /// streams of events. @throws std::invalid_argument  less than 1 s.
  balancer_options& silence(std::chrono::seconds d);
  /// HAProxy tells the nodes of its clients by the PROXY protocol of this version, 1 or 2; default 0, by
  /// X-Forwarded-For only. nginx cannot. @throws std::invalid_argument  another version.
  balancer_options& proxy_protocol(unsigned version);

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const std::string& listen() const noexcept { return listen_; }
  const std::string& tls() const noexcept { return tls_; }
  const std::string& cookie() const noexcept { return cookie_; }
  const std::string& health() const noexcept { return health_; }
  std::chrono::seconds silence() const noexcept { return silence_; }
  unsigned proxy_protocol() const noexcept { return proxy_protocol_; }
  /// @}

 private:
  std::string listen_ = ":80";
  std::string tls_;
  std::string cookie_ = "coax_node";
  std::string health_ = "/readyz";
  std::chrono::seconds silence_ = std::chrono::minutes(5);
  unsigned proxy_protocol_ = 0;
};

/// A frontend and a backend, both named "coax", tested with HAProxy 2.6: a client goes to the node that its cookie
/// names as long as that is up, and otherwise where the fewest connections are. Where a connection is refused, the next
/// node is tried. @throws std::invalid_argument  no nodes, or two of one name.
COAX_EXPORT std::string haproxy_config(const std::vector<balanced_node>& nodes, const balancer_options& options = {});

/// The same for the http context of nginx, tested with 1.22: upstreams and a server. @throws std::invalid_argument as
/// `haproxy_config`, and for what nginx cannot do.
COAX_EXPORT std::string nginx_config(const std::vector<balanced_node>& nodes, const balancer_options& options = {});

}  // namespace coax
