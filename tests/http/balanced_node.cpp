// A node of a site behind a load balancer, and what belongs to it:
//
//     balanced_node serve NAME SECRET [accept|require]     says its address; the PROXY protocol is off by default
//     balanced_node cookie NAME SECRET AGE                 a pair for the field Cookie, given so many seconds ago
//     balanced_node config haproxy|nginx LISTEN VERSION NAME=ADDRESS...     VERSION of the PROXY protocol, 0 for none
#include <coax/accept.hpp>
#include <coax/balancer.hpp>
#include <coax/metrics.hpp>
#include <coax/server.hpp>
#include <coax/sse.hpp>

#include <iostream>

namespace {

using coax::context;
using coax::exchange;
using coax::task;

coax::affinity affinity_of(const std::string& name, const std::string& secret) {
  return coax::affinity(name, coax::signing_keys({secret}));
}

// Says its name, and stays until the client goes.
task<> websocket(std::string name, exchange& x, context ctx) {
  auto c = co_await coax::accept(x);
  co_await c.write_text(name);
  while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
}

task<> events(std::string name, exchange& x, context ctx) {
  auto s = co_await coax::sse::accept(x, coax::sse::stream_options(), ctx);
  const coax::sse::event own(name);
  co_await s.send(own, ctx);
  co_await s.close();
}

int serve(const std::vector<std::string>& arguments) {
  const auto& name = arguments.at(1);
  coax::server_options options;
  options.affinity(affinity_of(name, arguments.at(2))).trusted_proxies({"127.0.0.1"});
  if (arguments.size() > 3)
    options.proxy_protocol(arguments[3] == "require" ? coax::proxy_protocol::require : coax::proxy_protocol::accept,
                           {"127.0.0.1"});
  options.on_listening([&](std::string_view at) { std::cout << name << " at " << at << std::endl; });
  coax::server srv(std::move(options));
  bool ready = true;
  srv.get("/livez", coax::livez());
  srv.get("/readyz", [&](exchange& x, context) { return x.respond(ready ? 200 : 503, "text/plain", "\n"); });
  srv.post("/drain", [&](exchange& x, context) {
    ready = false;
    return x.respond(200, "text/plain", "\n");
  });
  srv.get("/", [&](exchange& x, context) {
    return x.respond(200, "text/plain",
                     name + ' ' + x.remote_endpoint() + ' ' + x.client_address() + ' ' + std::string(x.scheme()));
  });
  srv.get("/ws", [&](exchange& x, context ctx) { return websocket(name, x, ctx); });
  srv.get("/events", [&](exchange& x, context ctx) { return events(name, x, ctx); });
  srv.run("127.0.0.1:0");
  return 0;
}

int print_cookie(const std::vector<std::string>& arguments) {
  const auto then = std::chrono::system_clock::now() - std::chrono::seconds(std::stol(arguments.at(3)));
  const auto set = affinity_of(arguments.at(1), arguments.at(2)).set_cookie({}, false, then).value();
  std::cout << set.substr(0, set.find(';')) << std::endl;
  return 0;
}

int print_config(const std::vector<std::string>& arguments) {
  std::vector<coax::balanced_node> nodes;
  for (std::size_t i = 4; i < arguments.size(); ++i) {
    const auto equals = arguments[i].find('=');
    nodes.emplace_back(arguments[i].substr(0, equals), arguments[i].substr(equals + 1));
  }
  const auto options = coax::balancer_options()
                           .listen(arguments.at(2))
                           .proxy_protocol(static_cast<unsigned>(std::stoul(arguments.at(3))));
  std::cout << (arguments.at(1) == "nginx" ? nginx_config(nodes, options) : haproxy_config(nodes, options));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto& what = arguments.at(0);
  if (what == "serve") return serve(arguments);
  if (what == "cookie") return print_cookie(arguments);
  if (what == "config") return print_config(arguments);
  std::cerr << "balanced_node: serve, cookie or config\n";
  return 2;
} catch (const std::exception& e) {
  std::cerr << "balanced_node: " << e.what() << '\n';
  return 1;
}
