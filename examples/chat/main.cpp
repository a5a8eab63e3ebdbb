/// A chat: names, rooms, who is here. The page is in www/; it speaks JSON in the messages of coax.resume.v1
/// (docs/resume.md), so that it misses nothing when it loses its connection.
///
///     examples/chat/run --port 8080
#include "../arguments.hpp"
#include "guests.hpp"
#include <coax/server.hpp>

#include <boost/asio/ip/host_name.hpp>

#include <algorithm>
#include <random>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr auto usage = R"(usage: chat [options]
  --host HOST    address to listen on                      (127.0.0.1)
  --port PORT    port to listen on, 0 for any free one     (8080)
  --threads N    threads with an io_context each           (one per core)
  --secret TEXT  signs what pages come back with             (made up)
  --drain S      seconds over which guests are sent away     (1)
  --www DIR      the folder of the page
)";

std::string made_up_secret() {
  std::random_device random;
  std::string secret;
  while (secret.size() < 32) secret += std::to_string(random());
  return secret;
}

void announce(std::string_view endpoint) {
  std::cout << "chat: http://" << endpoint << "/ (Ctrl-C ends it)" << std::endl;
}

void complain(coax::log_level, std::string_view text) { std::cerr << "chat: " << text << "\n"; }

}  // namespace

int main(int argc, char** argv) {
  const auto cores = std::to_string(std::max(1u, std::thread::hardware_concurrency()));
  const example::arguments args(argc, argv, usage,
                                {{"host", "127.0.0.1"},
                                 {"port", "8080"},
                                 {"threads", cores},
                                 {"secret", ""},
                                 {"drain", "1"},
                                 {"www", COAX_CHAT_WWW}});
  try {
    const coax::signing_keys keys({args["secret"].empty() ? made_up_secret() : args["secret"]});
    chat c(coax::hub_options().resume(coax::resume_options(keys)), boost::asio::ip::host_name());
    const std::chrono::seconds window(args.number("drain"));
    const auto say_goodbye = [&c, window]() -> coax::task<> {
      const auto how = coax::drain_options().over(window).limit(window + 2s).retry(1s);
      const auto report = co_await c.hub().drain(how);
      std::cout << "chat: " << report.flushed << " of " << report.peers << " guests have heard all\n";
    };
    const auto threads = static_cast<unsigned>(args.number("threads"));
    auto options = coax::server_options()
                       .threads(threads)
                       .drain_timeout(3s)
                       .on_listening(announce)
                       .on_stop(say_goodbye)
                       .log(complain);
    coax::server server(options);
    server.files("/", args["www"]);
    server.get("/ws", [&c](coax::exchange& x, coax::context ctx) { return serve_guest(c, x, std::move(ctx)); });
    server.run(args["host"] + ":" + args["port"]);
  } catch (const std::exception& e) {
    std::cerr << "chat: " << e.what() << "\n";
    return 1;
  }
}
