#include "ends.hpp"

#include <coax/server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include <iostream>
#include <sstream>
#include <stdexcept>

void tell(std::string_view what) { std::cerr << "pipe: " + std::string(what) + "\n" << std::flush; }

namespace {

// Asio's own exceptions tell programmers where they come from; people want to know what it is.
std::runtime_error failure(const address& a, const std::exception& e) {
  const auto* theirs = dynamic_cast<const boost::system::system_error*>(&e);
  const bool ours = dynamic_cast<const coax::system_error*>(&e) != nullptr;
  return std::runtime_error(a.text + ": " + (theirs && !ours ? theirs->code().message() : e.what()));
}

coax::task<tcp_socket> connect(const address& a) {
  const auto ex = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(ex);
  const auto found = co_await resolver.async_resolve(a.host, a.port, asio::use_awaitable);
  tcp_socket s(ex);
  co_await asio::async_connect(s, found, asio::use_awaitable);
  s.set_option(asio::ip::tcp::no_delay(true));
  co_return s;
}

coax::task<any_stream> open(const address& a, const end_options& options, coax::context ctx) {
  const auto ex = co_await asio::this_coro::executor;
  if (a.kind == scheme::stdio) co_return stdio_stream(ex);
  try {
    if (a.kind == scheme::tcp) co_return co_await connect(a);
    if (a.kind == scheme::local) {
      local_socket s(ex);
      co_await s.async_connect(a.path, asio::use_awaitable);
      co_return s;
    }
    coax::conn c = co_await coax::dial(a.url, options.dial, ctx);
    co_return coax::byte_stream(std::move(c), options.stream);
  } catch (const std::exception& e) {
    throw failure(a, e);
  }
}

// Waits for what a WebSocket still has to say, its close frame above all; sockets are closed by their destructors.
coax::task<> finish(any_stream& s) {
  if (auto* ws = std::get_if<coax::byte_stream>(&s)) co_await ws->async_shutdown(asio::as_tuple(asio::use_awaitable));
}

// The peer of a WebSocket is told that, and as far as it can be, why there is nothing behind it.
void fail(any_stream& s, const std::exception& e) {
  auto* ws = std::get_if<coax::byte_stream>(&s);
  if (!ws) return;
  const std::string_view why = e.what();
  ws->close(coax::status::bad_gateway, why.size() <= 123 ? why : std::string_view());
}

coax::task<> use_and_finish(any_stream s, stream_user use) {
  std::exception_ptr error;
  try {
    co_await use(s);
  } catch (const std::exception& e) {
    error = std::current_exception();
    fail(s, e);
  }
  co_await finish(s);
  if (error) std::rethrow_exception(error);
}

// Many are served: one that fails is told of, and the others go on.
void use_beside(asio::any_io_executor ex, any_stream s, stream_user use) {
  auto ended = [](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      tell(e.what());
    }
  };
  asio::co_spawn(ex, use_and_finish(std::move(s), std::move(use)), ended);
}

template <class Acceptor>
coax::task<> serve(Acceptor listening, bool once, stream_user use, coax::context ctx) {
  const auto ex = co_await asio::this_coro::executor;
  const auto acceptor = std::make_shared<Acceptor>(std::move(listening));
  auto stop = [acceptor, ex] { asio::post(ex, [acceptor] { acceptor->close(); }); };
  std::stop_callback link(ctx.stop_token(), std::move(stop));
  do {
    auto accepted = co_await acceptor->async_accept(asio::as_tuple(asio::use_awaitable));
    auto& [ec, socket] = accepted;
    if (ctx.stopped()) break;
    if (ec) throw boost::system::system_error(ec, "accept");
    any_stream s(std::move(socket));
    if (once) {
      acceptor->close();
      co_await use_and_finish(std::move(s), use);
    } else {
      use_beside(ex, std::move(s), use);
    }
  } while (!once);
}

coax::task<> serve_tcp(const address& a, bool once, stream_user use, coax::context ctx) {
  using asio::ip::tcp;
  const auto ex = co_await asio::this_coro::executor;
  tcp::resolver resolver(ex);
  const tcp::endpoint at = *resolver.resolve(a.host, a.port, tcp::resolver::passive).begin();
  tcp::acceptor acceptor(ex, at);
  std::ostringstream bound;
  bound << acceptor.local_endpoint();
  tell("listening on tcp:" + bound.str());
  co_await serve(std::move(acceptor), once, std::move(use), ctx);
}

coax::task<> serve_local(const address& a, bool once, stream_user use, coax::context ctx) {
  const auto ex = co_await asio::this_coro::executor;
  asio::local::stream_protocol::acceptor acceptor(ex, a.path);
  struct file {
    ~file() { ::unlink(path.c_str()); }
    const std::string& path;
  } remove{a.path};
  tell("listening on unix:" + a.path);
  co_await serve(std::move(acceptor), once, std::move(use), ctx);
}

// One WebSocket after another, or one alone: then whoever comes later is sent away.
class websocket_door {
 public:
  websocket_door(const end_options& options, stream_user use, coax::stop_scope& over)
      : options_(options), use_(std::move(use)), over_(over) {}

  coax::task<> enter(coax::exchange& x, coax::context ctx) {
    if (options_.once && taken_) {
      co_await x.respond(503, "text/plain", "One connection at a time, and it is taken.\n", ctx);
      co_return;
    }
    taken_ = true;
    try {
      coax::conn c = co_await coax::accept(x, options_.accept, ctx);
      any_stream s(coax::byte_stream(std::move(c), options_.stream));
      co_await use_and_finish(std::move(s), use_);
    } catch (const coax::handshake_error&) {
      taken_ = false;
      throw;
    } catch (...) {
      error_ = std::current_exception();
    }
    if (options_.once)
      over_.request_stop();
    else
      tell_of_error();
  }

  void rethrow() const {
    if (options_.once && error_) std::rethrow_exception(error_);
  }

 private:
  void tell_of_error() {
    try {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    } catch (const std::exception& e) {
      tell(e.what());
    }
  }

  const end_options& options_;
  stream_user use_;
  coax::stop_scope& over_;
  bool taken_ = false;
  std::exception_ptr error_;
};

coax::task<> serve_websocket(const address& a, const end_options& options, stream_user use, coax::context ctx) {
  const auto ex = co_await asio::this_coro::executor;
  coax::stop_scope over(ex, ctx);
  websocket_door door(options, std::move(use), over);
  coax::server_options settings;
  settings.on_listening([](std::string_view at) { tell("listening on ws://" + std::string(at) + "/"); });
  coax::server srv(ex, settings);
  srv.get("/*path", [&door](coax::exchange& x, coax::context inner) { return door.enter(x, std::move(inner)); });
  const std::string host = a.host.find(':') == a.host.npos ? a.host : "[" + a.host + "]";
  co_await srv.serve(host + ":" + a.port, over);
  door.rethrow();
}

}  // namespace

coax::task<> with_end(const address& a, const end_options& options, stream_user use, coax::context ctx) {
  if (!a.listens()) {
    any_stream s = co_await open(a, options, ctx);
    co_await use_and_finish(std::move(s), std::move(use));
    co_return;
  }
  try {
    if (a.kind == scheme::tcp_listen) co_await serve_tcp(a, options.once, std::move(use), ctx);
    if (a.kind == scheme::local_listen) co_await serve_local(a, options.once, std::move(use), ctx);
    if (a.kind == scheme::websocket_listen) co_await serve_websocket(a, options, std::move(use), ctx);
  } catch (const boost::system::system_error& e) {
    throw failure(a, e);
  }
}
