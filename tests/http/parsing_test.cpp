// Heads, targets, bodies and fields, without a socket.

#include "http/grammar.hpp"
#include "http/head_scanner.hpp"
#include "http/request.hpp"
#include "http/response_head.hpp"
#include "http/target.hpp"
#include <coax/headers.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(parsing)

using namespace coax;
using namespace coax::http;
using verdict = head_scanner::verdict;

namespace {

// Scans `text` as it arrives in pieces of `step` bytes; 0 if the head is complete, the status if it is refused.
unsigned scan(std::string_view text, std::size_t step, const head_limits& limits = {}, std::size_t* end = nullptr) {
  head_scanner s(limits);
  for (std::size_t n = std::min(step, text.size());; n = std::min(n + step, text.size())) {
    const auto v = s.scan(text.substr(0, n));
    if (v == verdict::refused) return s.why().status;
    if (v == verdict::complete) {
      if (end) *end = s.end();
      return 0;
    }
    if (n == text.size()) return 999;
  }
}

unsigned parse(std::string_view head, request_parser& p, std::unique_ptr<request>& r) {
  r = std::make_unique<request>(head);
  const auto wrong = p.parse_head(*r);
  return wrong ? wrong->status : 0;
}

unsigned parse(std::string_view head) {
  request_parser p;
  std::unique_ptr<request> r;
  return parse(head, p, r);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_scanner_finds_the_end_of_a_head_wherever_it_is_cut) {
  const std::string_view text = "\r\nGET / HTTP/1.1\r\nHost: a\r\nX:\t\xe4 b\r\n\r\nGET /next";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    std::size_t end = 0;
    BOOST_TEST(scan(text, step, {}, &end) == 0U);
    BOOST_TEST(end == text.find("GET /next"));
  }
}

BOOST_AUTO_TEST_CASE(the_scanner_refuses_what_others_might_read_differently) {
  const std::vector<std::pair<std::string, unsigned>> rows{
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nX: a\r\n\tfolded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 27), 400},
      {"GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\n\r\n", 400},
      {"\x16\x03\x01\x02", 400},
      {"G{T / HTTP/1.1\r\n\r\n", 400},
      {std::string(80, '\r') + "\n", 400},
  };
  for (const auto& [text, status] : rows)
    for (const std::size_t step : {std::size_t{1}, text.size()}) BOOST_TEST(scan(text, step) == status, text);
  std::string blank;
  for (int i = 0; i < 40; ++i) blank += "\r\n";
  BOOST_TEST(scan(blank, 1) == 400U);
}

BOOST_AUTO_TEST_CASE(the_scanner_holds_the_limits_to_the_byte) {
  const head_limits limits{100, 40, 3};
  const std::string line = "GET /" + std::string(40 - 14, 'x') + " HTTP/1.1";
  BOOST_TEST(line.size() == 40U);
  BOOST_TEST(scan(line + "\r\n\r\n", 7, limits) == 0U);
  BOOST_TEST(scan(line + "x\r\n\r\n", 7, limits) == 414U);

  const std::string head = "GET / HTTP/1.1\r\nX: ";
  BOOST_TEST(scan(head + std::string(100 - head.size() - 4, 'x') + "\r\n\r\n", 7, limits) == 0U);
  BOOST_TEST(scan(head + std::string(100 - head.size() - 3, 'x') + "\r\n\r\n", 7, limits) == 431U);

  const std::string three = "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n";
  BOOST_TEST(scan(three + "\r\n", 7, limits) == 0U);
  BOOST_TEST(scan(three + "D: 4\r\n\r\n", 7, limits) == 431U);
}

BOOST_AUTO_TEST_CASE(a_head_is_parsed_into_method_target_version_and_fields) {
  request_parser p;
  std::unique_ptr<request> r;
  BOOST_TEST(parse("PATCH /a?b HTTP/1.1\r\nHost: x\r\nA:  1 \r\na:2\r\nEmpty:\r\n\r\n", p, r) == 0U);
  BOOST_TEST(r->method == "PATCH");
  BOOST_TEST(r->target == "/a?b");
  BOOST_TEST(r->version == 11U);
  BOOST_REQUIRE(r->fields.size() == 4U);
  BOOST_TEST(r->fields[1].name == "A");
  BOOST_TEST(r->fields[1].value == "1");
  BOOST_TEST(r->fields[2].value == "2");
  BOOST_TEST(r->fields[3].value == "");
  BOOST_TEST(p.done());
}

