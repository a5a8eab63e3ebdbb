// From a request to a stream, through the server and through Beast.

#include "http/support.hpp"
#include "sse/streams.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

BOOST_AUTO_TEST_SUITE(sse_accept)

using namespace coax;
using namespace coax::test;
using sse::event;
using sse::stream_options;

namespace {

/// One event, then a clean end; what `accept` throws goes on.
request_handler one_event(stream_options options) {
  return [options](exchange& x, context ctx) -> task<> {
    auto s = co_await sse::accept(x, options, ctx);
    const event e("seen [" + s.last_event_id() + "]");
    co_await s.send(e);
    co_await s.close();
  };
}

task<raw_reply> ask(asio::io_context& ioc, running_server& s, std::string request) {
  raw_client c(ioc, s.srv.port());
  co_return co_await c.ask(std::move(request));
}

std::string method(std::string_view name, std::string_view path, std::string_view fields) {
  return std::string(name) + " " + std::string(path) + " HTTP/1.1\r\nHost: example.com\r\n" + std::string(fields) +
         "\r\n";
}

}  // namespace

COAX_CORO_TEST(the_answer_is_a_stream_of_events) {
  running_server s(ioc);
  s.srv.get("/events", one_event(stream_options().retry(1500ms).header("X-Room", "blue")));
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/events", "Accept: text/event-stream\r\n"));
  const auto r = co_await c.read();
  BOOST_TEST(r.status == 200U);
  BOOST_TEST(r.header("Content-Type") == "text/event-stream");
  BOOST_TEST(r.header("Cache-Control") == "no-cache");
  BOOST_TEST(r.header("X-Accel-Buffering") == "no");
  BOOST_TEST(r.header("X-Room") == "blue");
  BOOST_TEST(r.header("Transfer-Encoding") == "chunked");
  BOOST_TEST(r.header("Connection") == "close");
  BOOST_TEST(!r.has("Vary"));
  BOOST_TEST(r.body == "retry: 1500\n\ndata: seen []\n\n");
  const auto rest = co_await c.read_all();
  BOOST_TEST(rest == "");
  c.socket.close();
  co_await s.stop();
  BOOST_TEST(s.quiet());
  BOOST_TEST(s.srv.connections() == 0U);
}

