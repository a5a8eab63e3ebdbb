#include <coax/balancer.hpp>

#include <algorithm>
#include <stdexcept>

namespace coax {
namespace {

constexpr std::string_view letters_and_digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// Nothing may get into a configuration that would end a word of it.
void check(std::string_view text, std::string_view more, const char* what) {
  const auto allowed = [more](char c) {
    return letters_and_digits.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  };
  if (text.empty() || !std::ranges::all_of(text, allowed))
    throw std::invalid_argument("balancer: \"" + std::string(text) + "\" is no " + what);
}

void check_address(std::string_view text) {
  check(text, ".:-_[]", "address");
  const auto colon = text.rfind(':');
  const auto port = text.substr(colon == text.npos ? text.size() : colon + 1);
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos)
    throw std::invalid_argument("balancer: \"" + std::string(text) + "\" has no port");
}

void check_nodes(const std::vector<balanced_node>& nodes) {
  if (nodes.empty()) throw std::invalid_argument("balancer: no nodes");
  for (const auto& node : nodes)
    if (std::ranges::count(nodes, node.name(), &balanced_node::name) != 1)
      throw std::invalid_argument("balancer: two nodes are named " + node.name());
}

/// Lines of a configuration, each made of its words.
class text_block {
 public:
  template <class... Words>
  text_block& line(const Words&... words) {
    ((text_ += words), ...);
    text_ += '\n';
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string in_seconds(std::chrono::seconds d) { return std::to_string(d.count()) + 's'; }

void append_upstream(text_block& to, const std::string& name, const std::vector<std::string>& servers) {
  to.line("upstream ", name, " {").line("  zone ", name, " 128k;");
  for (const auto& server : servers) to.line("  ", server, ";");
  to.line("}");
}

std::string nginx_server(const balanced_node& node, std::string_view role) {
  return "server " + node.address() + " max_fails=1 fail_timeout=5s" + std::string(role);
}

// New clients, and those of a node that does not answer, go where the fewest connections are.
void append_upstreams(text_block& to, const std::vector<balanced_node>& nodes) {
  std::vector<std::string> any{"least_conn"};
  const auto drains = [](const balanced_node& node) { return node.draining(); };
  // nginx wants one that is no backup.
  const bool all_drain = std::ranges::all_of(nodes, drains);
  for (const auto& node : nodes) any.push_back(nginx_server(node, node.draining() && !all_drain ? " backup" : ""));
  append_upstream(to, "coax_any", any);
  for (const auto& home : nodes) {
    std::vector<std::string> servers{nginx_server(home, "")};
    for (const auto& other : nodes)
      if (other.name() != home.name() && !other.draining()) servers.push_back(nginx_server(other, " backup"));
    append_upstream(to, "coax_node_" + home.name(), servers);
  }
}

}  // namespace

balanced_node::balanced_node(std::string name, std::string address)
    : name_(std::move(name)), address_(std::move(address)) {
  check(name_, "-_", "name of a node");
  check_address(address_);
}

balancer_options& balancer_options::listen(std::string address) {
  check_address(address);
  listen_ = std::move(address);
  return *this;
}

balancer_options& balancer_options::tls(std::string pem_file) {
  check(pem_file, "/._-+@,=~", "file that needs no quotes");
  tls_ = std::move(pem_file);
  return *this;
}

balancer_options& balancer_options::cookie(std::string name) {
  check(name, "_", "name of a cookie that nginx can route on");
  cookie_ = std::move(name);
  return *this;
}

balancer_options& balancer_options::health(std::string path) {
  check(path, "/._-+@,=~?&", "path that needs no quotes");
  health_ = std::move(path);
  return *this;
}

balancer_options& balancer_options::silence(std::chrono::seconds d) {
  if (d < std::chrono::seconds(1)) throw std::invalid_argument("balancer: silence is less than 1 s");
  silence_ = d;
  return *this;
}

balancer_options& balancer_options::proxy_protocol(unsigned version) {
  if (version > 2) throw std::invalid_argument("balancer: there are versions 1 and 2 of the PROXY protocol");
  proxy_protocol_ = version;
  return *this;
}

std::string haproxy_config(const std::vector<balanced_node>& nodes, const balancer_options& o) {
  check_nodes(nodes);
  constexpr const char* protocols[] = {"", " send-proxy check-send-proxy", " send-proxy-v2 check-send-proxy"};
  text_block text;
  text.line("frontend coax")
      .line("  mode http")
      .line("  bind ", o.listen(), o.tls().empty() ? "" : " ssl crt ", o.tls())
      .line("  timeout http-request 10s")
      .line("  timeout client ", in_seconds(o.silence()))
      .line("  timeout client-fin 30s")
      .line("  option forwardfor")
      .line("  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }")
      .line("  http-request set-header X-Forwarded-Proto https if { ssl_fc }")
      .line("  default_backend coax")
      .line("")
      .line("backend coax")
      .line("  mode http")
      .line("  balance leastconn")
      .line("  timeout connect 3s")
      .line("  timeout queue 10s")
      .line("  timeout server ", in_seconds(o.silence()))
      .line("  timeout tunnel ", in_seconds(o.silence()))
      .line("  option httpchk")
      .line("  http-check send meth GET uri ", o.health(), " ver HTTP/1.1 hdr Host coax")
      .line("  http-check expect status 200")
      .line("  retries 3")
      .line("  option redispatch 1");
  for (const auto& node : nodes)
    text.line("  use-server ", node.name(), " if { req.cook(", o.cookie(), ") -m beg ", node.name(), ". }");
  text.line("  default-server check inter 1s fall 2 rise 2", protocols[o.proxy_protocol()]);
  for (const auto& node : nodes)
    text.line("  server ", node.name(), " ", node.address(), node.draining() ? " weight 0" : "");
  return text.take();
}

std::string nginx_config(const std::vector<balanced_node>& nodes, const balancer_options& o) {
  check_nodes(nodes);
  if (o.proxy_protocol() != 0) throw std::invalid_argument("balancer: nginx cannot send the PROXY protocol by HTTP");
  const auto listen = o.listen().starts_with(':') ? o.listen().substr(1) : o.listen();
  text_block text;
  text.line("map $http_upgrade $coax_connection {")
      .line("  default upgrade;")
      .line("  \"\" \"\";")
      .line("}")
      .line("map $cookie_", o.cookie(), " $coax_upstream {")
      .line("  default coax_any;");
  for (const auto& node : nodes) text.line("  ~^", node.name(), "[.] coax_node_", node.name(), ";");
  text.line("}");
  append_upstreams(text, nodes);
  text.line("server {").line("  listen ", listen, o.tls().empty() ? ";" : " ssl;");
  if (!o.tls().empty()) text.line("  ssl_certificate ", o.tls(), ";").line("  ssl_certificate_key ", o.tls(), ";");
  text.line("  location / {")
      .line("    proxy_pass http://$coax_upstream;")
      .line("    proxy_http_version 1.1;")
      .line("    proxy_set_header Host $http_host;")
      .line("    proxy_set_header Upgrade $http_upgrade;")
      .line("    proxy_set_header Connection $coax_connection;")
      .line("    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
      .line("    proxy_set_header X-Forwarded-Proto $scheme;")
      .line("    proxy_connect_timeout 3s;")
      .line("    proxy_read_timeout ", in_seconds(o.silence()), ";")
      .line("    proxy_send_timeout ", in_seconds(o.silence()), ";")
      .line("    proxy_buffering off;")
      .line("  }")
      .line("}");
  return text.take();
}

}  // namespace coax
