// Connects, and echoes every message back with its kind until the connection is closed.

#include "arguments.hpp"
#include <coax/dial.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

constexpr auto usage = R"(usage: echo_client [options] URL
  URL                  ws://, wss://, http://, https:// or ws+unix://
  --read-limit N       largest message in bytes, 0 for none      (0)
  --deflate MODE       off, takeover or no-takeover              (off)
  --subprotocol NAME   subprotocol to offer
  --ca-file FILE       authorities to trust for wss, in PEM
  --proxy URL          http://, https://, socks5:// or socks5h://; without it,
                       the environment may name one
The exit code is 0 if the peer closed with 1000 or 1001.
)";

coax::task<> echo(std::string url, coax::dial_options options) {
  coax::conn c = co_await coax::dial(url, options);
  while (auto m = co_await c.next()) co_await c.write(m->kind(), m->data());
}

int main(int argc, char** argv) {
  const example::arguments args(
      argc, argv, usage,
      {{"read-limit", "0"}, {"deflate", "off"}, {"subprotocol", ""}, {"ca-file", ""}, {"proxy", ""}});
  if (args.rest().size() != 1) args.fail("one URL is needed");
  auto options = coax::dial_options().read_limit(args.number("read-limit")).deflate(args.deflate());
  if (!args["subprotocol"].empty()) options.subprotocol(args["subprotocol"]);
  if (!args["proxy"].empty()) options.proxy(args["proxy"]);
  if (!args["ca-file"].empty()) options.ca_file(args["ca-file"]);

  int exit_code = 0;
  boost::asio::io_context io(1);
  boost::asio::co_spawn(io, echo(args.rest()[0], options), [&](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      std::cerr << "echo_client: " << e.what() << "\n";
      exit_code = 1;
    }
  });
  io.run();
  return exit_code;
}