BOOST_AUTO_TEST_CASE(malformed_and_ambiguous_heads_have_one_answer_each) {
  const std::string line = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<std::pair<std::string, unsigned>> rows{
      {line + "\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {line + "Host: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTQ/1.1\r\n\r\n", 400},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {line + "No colon\r\n\r\n", 400},
      {line + "X Y: 1\r\n\r\n", 400},
      {line + "X : 1\r\n\r\n", 400},
      {line + ": 1\r\n\r\n", 400},
      {line + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {line + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {line + "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {line + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {line + "Content-Length: 5, 6\r\n\r\n", 400},
      {line + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0},
      {line + "Content-Length: -1\r\n\r\n", 400},
      {line + "Content-Length: +5\r\n\r\n", 400},
      {line + "Content-Length: 0x5\r\n\r\n", 400},
      {line + "Content-Length: 5 5\r\n\r\n", 400},
      {line + "Content-Length:\r\n\r\n", 400},
      {line + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {line + "Content-Length : 5\r\n\r\n", 400},
      {line + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {line + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {line + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {line + "Transfer-Encoding: identity\r\n\r\n", 501},
      {line + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
      {line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {line + "Transfer-Encoding: chunked,\r\n\r\n", 400},
      {line + "Transfer-Encoding: , chunked\r\n\r\n", 400},
      {line + "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n", 400},
      {line + "Transfer-Encoding:\r\n\r\n", 400},
      {line + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
      {line + "Transfer-Encoding: Chunked\r\n\r\n", 0},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {line + "Expect: 100-Continue\r\n\r\n", 0},
      {line + "Expect: miracles\r\n\r\n", 417},
  };
  for (const auto& [head, status] : rows) BOOST_TEST(parse(head) == status, head);
}

BOOST_AUTO_TEST_CASE(bodies_are_decoded_wherever_they_are_cut) {
  const std::string line = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<std::pair<std::string, std::string>> rows{
      {line + "Content-Length: 11\r\n\r\n", "hello world"},
      {line + "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\nHost: b\r\n\r\n"},
      {line + "Transfer-Encoding: chunked\r\n\r\n", "0B\r\nhello world\r\n00\r\n\r\n"},
  };
  for (const auto& [head, body] : rows)
    for (std::size_t step = 1; step <= body.size(); ++step) {
      request_parser p;
      std::unique_ptr<request> r;
      BOOST_REQUIRE(parse(head, p, r) == 0U);
      const auto fields = r->fields.size();
      std::string input, out;
      for (std::size_t at = 0; at < body.size(); at += step) {
        input += body.substr(at, step);
        const auto progress = p.decode(input, out);
        BOOST_TEST(!progress.malformed);
        input.erase(0, progress.used);
      }
      BOOST_TEST(p.done());
      BOOST_TEST(input.empty());
      BOOST_TEST(out == "hello world");
      // A trailer does not become a field of the request.
      BOOST_TEST(r->fields.size() == fields);
    }
}

BOOST_AUTO_TEST_CASE(malformed_chunks_are_refused) {
  for (const std::string body :
       {"x\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\na", "5 \x01\r\nhello\r\n",
        " 5\r\nhello\r\n", "5;=\r\nhello\r\n"}) {
    request_parser p;
    std::unique_ptr<request> r;
    BOOST_REQUIRE(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", p, r) == 0U);
    std::string out;
    auto progress = p.decode(body, out);
    if (!progress.malformed && progress.used != 0)
      progress = p.decode(std::string_view(body).substr(progress.used), out);
    BOOST_TEST(progress.malformed, body);
  }
}

BOOST_AUTO_TEST_CASE(targets_are_decoded_and_their_dots_resolved) {
  struct row {
    std::string text;
    std::optional<std::string> path;
    std::size_t segments;
  };
  const std::vector<row> rows{
      {"/", "/", 1},
      {"/a/b", "/a/b", 2},
      {"/a/b/", "/a/b/", 3},
      {"/a//b", "/a//b", 3},
      {"/a%20b", "/a b", 1},
      {"/a%2Fb/c", "/a/b/c", 2},
      {"/a/./b", "/a/b", 2},
      {"/a/../b", "/b", 1},
      {"/a/%2e%2E/b", "/b", 1},
      {"/a/b/..", "/a/", 2},
      {"/a/.", "/a/", 2},
      {"/..", std::nullopt, 0},
      {"/a/../../b", std::nullopt, 0},
      {"/%2e%2e/b", std::nullopt, 0},
      {"/a%", std::nullopt, 0},
      {"/a%4", std::nullopt, 0},
      {"/a%zz", std::nullopt, 0},
      {"/a%00b", std::nullopt, 0},
      {"/a#b", std::nullopt, 0},
      {"a", std::nullopt, 0},
      {"host:443", std::nullopt, 0},
      {"http://host/a?b", "/a", 1},
      {"http://host", "/", 1},
      {"http://host?x", std::nullopt, 0},
      {"://host/a", std::nullopt, 0},
      {"*", "*", 0},
      {"/*", "/*", 1},
  };
  for (const auto& row : rows) {
    const auto t = parse_target(row.text);
    BOOST_TEST(t.has_value() == row.path.has_value(), row.text);
    if (!t || !row.path) continue;
    BOOST_TEST(t->path == *row.path, row.text);
    BOOST_TEST(t->segments.size() == row.segments, row.text);
  }
}

BOOST_AUTO_TEST_CASE(what_is_escaped_is_one_segment_and_comes_back) {
  BOOST_TEST(percent_encode("aZ09-._~") == "aZ09-._~");
  BOOST_TEST(percent_encode("a b/c\\%?#\"<\xe4") == "a%20b%2Fc%5C%25%3F%23%22%3C%E4");
  std::string all;
  for (int c = 0; c != 256; ++c) all += static_cast<char>(c);
  BOOST_TEST((percent_decode(percent_encode(all)) == all));
}

BOOST_AUTO_TEST_CASE(values_of_a_query_are_found_and_decoded) {
  const std::string_view query = "a=1&b=x+y%20z&c&=e&a=2&d%3D=%26&bad=%zz";
  BOOST_TEST(query_value(query, "a").value_or("-") == "1");
  BOOST_TEST(query_value(query, "b").value_or("-") == "x y z");
  BOOST_TEST(query_value(query, "c").value_or("-") == "");
  BOOST_TEST(query_value(query, "").value_or("-") == "e");
  BOOST_TEST(query_value(query, "d=").value_or("-") == "&");
  BOOST_TEST(!query_value(query, "bad"));
  BOOST_TEST(!query_value(query, "x"));
  BOOST_TEST(!query_value("", "x"));
}

BOOST_AUTO_TEST_CASE(headers_keep_order_and_case_and_refuse_what_breaks_a_message_open) {
  headers h;
  h.add("A", " one ").add("b", "2").add("a", "three");
  BOOST_TEST(h.size() == 3U);
  BOOST_TEST(h.get("a") == "one");
  BOOST_TEST(!h.find("c"));
  h.set("a", h.get("b"));
  BOOST_TEST(h.get("A") == "2");
  BOOST_TEST(h.size() == 2U);
  BOOST_TEST(h.erase("B"));
  BOOST_TEST(!h.erase("B"));
  BOOST_CHECK_THROW(h.set("A", "x\ny"), std::invalid_argument);
  BOOST_CHECK_THROW(h.add("A\r\nB", "x"), std::invalid_argument);
  BOOST_TEST(h.get("A") == "2");
}

BOOST_AUTO_TEST_CASE(dates_are_written_and_read) {
  BOOST_TEST(format_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(format_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  BOOST_TEST(parse_date("Sun, 06 Nov 1994 08:49:37 GMT").value_or(0) == 784111777);
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"})
    BOOST_TEST(!parse_date(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
