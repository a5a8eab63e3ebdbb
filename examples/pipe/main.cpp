// Connects two ends, whatever they are: websocat's trade, in a few lines over coax::pipe.
//
//     pipe ws-listen:127.0.0.1:8080 tcp:127.0.0.1:22                       here is the server
//     ssh -o ProxyCommand='pipe stdio ws://127.0.0.1:8080/' user@host      and there the client

#include "../arguments.hpp"
#include "ends.hpp"
#include "progress.hpp"
#include <coax/pipe.hpp>
#include <coax/stop_on_signal.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

constexpr auto usage = R"(usage: pipe [options] A B
  A and B: ws://HOST[:PORT]/PATH  wss://...  ws-listen:HOST:PORT
           tcp:HOST:PORT  tcp-listen:HOST:PORT  unix:PATH  unix-listen:PATH  stdio
  --text, --binary     messages of a WebSocket                   (binary)
  --deflate MODE       compression of a WebSocket: off, takeover or no-takeover (off)
  --ping SECONDS       ping a WebSocket that is silent so long, and give it up 10 s later
  --header 'N: V'      a further header field for ws:// and wss://; may be repeated
  --ca-file FILE       authorities to trust for wss://, in PEM
  --once               an end that listens takes one connection, and the program ends with it
  --progress           tell on standard error what moves, also when it is no terminal
An end that listens opens the other one for each connection, unless that is stdio or listens too. The end of input goes
on as a half-close where the other end has such a thing. The exit code is 0 if both directions came to their ends, 1 if
something failed, 2 for a wrong command line.
)";

namespace {

struct plan {
  address a, b;
  end_options options;
  bool show_progress = false;
};

std::string in_words(const coax::error_code& ec, const any_stream& s) {
  const auto* ws = std::get_if<coax::byte_stream>(&s);
  if (!ws || ec != coax::errc::closed) return ec.message();
  const auto end = ws->connection().closed();
  return coax::close_error(end.status, end.reason, end.clean, end.error).what();
}

// What went wrong in one direction, if something did.
std::string trouble(const coax::pipe_flow& flow, const address& from, const any_stream& source, const address& to,
                    const any_stream& sink) {
  if (flow.outcome == coax::pipe_outcome::read_failed) return from.text + ": " + in_words(flow.error, source);
  if (flow.outcome == coax::pipe_outcome::write_failed) return to.text + ": " + in_words(flow.error, sink);
  return {};
}

coax::task<> join(any_stream& a, any_stream& b, const plan& p, coax::context ctx) {
  progress shown(p.show_progress);
  const auto options = coax::pipe_options().on_progress(
      [&shown](std::uint64_t forth, std::uint64_t back) { shown.update(forth, back); });
  auto moving = std::visit([&](auto& x, auto& y) { return coax::pipe(x, y, options, ctx); }, a, b);
  const auto moved = co_await std::move(moving);
  shown.finish();
  for (const auto& text : {trouble(moved.forth, p.a, a, p.b, b), trouble(moved.back, p.b, b, p.a, a)})
    if (!text.empty()) throw std::runtime_error(text);
  if (ctx.stopped()) throw std::runtime_error("interrupted");
}

coax::task<> run(const plan& p, coax::context ctx) {
  // The one that listens goes first: the other is opened when somebody has come.
  const bool turned = !p.a.listens() && p.b.listens();
  const address& first = turned ? p.b : p.a;
  const address& second = turned ? p.a : p.b;
  stream_user use = [&](any_stream& s) -> coax::task<> {
    any_stream* opened = &s;
    stream_user both = [&p, ctx, turned, opened](any_stream& other) {
      return turned ? join(other, *opened, p, ctx) : join(*opened, other, p, ctx);
    };
    co_await with_end(second, p.options, std::move(both), ctx);
  };
  co_await with_end(first, p.options, std::move(use), ctx);
}

void add_header(coax::dial_options& options, const std::string& field) {
  const auto colon = field.find(':');
  if (colon == field.npos) throw std::invalid_argument("--header needs 'Name: value', not '" + field + "'");
  const auto value = field.find_first_not_of(' ', colon + 1);
  options.header(field.substr(0, colon), value == field.npos ? std::string() : field.substr(value));
}

plan make_plan(const example::arguments& args) {
  plan p;
  if (args.rest().size() != 2) throw std::invalid_argument("two ends are needed");
  p.a = parse_address(args.rest()[0]);
  p.b = parse_address(args.rest()[1]);
  if (p.a.kind == scheme::stdio && p.b.kind == scheme::stdio) throw std::invalid_argument("only one end can be stdio");
  auto& o = p.options;
  // Two that listen, or one with the one stdio: there is one connection to be had.
  o.once =
      args.given("once") || (p.a.listens() && p.b.listens()) || p.a.kind == scheme::stdio || p.b.kind == scheme::stdio;
  if (args.given("text")) o.stream.kind(coax::message_kind::text);
  o.dial.deflate(args.deflate());
  o.accept.deflate(args.deflate());
  if (!args["ping"].empty()) {
    o.dial.keepalive(std::chrono::seconds(args.number("ping")));
    o.accept.keepalive(std::chrono::seconds(args.number("ping")));
  }
  if (!args["ca-file"].empty()) o.dial.ca_file(args["ca-file"]);
  for (const auto& field : args.all("header")) add_header(o.dial, field);
  p.show_progress = args.given("progress");
  return p;
}

}  // namespace

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage, {{"deflate", "off"}, {"ping", ""}, {"header", ""}, {"ca-file", ""}},
                                {"text", "binary", "once", "progress"});
  plan p;
  try {
    p = make_plan(args);
  } catch (const std::invalid_argument& e) {
    args.fail(std::string("pipe: ") + e.what());
  }

  int exit_code = 0;
  asio::io_context io(1);
  coax::stop_on_signal stop(io.get_executor());
  auto ended = [&](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      tell(e.what());
      exit_code = 1;
    }
    stop = coax::stop_on_signal(io.get_executor());
    io.stop();
  };
  asio::co_spawn(
      io, [&] { return run(p, stop); }, ended);
  io.run();
  return exit_code;
}
