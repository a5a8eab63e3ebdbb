#include "hammer/hammer.hpp"
#include <coax/message_stream.hpp>

// Random stops from another thread against reads and writes of random sizes, both ways at once: no byte may be lost,
// doubled or moved, and no frame broken.

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(connections)

// A message says its number and is filled with bytes that follow from it.
std::string numbered(std::uint64_t n, std::size_t size) {
  std::string s = std::to_string(n) + ":" + std::to_string(size) + ":";
  return s + pattern(size, static_cast<unsigned>(n));
}

struct tally {
  std::uint64_t operations = 0, stopped_reads = 0, withdrawn = 0, detached = 0, received = 0;
};

context random_context(std::minstd_rand& random, stopper& stops, std::size_t slot) {
  switch (random() % 4) {
    case 0: return {};
    case 1: return context().with_timeout(std::chrono::microseconds(random() % 300));
    default: return stops.token(slot);
  }
}

bool was_stopped(const error_code& ec) { return ec == std::errc::operation_canceled || ec == std::errc::timed_out; }

// One message in parts, each of which is tried again when its stop came before it.
task<error_code> write_in_parts(conn& c, std::string& text, std::minstd_rand& random, stopper& stops,
                                std::size_t slot) {
  std::optional<message_writer> w;
  const context opening = random_context(random, stops, slot);
  try {
    w.emplace(co_await c.writer(message_kind::text, opening));
  } catch (const system_error& e) {
    co_return e.code();
  }
  const std::size_t most = 1 + text.size() / 3;
  for (std::size_t at = 0; at < text.size();) {
    const auto n = std::min(text.size() - at, 1 + random() % most);
    const context ctx = random_context(random, stops, slot);
    const error_code ec = co_await code_of(w->write(asio::buffer(text.data() + at, n), ctx));
    if (ec && !was_stopped(ec)) throw system_error(ec, "hammer: write of a part");
    if (ec && !was_sent(ec)) continue;
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), n, '#');
    at += n;
    if (random() % 8 == 0) co_await w->flush();
  }
  co_await w->finish();
  co_return error_code();
}

// Sends numbered messages until `operations` writes were tried. A write that was stopped and not sent is no message.
task<> write_side(conn& c, std::uint64_t operations, stopper& stops, std::size_t slot, tally& t) {
  std::minstd_rand random(static_cast<unsigned>(slot + 1));
  for (std::uint64_t next = 0; t.operations < operations; ++t.operations) {
    const auto size = random() % 40 == 0 ? random() % 150000 : random() % 300;
    auto text = std::make_unique<std::string>(numbered(next, size));
    const context ctx = random_context(random, stops, slot);
    error_code ec;
    if (random() % 4 == 0) {
      ec = co_await write_in_parts(c, *text, random, stops, slot);
    } else {
      const auto w = co_await c.try_write(message_kind::text, buffer(*text), ctx);
      ec = w ? error_code() : w.error();
      text->assign(text->size(), '#');  // what leaves from here on must have been copied
    }
    if (!ec || was_sent(ec)) ++next;
    if (!ec) continue;
    if (!was_stopped(ec)) throw system_error(ec, "hammer: write");
    ++(was_sent(ec) ? t.detached : t.withdrawn);
  }
  c.start_close();
}

// The message of number `n`, as far as it was read: `whole` unless the reader went before its end.
void check(std::string_view text, std::uint64_t n, bool whole) {
  const auto colon = text.find(':'), second = text.find(':', colon + 1);
  if (second == std::string_view::npos && !whole) return;
  const auto size = std::stoull(std::string(text.substr(colon + 1, second - colon - 1)));
  const auto wanted = numbered(n, size);
  if (whole ? text != wanted : !wanted.starts_with(text))
    throw std::runtime_error("hammer: lost, doubled or damaged message");
}

