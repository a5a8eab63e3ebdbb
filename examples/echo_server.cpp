// Sends every message back with its kind.

#include "arguments.hpp"
#include <coax/accept.hpp>
#include <coax/server.hpp>

constexpr auto usage = R"(usage: echo_server [options]
  --host HOST          address to listen on                      (127.0.0.1)
  --port PORT          port to listen on, 0 for any free one     (8080)
  --threads N          threads with an io_context each; 0: one   (0)
  --tls-cert FILE      certificate chain in PEM: serves wss://
  --tls-key FILE       its key in PEM
  --read-limit N       largest message in bytes, 0 for none      (32768)
  --deflate MODE       off, takeover or no-takeover              (off)
)";

coax::task<> echo(coax::exchange& x, const coax::accept_options& options, coax::context ctx) {
  coax::conn c = co_await coax::accept(x, options, ctx);
  while (auto m = co_await c.next(ctx)) {
    // What has arrived already, and what fits in the send queue, needs no coroutine: with many small messages in flight
    // that is half of the cost.
    do {
      if (!c.try_send(m->kind(), m->data())) co_await c.write(m->kind(), m->data(), ctx);
    } while (c.try_next(*m));
  }
}

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage,
                                {{"host", "127.0.0.1"},
                                 {"port", "8080"},
                                 {"threads", "0"},
                                 {"tls-cert", ""},
                                 {"tls-key", ""},
                                 {"read-limit", "32768"},
                                 {"deflate", "off"}});
  try {
    auto options = coax::server_options().threads(static_cast<unsigned>(args.number("threads")));
    const bool tls = !args["tls-cert"].empty();
    if (tls) options.tls(args["tls-cert"], args["tls-key"]);
    options.on_listening([tls](std::string_view endpoint) {
      std::cout << "echo_server: " << (tls ? "wss://" : "ws://") << endpoint << "/" << std::endl;
    });
    options.log([](coax::log_level, std::string_view text) { std::cerr << "echo_server: " << text << "\n"; });

    // Any page may talk to an echo server; it has no users to protect.
    const auto accept = coax::accept_options()
                            .read_limit(args.number("read-limit"))
                            .deflate(args.deflate())
                            .insecure_skip_origin_check(true);

    coax::server srv(options);
    srv.get("/*path", [accept](coax::exchange& x, coax::context ctx) { return echo(x, accept, ctx); });
    srv.run(args["host"] + ":" + args["port"]);
  } catch (const std::exception& e) {
    std::cerr << "echo_server: " << e.what() << "\n";
    return 1;
  }
}
