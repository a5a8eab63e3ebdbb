/// How a stream may come, and where it may be cut.
#include "sse/event_site.hpp"

#include <boost/asio/error.hpp>

#include <zlib.h>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_source_bodies)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_change;

// windowBits as zlib takes them: 31 gzip, 15 zlib, -15 raw. Flushed behind each piece, as a server of events does.
std::string compressed(const std::vector<std::string>& pieces, int bits, bool finish = true) {
  z_stream z{};
  BOOST_REQUIRE_EQUAL(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out;
  char buffer[4096];
  for (std::size_t i = 0; i <= pieces.size(); ++i) {
    const bool last = i == pieces.size();
    if (last && !finish) break;
    if (!last) {
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(pieces[i].data()));
      z.avail_in = static_cast<uInt>(pieces[i].size());
    }
    do {
      z.next_out = reinterpret_cast<Bytef*>(buffer);
      z.avail_out = sizeof buffer;
      deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH);
      out.append(buffer, sizeof buffer - z.avail_out);
    } while (z.avail_out == 0);
  }
  deflateEnd(&z);
  return out;
}

// g++ 12 takes no initializer list in a co_await expression.
std::string alone(const std::string& text, int bits) { return compressed({text}, bits); }

std::string hex(std::size_t n) {
  char text[20];
  std::snprintf(text, sizeof text, "%zx", n);
  return text;
}

std::string chunked(const std::string& body, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < body.size(); i += size) {
    const auto piece = body.substr(i, size);
    out += hex(piece.size()) + ";ext=1\r\n" + piece + "\r\n";
  }
  return out + "0\r\nTrailer: x\r\n\r\n";
}

const std::vector<std::string> pieces = {"id: 1\nretry: 0\n", "data: one\n\n", ": c\nevent: e\r\ndata: tw",
                                         "o\rid: 2\r\r", "id: 3\ndata: three\n\n"};

std::string whole() {
  std::string all;
  for (const auto& p : pieces) all += p;
  return all;
}

std::vector<std::string> answers() {
  const std::string body = whole();
  const std::string gz = stream_head + "Content-Encoding: ";
  const std::string chunks = stream_head + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      ok + body,
      stream_head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
      chunks + chunked(body, 1),
      chunks + chunked(body, 7),
      "HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + chunks + chunked(body, 1000),
      gz + "gzip\r\n\r\n" + compressed(pieces, 31),
      gz + "x-gzip\r\n\r\n" + compressed({pieces[0], pieces[1]}, 31) +
          compressed({pieces[2], pieces[3], pieces[4]}, 31),
      gz + "deflate\r\n\r\n" + compressed(pieces, 15),
      gz + "deflate\r\n\r\n" + compressed(pieces, -15, false),
      gz + "gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(compressed(pieces, 31), 5),
  };
}

const std::vector<std::string> all_events = {"message 1 one", "e 2 two", "message 3 three"};

task<std::string> describe_next(event_source& es) {
  auto e = co_await es.next();
  co_return e ? e->type() + " " + std::string(e->id()) + " " + std::string(e->data()) : "(end)";
}

COAX_CORO_TEST(each_framing_and_coding_gives_the_same_events_however_it_is_cut) {
  for (const auto& text : answers()) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, SIZE_MAX}) {
      event_site site(ioc, says({text}));
      site.faults(testing::faults().max_read(size));
      event_source es(ioc.get_executor(), "http://h/", site.options());
      for (int round = 0; round < 2; ++round) {
        for (const auto& expected : all_events) {
          const auto got = co_await describe_next(es);
          BOOST_CHECK_EQUAL(got, expected);
        }
      }
      BOOST_CHECK_EQUAL(site.connections(), 2);
    }
  }
}

// The server goes on behind the last id, as one that knows ids does.
std::string rest_behind(const std::string& id) {
  std::string out = ok;
  for (const auto& [number, block] :
       {std::pair(1, "id: 1\ndata: one\n\n"), std::pair(2, "id: 2\nevent: e\ndata: two\n\n"),
        std::pair(3, "id: 3\ndata: three\n\n")})
    if (id.empty() || number > std::stoi(id)) out += block;
  return out;
}

enum class cut { end, reset };

task<> cut_at_every_byte(asio::io_context& ioc, std::string text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const auto how : {cut::end, cut::reset}) {
      const event_site site(ioc, [&text, at, how](stream_ptr s, std::string request, int n) -> task<> {
        auto said = n == 1 ? text.substr(0, at) : rest_behind(field(request, "Last-Event-ID"));
        co_await send(s, said);
        if (n == 1 && how == cut::reset) {
          co_await settle(3);
          static_cast<testing::memory_end&>(s->lower()).reset();
        } else {
          s->lower().shutdown_send();
        }
      });
      event_source es(ioc.get_executor(), "http://h/", site.options());
      for (const auto& expected : all_events) {
        const auto got = co_await describe_next(es);
        if (got != expected)
          BOOST_ERROR("cut at " << at << ": " << got << " in place of " << expected << " of " << text);
      }
      if (es.stats().events != 3) BOOST_ERROR("cut at " << at);
    }
  }
}

