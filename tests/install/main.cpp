// A user's first program, with something of every component: what it links must be there, and what crosses the boundary
// of a shared library (exceptions, the clock, Asio's state) must be the same thing on both sides.
#include <coax/accept.hpp>
#include <coax/dial.hpp>
#include <coax/hub.hpp>
#include <coax/json.hpp>
#include <coax/redis_broker.hpp>
#include <coax/server.hpp>
#include <coax/testing.hpp>
#include <coax/testing_broker.hpp>
#include <coax/version.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <iostream>
#include <string_view>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

coax::task<> echo(coax::exchange& x, coax::context ctx) {
  coax::conn c = co_await coax::accept(x, {}, ctx);
  while (auto m = co_await coax::next_json(c, ctx)) co_await coax::write_json(c, *m, ctx);
}

/// JSON there and back, and the exception of a message that is none.
coax::task<bool> conversation(std::string url) {
  coax::conn c = co_await coax::dial(url);
  const boost::json::value sent = {1, 2, 3};
  co_await coax::write_json(c, sent);
  const auto answer = co_await coax::read_json(c);
  if (answer != sent) co_return false;
  co_await c.write_text("no JSON");
  try {
    co_await c.read();
  } catch (const coax::close_error& e) {
    co_return e.status() == coax::status::invalid_data;
  }
  co_return false;
}

/// Wants TLS and a file that is not there.
coax::task<bool> refused() {
  try {
    co_await coax::dial("wss://127.0.0.1:1/", coax::dial_options().ca_file("/nowhere.pem"));
  } catch (const coax::system_error&) {
    co_return true;
  }
  co_return false;
}

bool over_a_socket() {
  asio::io_context ioc(1);
  coax::server srv(ioc.get_executor());
  srv.get("/echo", echo);
  srv.listen("127.0.0.1:0");
  std::stop_source stop;
  asio::co_spawn(ioc, srv.serve(coax::context(stop.get_token())), asio::detached);
  bool fine = false;
  asio::co_spawn(ioc, conversation("ws://127.0.0.1:" + std::to_string(srv.port()) + "/echo"),
                 [&](std::exception_ptr failed, bool outcome) {
                   fine = !failed && outcome;
                   stop.request_stop();
                 });
  ioc.run();
  return fine;
}

bool refused_by_dial() {
  asio::io_context ioc(1);
  auto outcome = asio::co_spawn(ioc, refused, asio::use_future);
  ioc.run();
  return outcome.get();
}

bool through_memory() {
  asio::io_context ioc(1);
  auto [a, b] = coax::testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  coax::error_code ec;
  const std::array sent{asio::buffer(std::string_view("hello"))};
  a->write_some(sent, ec);
  ioc.run();
  std::array<char, 16> received{};
  const auto size = b->read_some(asio::buffer(received), ec);
  return std::string_view(received.data(), size) == "hello";
}

/// The test kit's clock is the library's.
bool by_a_virtual_clock() {
  coax::testing::virtual_clock clock;
  const auto ctx = coax::context().with_timeout(5s);
  const bool early = static_cast<bool>(ctx.stopped());
  clock.advance(6s);
  return !early && ctx.stopped() == coax::errc::deadline_exceeded;
}

bool with_brokers() {
  asio::io_context ioc(1);
  coax::hub hub(coax::hub_options().broker(
      std::make_shared<coax::testing::faulty_broker>(ioc.get_executor(), coax::local_broker())));
  hub.publish_text("lobby", "nobody is here");
  const auto options = coax::redis_broker_options().redis(coax::redis_options().client_name("user")).prefix("user:");
  coax::redis_broker redis(ioc.get_executor(), "redis://127.0.0.1:1", options);
  try {
    coax::redis_broker(ioc.get_executor(), "not a URL", options);
  } catch (const coax::system_error& e) {
    return !redis.id().empty() && e.code() == coax::errc::bad_url;
  }
  return false;
}

}  // namespace

int main() {
  static_assert(COAX_VERSION >= 100);
  bool fine = true;
  const auto check = [&](std::string_view what, bool works) {
    if (!works) std::cout << what << " does not work as installed\n";
    fine = fine && works;
  };
  check("a socket", over_a_socket());
  check("a refusal", refused_by_dial());
  check("memory", through_memory());
  check("the clock", by_a_virtual_clock());
  check("a broker", with_brokers());
  if (fine) std::cout << "coax " COAX_VERSION_STRING " works as installed\n";
  return fine ? 0 : 1;
}
