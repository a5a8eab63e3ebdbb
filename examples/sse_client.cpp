// Prints the events of a URL as lines of JSON, and opens the stream again whenever it ends, until it is stopped.

#include "arguments.hpp"
#include <coax/event_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

constexpr auto usage = R"(usage: sse_client [options] URL
  URL                  http://, https:// or http+unix:///path.sock:/target
  --header 'NAME: V'   a further field of the request; may be repeated
  --data TEXT          sends a POST with this as its body
  --last-event-id ID   where to begin
  --retry MS           wait before a stream is opened again     (3000)
  --events N           ends after N events, 0 for never         (0)
  --gzip               asks for a compressed stream
  --ca-file FILE       authorities to trust for https, in PEM
  --proxy URL          http://, https://, socks5:// or socks5h://; without it,
                       the environment may name one
  --verbose            tells on stderr what becomes of the stream
The exit code is 0 if the server has ended the stream for good (204).
)";

void tell(const coax::sse::event_source_change& c) {
  using kind = coax::sse::event_source_change::kind;
  if (c.what == kind::opened) std::cerr << "open: " << c.text << std::endl;
  if (c.what == kind::closed) std::cerr << "closed: " << c.text << std::endl;
  if (c.what == kind::failed)
    std::cerr << c.text << "; again in " << std::chrono::duration_cast<std::chrono::milliseconds>(c.delay).count()
              << " ms" << std::endl;
}

coax::task<> print(coax::sse::event_source& source, unsigned long events) {
  while (auto e = co_await source.next()) {
    const boost::json::value line = {{"type", e->type()}, {"id", e->id()}, {"data", e->data()}};
    std::cout << boost::json::serialize(line) << std::endl;
    if (events != 0 && source.stats().events == events) co_return;
  }
}

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage,
                                {{"header", ""},
                                 {"data", ""},
                                 {"last-event-id", ""},
                                 {"retry", "3000"},
                                 {"events", "0"},
                                 {"ca-file", ""},
                                 {"proxy", ""}},
                                {"gzip", "verbose"});
  if (args.rest().size() != 1) args.fail("one URL is needed");
  int exit_code = 0;
  try {
    auto options = coax::sse::event_source_options()
                       .retry(std::chrono::milliseconds(args.number("retry")))
                       .last_event_id(args["last-event-id"])
                       .accept_gzip(args.given("gzip"))
                       .ca_file(args["ca-file"]);
    for (const auto& field : args.all("header")) {
      const auto colon = field.find(':');
      if (colon == field.npos) args.fail("--header needs a name, a colon and a value");
      const auto value = field.find_first_not_of(' ', colon + 1);
      options.header(field.substr(0, colon), value == field.npos ? "" : field.substr(value));
    }
    if (args.given("data")) options.body(args["data"]);
    if (!args["proxy"].empty()) options.proxy(args["proxy"]);
    if (args.given("verbose")) options.on_change(tell);

    boost::asio::io_context io(1);
    coax::sse::event_source source(io.get_executor(), args.rest()[0], options);
    const auto body = [&] { return print(source, args.number("events")); };
    boost::asio::co_spawn(io, body, [&](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    io.run();
  } catch (const std::exception& e) {
    std::cerr << "sse_client: " << e.what() << "\n";
    exit_code = 1;
  }
  return exit_code;
}