BOOST_AUTO_TEST_CASE(cut_at_every_byte_of_the_answer_no_event_is_lost_or_doubled) {
  for (const auto& text : answers()) run([&text](asio::io_context& ioc) { return cut_at_every_byte(ioc, text); });
}

COAX_CORO_TEST(each_step_of_the_transport_may_fail) {
  for (std::uint64_t steps = 0;; ++steps) {
    event_site site(ioc, [](stream_ptr s, std::string request, int) -> task<> {
      auto said = rest_behind(field(request, "Last-Event-ID"));
      for (std::size_t i = 0; i < said.size(); i += 24) {
        co_await send(s, said.substr(i, 24));
        co_await settle(1);
      }
      s->lower().shutdown_send();
    });
    site.first_faults(testing::faults().fail_after(steps));
    event_source es(ioc.get_executor(), "http://h/", site.options());
    for (const auto& expected : all_events) {
      const auto got = co_await describe_next(es);
      if (got != expected) BOOST_ERROR("failed after " << steps << " steps: " << got << " in place of " << expected);
    }
    if (site.connections() == 1) break;
    BOOST_REQUIRE_LT(steps, 5000u);
  }
}

// The error that ends the stream, or that of the end.
task<error_code> how_it_ends(asio::io_context& ioc, std::string text, std::string* data = nullptr) {
  const event_site site(ioc, says({text, "HTTP/1.1 204 No Content\r\n\r\n"}));
  error_code why;
  const auto options = site.options().on_change([&](const event_source_change& c) {
    if (c.what == event_source_change::kind::failed) why = c.error;
  });
  event_source es(ioc.get_executor(), "http://h/", options);
  for (;;) {
    const auto got = co_await next_data(es);
    if (got == "(end)") co_return why;
    if (data) *data += got;
  }
}

COAX_SCENARIO_TEST(the_hook_is_told_how_a_stream_ended) {
  const std::string chunks = stream_head + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string gz = stream_head + "Content-Encoding: gzip\r\n\r\n";
  std::string data;
  auto ec = co_await how_it_ends(ioc, ok + "data: a\n\n");
  BOOST_CHECK(ec == asio::error::eof);
  ec = co_await how_it_ends(ioc, chunks + "0\r\n\r\n");
  BOOST_CHECK(ec == asio::error::eof);
  ec = co_await how_it_ends(ioc, stream_head + "Content-Length: 0\r\n\r\n");
  BOOST_CHECK(ec == asio::error::eof);
  ec = co_await how_it_ends(ioc, chunks + "9\r\ndata: a\n\n\r\n", &data);
  BOOST_CHECK(ec && ec != asio::error::eof);
  ec = co_await how_it_ends(ioc, chunks + "9\r\ndata: b\n\n\r\nnonsense\r\n", &data);
  BOOST_CHECK(ec && ec != asio::error::eof);
  ec = co_await how_it_ends(ioc, stream_head + "Content-Length: 20\r\n\r\ndata: c\n\n", &data);
  BOOST_CHECK(ec && ec != asio::error::eof);
  ec = co_await how_it_ends(ioc, gz + "this is not gzip", &data);
  BOOST_CHECK(ec == errc::corrupt_data);
  ec = co_await how_it_ends(ioc, gz + alone("data: d\n\n", 31) + "and more", &data);
  BOOST_CHECK(ec == errc::corrupt_data);
  ec = co_await how_it_ends(
      ioc, stream_head + "Content-Encoding: deflate\r\n\r\n" + alone("data: e\n\n", 15) + "and more", &data);
  BOOST_CHECK(ec == errc::corrupt_data);
  BOOST_CHECK_EQUAL(data, "abcde");
}

COAX_CORO_TEST(a_line_of_chunks_that_never_ends_is_not_kept) {
  const auto ec =
      co_await how_it_ends(ioc, stream_head + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(200'000, 'x'));
  BOOST_CHECK(ec && ec != asio::error::eof);
}

COAX_CORO_TEST(a_bomb_is_read_in_steps_and_its_event_refused) {
  // 16 MiB of one line in 16 KiB.
  const std::string bomb = alone("data: first\n\ndata: " + std::string(16 << 20, 'x'), 31);
  const event_site site(ioc, says({stream_head + "Content-Encoding: gzip\r\n\r\n" + bomb}));
  event_source es(ioc.get_executor(), "http://h/", site.options());
  const auto first = co_await next_data(es);
  BOOST_CHECK_EQUAL(first, "first");
  const auto ec = co_await next_failure(es);
  BOOST_CHECK(ec == errc::message_too_big);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
