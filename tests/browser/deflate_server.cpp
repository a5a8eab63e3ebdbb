// Echoes, with the compression that the query of the URL asks for: /?mode=takeover&server_alone=1&client_bits=9.
// A message "stats" is answered with what was compressed so far.
#include <coax/accept.hpp>
#include <coax/prepared_message.hpp>
#include <coax/server.hpp>

#include <iostream>
#include <string>

namespace {

coax::deflate_options asked(const coax::exchange& x) {
  coax::deflate_options o;
  const auto mode = x.query("mode").value_or("off");
  if (mode == "takeover") o.mode(coax::deflate_mode::context_takeover);
  if (mode == "no-takeover") o.mode(coax::deflate_mode::no_context_takeover);
  o.server_no_context_takeover(x.query("server_alone").has_value());
  o.client_no_context_takeover(x.query("client_alone").has_value());
  if (const auto bits = x.query("server_bits")) o.server_max_window_bits(static_cast<unsigned>(std::stoul(*bits)));
  if (const auto bits = x.query("client_bits")) o.client_max_window_bits(static_cast<unsigned>(std::stoul(*bits)));
  if (const auto level = x.query("level")) o.level(static_cast<unsigned>(std::stoul(*level)));
  return o;
}

std::string told(const coax::conn_stats& s) {
  return "{\"inflated_from\":" + std::to_string(s.inflated_from) + ",\"inflated_to\":" + std::to_string(s.inflated_to) +
         ",\"deflated_from\":" + std::to_string(s.deflated_from) + ",\"deflated_to\":" + std::to_string(s.deflated_to) +
         "}";
}

// Every third message comes back as a prepared one, so that these stand between the others.
coax::task<> echo(coax::exchange& x, coax::context ctx) {
  const auto options = coax::accept_options().read_limit(0).deflate(asked(x)).insecure_skip_origin_check(true);
  coax::conn c = co_await coax::accept(x, options, ctx);
  unsigned count = 0;
  while (auto m = co_await c.next(ctx)) {
    if (m->is_text() && m->text() == "stats") {
      const auto answer = told(c.stats());
      co_await c.write_text(answer, ctx);
    } else if (++count % 3 == 0) {
      const coax::prepared_message same(m->kind(), m->data());
      co_await c.write(same, ctx);
    } else {
      co_await c.write(m->kind(), m->data(), ctx);
    }
  }
}

coax::task<> page(coax::exchange& x, coax::context ctx) {
  co_await x.respond(200, "text/html", "<!doctype html><title>deflate</title>", ctx);
}

}  // namespace

int main() {
  try {
    auto options = coax::server_options().on_listening(
        [](std::string_view at) { std::cout << "http://" << at << "/" << std::endl; });
    options.log([](coax::log_level, std::string_view text) { std::cerr << text << "\n"; });
    coax::server srv(options);
    srv.get("/", page);
    srv.get("/ws", echo);
    srv.run("127.0.0.1:0");
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
