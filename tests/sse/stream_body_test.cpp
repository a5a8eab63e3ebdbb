// Chunks and gzip, byte for byte.

#include "sse/streams.hpp"

#include <zlib.h>

BOOST_AUTO_TEST_SUITE(sse_stream_body)

using namespace coax;
using namespace coax::test;
using coax::detail::stream_body;
using http::framing;

namespace {

void add(stream_body& b, std::string_view text) { b.back().append(text.data(), text.size()); }

/// All that is to leave, in writes of at most `step` bytes.
std::string drain(stream_body& b, std::size_t step = SIZE_MAX) {
  std::string out;
  for (;;) {
    stream_body::gather_list list;
    const auto n = b.gather(list);
    if (n == 0) return out;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < n && taken < step; ++i) {
      const auto part = std::min(list[i].size(), step - taken);
      out.append(static_cast<const char*>(list[i].data()), part);
      taken += part;
    }
    b.consume(taken);
  }
}

/// Inflates a gzip stream as far as it goes.
struct gunzip {
  gunzip() { inflateInit2(&z, 16 + MAX_WBITS); }
  gunzip(const gunzip&) = delete;
  gunzip& operator=(const gunzip&) = delete;
  ~gunzip() { inflateEnd(&z); }

  std::string operator()(std::string bytes) {
    std::string out;
    z.next_in = reinterpret_cast<Bytef*>(bytes.data());
    z.avail_in = static_cast<uInt>(bytes.size());
    do {
      char part[4096];
      z.next_out = reinterpret_cast<Bytef*>(part);
      z.avail_out = sizeof part;
      result = inflate(&z, Z_SYNC_FLUSH);
      out.append(part, sizeof part - z.avail_out);
    } while (z.avail_out == 0 && result == Z_OK);
    return out;
  }

  z_stream z{};
  int result = Z_OK;
};

coax::detail::shared_bytes block(std::size_t size) {
  const auto b = std::make_shared<coax::detail::storage>();
  for (std::size_t i = 0; i < size; ++i) {
    const char c = static_cast<char>('a' + i * i % 23);
    b->append(&c, 1);
  }
  return b;
}

std::string text_of(const coax::detail::shared_bytes& b) {
  return {reinterpret_cast<const char*>(b->data()), b->size()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_batch_is_a_chunk_whatever_the_writes_take) {
  for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U, 100'000U}) {
    stream_body b(framing::chunked, std::nullopt);
    const auto large = block(20'000), small = block(5);
    add(b, "begin ");
    b.append(large);
    b.append(small);
    b.append(large);
    add(b, " end");
    const auto first = drain(b, step);
    add(b, "more");
    b.finish();
    const auto second = drain(b, step);
    const auto body = "begin " + text_of(large) + text_of(small) + text_of(large) + " end";
    BOOST_TEST((first == "9c4f\r\n" + body + "\r\n"));
    BOOST_TEST(second == "4\r\nmore\r\n0\r\n\r\n");
    BOOST_TEST(b.empty());
    BOOST_TEST(b.queued() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(what_comes_while_a_chunk_leaves_is_the_next_one) {
  stream_body b(framing::chunked, std::nullopt);
  add(b, "one");
  stream_body::gather_list list;
  BOOST_TEST(b.gather(list) == 3U);
  b.consume(4);
  add(b, "two");
  BOOST_TEST(!b.empty());
  BOOST_TEST(drain(b) == "ne\r\n3\r\ntwo\r\n");
}

BOOST_AUTO_TEST_CASE(without_chunks_the_end_is_nothing) {
  stream_body b(framing::until_end, std::nullopt);
  add(b, "one");
  b.finish();
  BOOST_TEST(!b.empty());
  BOOST_TEST(drain(b) == "one");
  BOOST_TEST(b.empty());
}

BOOST_AUTO_TEST_CASE(many_shared_blocks_leave_in_order) {
  stream_body b(framing::until_end, std::nullopt);
  std::string all;
  for (int i = 0; i < 50; ++i) {
    const auto large = block(17'000 + static_cast<std::size_t>(i));
    b.append(large);
    all += text_of(large);
    if (i % 3 == 0) {
      add(b, "between");
      all += "between";
    }
  }
  BOOST_TEST(b.queued() == all.size());
  BOOST_TEST((drain(b, 10'000) == all));
}

BOOST_AUTO_TEST_CASE(each_batch_can_be_inflated_when_it_has_come) {
  for (const std::size_t step : {1U, 100U, 100'000U}) {
    stream_body b(framing::until_end, protocol::compressor_parameters());
    gunzip unpack;
    for (int i = 0; i < 50; ++i) {
      const auto line = "data: the price of tea is " + std::to_string(i) + "\n\n";
      add(b, line);
      BOOST_TEST(unpack(drain(b, step)) == line);
      if (i == 25) b.rest();
    }
    const auto large = block(40'000);
    b.append(large);
    add(b, "last");
    b.finish();
    BOOST_TEST((unpack(drain(b, step)) == text_of(large) + "last"));
    // The length and the sum are right as well.
    BOOST_TEST(unpack.result == Z_STREAM_END);
    BOOST_TEST(b.empty());
  }
}

BOOST_AUTO_TEST_CASE(an_empty_stream_is_valid_gzip) {
  stream_body b(framing::chunked, protocol::compressor_parameters());
  b.finish();
  auto bytes = drain(b);
  const auto packed = take_chunks(bytes);
  gunzip unpack;
  BOOST_TEST(unpack(packed.substr(0, packed.size() - 5)) == "");
  BOOST_TEST(unpack.result == Z_STREAM_END);
  BOOST_TEST(packed.ends_with("<end>"));
}

BOOST_AUTO_TEST_CASE(events_shrink) {
  stream_body b(framing::until_end, protocol::compressor_parameters());
  std::size_t from = 0, to = 0;
  for (int i = 0; i < 100; ++i) {
    const auto line = "event: tick\ndata: {\"price\":" + std::to_string(1000 + i) + ",\"symbol\":\"COAX\"}\n\n";
    add(b, line);
    from += line.size();
    to += drain(b).size();
  }
  BOOST_TEST(to < from / 2);
}

BOOST_AUTO_TEST_SUITE_END()
