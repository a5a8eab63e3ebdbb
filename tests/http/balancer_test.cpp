// Configuration of load balancers; balancer_test.py has HAProxy and nginx read it, and runs them.

#include <coax/balancer.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

BOOST_AUTO_TEST_SUITE(balancer_configuration)

using namespace coax;
using namespace std::chrono_literals;

namespace {

std::vector<balanced_node> three() {
  return {balanced_node("n1", "127.0.0.1:8001"), balanced_node("n2", "127.0.0.1:8002"),
          balanced_node("n3", "[::1]:8003").draining(true)};
}

bool has(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(haproxy_routes_by_the_name_in_the_cookie_and_asks_for_readiness) {
  const auto text = haproxy_config(three(), balancer_options().listen("127.0.0.1:8080").cookie("lb").silence(90s));

  for (const auto* line :
       {"  bind 127.0.0.1:8080", "  use-server n1 if { req.cook(lb) -m beg n1. }",
        "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host coax", "  server n1 127.0.0.1:8001",
        "  server n3 [::1]:8003 weight 0", "  timeout tunnel 90s", "  default-server check inter 1s fall 2 rise 2"})
    BOOST_TEST(has(text, line), line);
}

BOOST_AUTO_TEST_CASE(haproxy_speaks_the_proxy_protocol_if_asked_to) {
  BOOST_TEST(has(haproxy_config(three(), balancer_options().proxy_protocol(1)),
                 "  default-server check inter 1s fall 2 rise 2 send-proxy check-send-proxy"));
  BOOST_TEST(has(haproxy_config(three(), balancer_options().proxy_protocol(2)),
                 "  default-server check inter 1s fall 2 rise 2 send-proxy-v2 check-send-proxy"));
  BOOST_CHECK_THROW(nginx_config(three(), balancer_options().proxy_protocol(2)), std::invalid_argument);
  BOOST_CHECK_THROW(balancer_options().proxy_protocol(3), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(nginx_routes_by_the_name_in_the_cookie_and_upgrades) {
  const auto text = nginx_config(three(), balancer_options().listen(":8080").cookie("lb").tls("/etc/coax/site.pem"));

  for (const auto* line :
       {"  listen 8080 ssl;", "  ssl_certificate_key /etc/coax/site.pem;", "map $cookie_lb $coax_upstream {",
        "  ~^n2[.] coax_node_n2;", "    proxy_set_header Upgrade $http_upgrade;", "    proxy_buffering off;",
        "  server [::1]:8003 max_fails=1 fail_timeout=5s;", "  server [::1]:8003 max_fails=1 fail_timeout=5s backup;",
        "  server 127.0.0.1:8002 max_fails=1 fail_timeout=5s backup;"})
    BOOST_TEST(has(text, line), line);
}

BOOST_AUTO_TEST_CASE(nodes_that_all_drain_are_served_all_the_same) {
  const std::vector<balanced_node> one{balanced_node("n1", "127.0.0.1:8001").draining(true)};

  BOOST_TEST(nginx_config(one).find("backup") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_gets_into_a_configuration_that_ends_a_word) {
  BOOST_CHECK_THROW(haproxy_config({}), std::invalid_argument);
  BOOST_CHECK_THROW(nginx_config({}), std::invalid_argument);
  const std::vector<balanced_node> twins{balanced_node("n1", "a:1"), balanced_node("n1", "b:1")};
  BOOST_CHECK_THROW(haproxy_config(twins), std::invalid_argument);
  for (const auto* name : {"", "a b", "a;b", "a\nb", "a.b", "a}"})
    BOOST_CHECK_THROW(balanced_node(name, "127.0.0.1:1"), std::invalid_argument);
  for (const auto* address : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "a b:1", "a;:1", "a:1\n"})
    BOOST_CHECK_THROW(balanced_node("n1", address), std::invalid_argument);
  balancer_options o;
  BOOST_CHECK_THROW(o.listen("80"), std::invalid_argument);
  BOOST_CHECK_THROW(o.tls("/etc/my certificate"), std::invalid_argument);
  BOOST_CHECK_THROW(o.health("/ready z"), std::invalid_argument);
  BOOST_CHECK_THROW(o.cookie("a-b"), std::invalid_argument);
  BOOST_CHECK_THROW(o.silence(0s), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