COAX_CORO_TEST(the_head_leaves_before_there_is_anything_to_send) {
  running_server s(ioc);
  s.srv.get("/events", [](exchange& x, context ctx) -> task<> {
    auto stream = co_await sse::accept(x, stream_options(), ctx);
    asio::steady_timer never(x.get_executor(), asio::steady_timer::time_point::max());
    std::stop_callback gone(stream.done(), [&never] { never.cancel(); });
    co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/events"));
  const auto r = co_await c.read(expect_body::no);
  BOOST_TEST(r.status == 200U);
  // The handler ends because the client has gone.
  c.socket.close();
  while (s.srv.connections() != 0) co_await settle(1);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(http_1_0_gets_a_stream_that_ends_with_the_connection) {
  running_server s(ioc);
  s.srv.get("/events", one_event({}));
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send("GET /events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto all = co_await c.read_all();
  BOOST_TEST(all.find("Transfer-Encoding") == std::string::npos);
  BOOST_TEST(all.find("Connection: close\r\n") != std::string::npos);
  BOOST_TEST(all.ends_with("\r\n\r\ndata: seen []\n\n"));
  c.socket.close();
  co_await s.stop();
}

COAX_CORO_TEST(a_head_request_gets_the_head_and_the_connection_goes_on) {
  running_server s(ioc);
  s.srv.get("/events", one_event({}));
  s.start();
  raw_client c(ioc, s.srv.port());
  const auto head = co_await c.ask(method("HEAD", "/events", {}));
  const auto next = co_await c.ask(get("/events"));
  BOOST_TEST(head.status == 200U);
  BOOST_TEST(head.header("Content-Type") == "text/event-stream");
  BOOST_TEST(next.body == "data: seen []\n\n");
  c.socket.close();
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(accept_decides_whether_there_is_a_stream) {
  running_server s(ioc);
  s.srv.get("/events", one_event({}));
  s.start();
  const std::vector<std::pair<std::string, unsigned>> rows{
      {"Accept: text/event-stream\r\n", 200},
      {"Accept: */*\r\n", 200},
      {"Accept: text/*;q=0.1\r\n", 200},
      {"Accept: TEXT/Event-Stream ; q=1\r\n", 200},
      {"Accept: \r\n", 200},
      {"Accept: text/html\r\nAccept: text/event-stream\r\n", 200},
      {"Accept: text/event-stream, */*;q=0\r\n", 200},
      {"Accept: text/html, application/json\r\n", 406},
      {"Accept: text/event-stream;q=0\r\n", 406},
      {"Accept: text/event-stream;q=0.000, */*\r\n", 406},
      {"Accept: text/*;q=0, */*\r\n", 406},
      {"Accept: */*;q=0\r\n", 406},
      {"Accept: application/*\r\n", 406},
  };
  for (const auto& [fields, status] : rows) {
    const auto r = co_await ask(ioc, s, get("/events", fields));
    BOOST_TEST(r.status == status, fields << " gave " << r.status);
  }
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(the_last_event_id_comes_by_header_or_query) {
  running_server s(ioc);
  s.srv.get("/events", one_event({}));
  s.start();
  struct row {
    std::string path, fields, body;
    unsigned status = 200;
  };
  const std::vector<row> rows{
      {"/events", "Last-Event-ID: 41\r\n", "data: seen [41]\n\n"},
      {"/events?lastEventId=42", "", "data: seen [42]\n\n"},
      {"/events?lastEventId=42", "Last-Event-ID: 43\r\n", "data: seen [43]\n\n"},
      {"/events?a=b&lastEventId=%C3%A4%20b", "", "data: seen [\xc3\xa4 b]\n\n"},
      {"/events", "Last-Event-ID: \xc3\xa4\r\n", "data: seen [\xc3\xa4]\n\n"},
      {"/events", "Last-Event-ID: " + std::string(3000, 'x') + "\r\n",
       "data: seen [" + std::string(3000, 'x') + "]\n\n"},
      {"/events?lastEventId=a%00b", "", "CR, LF or NUL in the last event id\n", 400},
      {"/events?lastEventId=a%0Adata:%20b", "", "CR, LF or NUL in the last event id\n", 400},
      {"/events?lastEventId=a%0Db", "", "CR, LF or NUL in the last event id\n", 400},
  };
  for (const auto& row : rows) {
    const auto r = co_await ask(ioc, s, get(row.path, row.fields));
    BOOST_TEST(r.status == row.status, row.path << " " << row.fields);
    BOOST_TEST(r.body == row.body);
  }
  co_await s.stop();
}

COAX_CORO_TEST(pages_of_other_origins_are_told_what_they_may) {
  running_server s(ioc);
  const auto options = stream_options().allow_origin("https://*.example.org").allow_credentials(true);
  s.srv.get("/events", one_event(options));
  s.srv.route("OPTIONS", "/events", one_event(options));
  s.srv.get("/open", one_event(stream_options().allow_origin("*")));
  s.srv.get("/plain", one_event({}));
  s.start();
  struct row {
    std::string method, path, origin;
    unsigned status;
    std::string allowed, credentials, vary;
  };
  const std::string app = "https://app.example.org";
  const std::vector<row> rows{
      {"GET", "/events", app, 200, app, "true", "Origin"},
      {"GET", "/events", "http://example.com", 200, "", "", "Origin"},  // the same host, perhaps not the same origin
      {"GET", "/events", "", 200, "", "", "Origin"},
      {"GET", "/events", "https://evil.example", 403, "", "", ""},
      {"GET", "/events", "https://example.org.evil.example", 403, "", "", ""},
      {"GET", "/events", "null", 403, "", "", ""},
      {"GET", "/events", "nonsense", 403, "", "", ""},
      {"GET", "/open", "https://evil.example", 200, "https://evil.example", "", "Origin"},
      {"GET", "/plain", "https://evil.example", 200, "", "", ""},
      {"HEAD", "/events", app, 200, app, "true", "Origin"},
      {"OPTIONS", "/events", app, 204, app, "true", "Origin"},
      {"OPTIONS", "/events", "https://evil.example", 403, "", "", ""},
  };
  for (const auto& row : rows) {
    const auto origin = row.origin.empty() ? std::string() : "Origin: " + row.origin + "\r\n";
    const auto r = co_await ask(ioc, s, method(row.method, row.path, origin));
    BOOST_TEST(r.status == row.status, row.method << " " << row.path << " " << row.origin << ": " << r.status);
    BOOST_TEST(r.header("Access-Control-Allow-Origin") == row.allowed);
    BOOST_TEST(r.header("Access-Control-Allow-Credentials") == row.credentials);
    BOOST_TEST(r.header("Vary") == row.vary);
  }

  // What the browser asks in advance for an id that not every page may send.
  const auto r = co_await ask(ioc, s,
                              method("OPTIONS", "/events",
                                     "Origin: " + app +
                                         "\r\nAccess-Control-Request-Method: GET\r\n"
                                         "Access-Control-Request-Headers: last-event-id, authorization, b@d\r\n"));
  BOOST_TEST(r.status == 204U);
  BOOST_TEST(r.header("Access-Control-Allow-Headers") == "Last-Event-ID, last-event-id, authorization");
  BOOST_TEST(r.header("Access-Control-Allow-Methods") == "GET, POST");
  BOOST_TEST(r.header("Access-Control-Max-Age") == "7200");
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_stopped_context_gets_no_stream) {
  running_server s(ioc);
  error_code seen;
  s.srv.get("/events", [&seen](exchange& x, context) -> task<> {
    std::stop_source stopped;
    stopped.request_stop();
    try {
      const auto stream = co_await sse::accept(x, stream_options(), stopped.get_token());
    } catch (const system_error& e) {
      seen = e.code();
    }
    co_await x.respond(503, "text/plain", "not now\n");
  });
  s.start();
  const auto r = co_await ask(ioc, s, get("/events"));
  BOOST_TEST(r.status == 503u);
  BOOST_TEST((seen == errc::canceled));
  co_await s.stop();
}

COAX_CORO_TEST(gzip_is_for_clients_that_take_it) {
  running_server s(ioc);
  s.srv.get("/events", one_event(stream_options().gzip(true)));
  s.start();
  const std::vector<std::pair<std::string, bool>> rows{
      {"", false},
      {"Accept-Encoding: gzip\r\n", true},
      {"Accept-Encoding: br, GZIP;q=0.1\r\n", true},
      {"Accept-Encoding: *\r\n", true},
      {"Accept-Encoding: gzip;q=0, *\r\n", false},
      {"Accept-Encoding: gzip;q=0.0\r\n", false},
      {"Accept-Encoding: br\r\n", false},
  };
  for (const auto& [fields, compressed] : rows) {
    const auto r = co_await ask(ioc, s, get("/events", fields));
    BOOST_TEST(r.header("Content-Encoding") == (compressed ? "gzip" : ""), fields);
    BOOST_TEST(r.header("Vary") == "Accept-Encoding");
    BOOST_TEST(r.body.starts_with("\x1f\x8b") == compressed);
    if (!compressed) BOOST_TEST(r.body == "data: seen []\n\n");
  }
  co_await s.stop();
}

COAX_CORO_TEST(a_post_may_ask_for_a_stream) {
  running_server s(ioc);
  s.srv.post("/ask", [](exchange& x, context ctx) -> task<> {
    const event e(co_await x.body());
    auto stream = co_await sse::accept(x, stream_options(), ctx);
    co_await stream.send(e);
    co_await stream.close();
  });
  s.srv.post("/unread", one_event({}));
  s.start();
  const auto read = co_await ask(ioc, s, method("POST", "/ask", "Content-Length: 5\r\n") + "hello");
  const auto unread = co_await ask(ioc, s, method("POST", "/unread", "Content-Length: 5\r\n") + "hello");
  const auto huge = co_await ask(ioc, s, method("POST", "/unread", "Content-Length: 5000000\r\n"));
  BOOST_TEST(read.body == "data: hello\n\n");
  BOOST_TEST(unread.body == "data: seen []\n\n");
  BOOST_TEST(huge.status == 400U);
  co_await s.stop();
}

COAX_CORO_TEST(nothing_can_be_smuggled_into_a_stream) {
  for (const std::string_view bad : {"a\nb", "a\rb", "\r\n", "a\ndata: x"}) {
    BOOST_CHECK_THROW(event("x").id(std::string(bad)), std::invalid_argument);
    BOOST_CHECK_THROW(event("x").type(std::string(bad)), std::invalid_argument);
    BOOST_CHECK_THROW(stream_options().header("X-Room", bad), std::invalid_argument);
    BOOST_CHECK_THROW(stream_options().header(bad, "x"), std::invalid_argument);
  }
  BOOST_CHECK_THROW(event("x").id(std::string("a\0b", 3)), std::invalid_argument);
  for (const auto name : {"Content-Type", "content-length", "Transfer-Encoding", "Connection", "content-encoding"})
    BOOST_CHECK_THROW(stream_options().header(name, "x"), std::invalid_argument);
  BOOST_CHECK_THROW(stream_options().allow_origin("["), std::invalid_argument);
  BOOST_CHECK_THROW(stream_options().allow_origin("https://*").allow_credentials(true), std::invalid_argument);
  BOOST_CHECK_THROW(stream_options().allow_credentials(true).allow_origin("*"), std::invalid_argument);
  BOOST_CHECK(stream_options().allow_credentials(false).cors() == nullptr);

  far_stream s(ioc);
  const std::string evil = "a\n\nevent: login\rid: 1\r\n\r\nretry: 1\ndata";
  co_await s.stream.send(event(evil));
  co_await s.stream.comment(evil);
  co_await settle();
  BOOST_TEST(s.text() ==
             "data: a\ndata: \ndata: event: login\ndata: id: 1\ndata: \ndata: retry: 1\ndata: data\n\n"
             ": a\n: \n: event: login\n: id: 1\n: \n: retry: 1\n: data\n\n");
}

COAX_CORO_TEST(a_drain_ends_streams_in_good_order) {
  running_server s(ioc);
  bool told = false;
  s.srv.get("/events", [&](exchange& x, context ctx) -> task<> {
    auto stream = co_await sse::accept(x, stream_options(), ctx);
    const event e("x");
    co_await stream.send(e);
    asio::steady_timer never(x.get_executor(), asio::steady_timer::time_point::max());
    std::stop_callback stop(ctx.stop_token(), [&never] { never.cancel(); });
    co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
    told = true;
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/events"));
  const auto first = co_await c.read(expect_body::no);
  BOOST_TEST(first.status == 200U);
  s.source.request_stop();
  const auto rest = co_await c.read_all();
  BOOST_TEST(rest.starts_with("9\r\ndata: x\n\n\r\nd\r\nretry: "));
  BOOST_TEST(rest.ends_with("\n\n\r\n0\r\n\r\n"));
  BOOST_TEST(told);
  c.socket.close();
  co_await s.ended();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_request_that_beast_has_read_becomes_a_stream) {
  namespace beast_http = boost::beast::http;
  tcp::acceptor a(ioc, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  for (const bool refused : {false, true}) {
    raw_client c(ioc, a.local_endpoint().port());
    auto socket = co_await a.async_accept(asio::use_awaitable);
    beast_http::request<beast_http::empty_body> request{beast_http::verb::get, "/events?lastEventId=5", 11};
    if (refused) request.set("Accept", "text/html");
    boost::beast::flat_buffer buffer;
    buffer.commit(asio::buffer_copy(buffer.prepare(4), asio::buffer("junk", 4)));
    c.finish();
    unsigned status = 0;
    try {
      auto s = co_await sse::accept(std::move(socket), request, buffer.data());
      status = 200;
      BOOST_TEST(s.last_event_id() == "5");
    } catch (const handshake_error& e) {
      status = e.status();
    }
    const auto all = co_await c.read_all();
    BOOST_TEST(status == (refused ? 406U : 200U));
    BOOST_TEST(all.starts_with(refused ? "HTTP/1.1 406 Not Acceptable\r\n" : "HTTP/1.1 200 OK\r\n"));
  }
}

COAX_CORO_TEST(a_second_answer_is_refused) {
  running_server s(ioc);
  bool refused = false;
  s.srv.get("/events", [&](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", "x");
    try {
      co_await sse::accept(x);
    } catch (const std::logic_error&) {
      refused = true;
    }
  });
  s.start();
  const auto r = co_await ask(ioc, s, get("/events"));
  BOOST_TEST(r.body == "x");
  BOOST_TEST(refused);
  co_await s.stop();
}

BOOST_AUTO_TEST_SUITE_END()