// Empty when it was stopped before it began.
task<result<std::string>> read_in_parts(conn& c, std::minstd_rand& random, stopper& stops, std::size_t slot,
                                        bool& whole) {
  std::optional<message_reader> r;
  const context opening = random_context(random, stops, slot);
  try {
    r.emplace(co_await c.reader(opening));
  } catch (const system_error& e) {
    co_return e.code();
  }
  const std::size_t enough = random() % 4 == 0 ? random() % 1000 : SIZE_MAX;
  std::string text;
  std::string chunk(1 + random() % 5000, '\0');
  while (!r->done() && text.size() < enough) {
    const context ctx = random_context(random, stops, slot);
    const asio::mutable_buffer to = asio::buffer(chunk);
    const auto n = co_await r->try_read_some(to, ctx);
    if (n) text.append(chunk, 0, *n);
    if (!n && !was_stopped(n.error())) throw system_error(n.error(), "hammer: read of a part");
  }
  whole = r->done();
  co_return text;
}

task<> read_side(conn& c, stopper& stops, std::size_t slot, tally& t) {
  std::minstd_rand random(static_cast<unsigned>(slot + 101));
  for (std::uint64_t next = 0;; ++t.operations) {
    bool whole = true;
    result<std::string> text = std::string();
    if (random() % 4 == 0) {
      text = co_await read_in_parts(c, random, stops, slot, whole);
    } else {
      const context ctx = random_context(random, stops, slot);
      const auto m = co_await c.try_read(ctx);
      if (m) {
        text = m->str();
      } else {
        text = m.error();
      }
    }
    if (!text && text.error() == errc::closed) break;
    if (!text) {
      if (!was_stopped(text.error())) throw system_error(text.error(), "hammer: read");
      ++t.stopped_reads;
      continue;
    }
    ++t.received;
    check(*text, next++, whole);
  }
}

// `operations` writes at one end, and at the other as many reads as it takes.
void hammer(asio::io_context& ioc, conn& from, conn& to, std::uint64_t operations) {
  ioc.restart();  // it may have run before, to set up the pair
  stopper stops;
  tally written, read;
  auto w = asio::co_spawn(
      ioc, [&]() -> task<> { co_await write_side(from, operations, stops, 0, written); }, asio::use_future);
  auto r = asio::co_spawn(
      ioc, [&]() -> task<> { co_await read_side(to, stops, 1, read); }, asio::use_future);
  wait_for(ioc, r);
  wait_for(ioc, w);
  BOOST_TEST(read.received > 0u);
  BOOST_TEST(read.stopped_reads > 0u);
  BOOST_TEST(written.withdrawn + written.detached > 0u);
  BOOST_TEST(read.received == written.operations - written.withdrawn);
  BOOST_TEST_MESSAGE("writes " << written.operations << " (withdrawn " << written.withdrawn << ", detached "
                               << written.detached << "), reads " << read.operations << " (stopped "
                               << read.stopped_reads << "), received " << read.received);
}

// Both directions, one after the other, so that the writer's close can end the reader.
template <class MakePair>
void hammer_both_ways(MakePair make_pair, std::uint64_t operations, const deflate_options& deflate = {}) {
  for (const auto from : {role::server, role::client}) {
    asio::io_context ioc(1);
    const transports ends = make_pair(ioc);
    const auto o = options().read_limit(0).send_queue_limit(20000).keepalive(0s).deflate(deflate);
    conn server = over(ends.first, role::server, o), client = over(ends.second, role::client, o);
    if (from == role::server)
      hammer(ioc, server, client, operations);
    else
      hammer(ioc, client, server, operations);
  }
}

BOOST_AUTO_TEST_CASE(over_a_faulty_pair_in_memory) { hammer_both_ways(faulty_pair, operations()); }
BOOST_AUTO_TEST_CASE(over_tcp) { hammer_both_ways(tcp_pair, operations()); }
BOOST_AUTO_TEST_CASE(over_tls) { hammer_both_ways(tls_pair, operations()); }

// What is withdrawn must leave no trace in the compressor's window, and what is passed by must go through the
// inflater's.
BOOST_AUTO_TEST_CASE(compressed_over_a_faulty_pair_in_memory) {
  hammer_both_ways(faulty_pair, operations(), deflate_mode::context_takeover);
  hammer_both_ways(faulty_pair, operations(), deflate_mode::no_context_takeover);
}
BOOST_AUTO_TEST_CASE(compressed_over_tcp) {
  deflate_options small(deflate_mode::context_takeover);
  small.level(6).server_max_window_bits(9).client_max_window_bits(10).threshold(0);
  hammer_both_ways(tcp_pair, operations(), deflate_mode::context_takeover);
  hammer_both_ways(tcp_pair, operations(), small);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
