#include "websocket/outbox.hpp"

#include "protocol/frame.hpp"
#include "protocol/mask.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace coax::detail {
namespace {

BOOST_AUTO_TEST_SUITE(outbox_)

using protocol::opcode;
using protocol::role;

struct op : write_op {
  op(std::string_view text) : op(text, std::make_unique<const_buffer>(text.data(), text.size())) {}

 private:
  op(std::string_view text, std::unique_ptr<const_buffer> b)
      : write_op(outgoing(opcode::text, {b.get(), 1}, text.size())), piece(std::move(b)) {}
  std::unique_ptr<const_buffer> piece;
};

// What leaves an outbox, decoded again.
class wire {
 public:
  explicit wire(role sender) : receiver_(peer_of(sender)) {}

  // Takes at most `limit` bytes, as a transport would.
  std::size_t pull(outbox& from, std::size_t limit = SIZE_MAX) {
    outbox::gather_list list;
    const auto n = from.gather(list);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < n && taken < limit; ++i) {
      const auto part = std::min(list[i].size(), limit - taken);
      bytes_.append(static_cast<const char*>(list[i].data()), part);
      taken += part;
    }
    from.consume(taken);
    return taken;
  }

  void pull_all(outbox& from) {
    while (pull(from) != 0) continue;
  }

  // "text:payload" and so on, for each whole frame.
  std::vector<std::string> frames() {
    std::vector<std::string> out;
    std::size_t at = 0;
    for (;;) {
      protocol::frame_header head;
      protocol::frame_rules rules;
      rules.role = receiver_;
      const auto p = protocol::decode_header(std::as_bytes(std::span(bytes_).subspan(at)), rules, head);
      BOOST_REQUIRE((p.error == protocol::frame_error::none));
      if (!p.complete || bytes_.size() - at < p.size + head.length) break;
      std::string payload = bytes_.substr(at + p.size, head.length);
      if (head.masked) protocol::mask(reinterpret_cast<std::byte*>(payload.data()), payload.size(), head.key);
      const char* name = head.op == opcode::text   ? "text"
                         : head.op == opcode::ping ? "ping"
                         : head.op == opcode::pong ? "pong"
                                                   : "close";
      out.push_back(std::string(name) + ":" + (head.op == opcode::close ? payload.substr(2) : payload));
      at += p.size + head.length;
    }
    bytes_.erase(0, at);
    return out;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  role receiver_;
  std::string bytes_;
};

void append(outbox& o, std::string_view text) {
  const const_buffer b(text.data(), text.size());
  o.append(opcode::text, {&b, 1}, b.size(), compression::automatic);
}

void ping(outbox& o, std::string_view text) { o.ping(std::as_bytes(std::span(text))); }
void pong(outbox& o, std::string_view text) { o.pong(std::as_bytes(std::span(text))); }

const std::vector<role> roles{role::server, role::client};
using list = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(small_messages_leave_together_in_order) {
  for (auto r : roles) {
    outbox o(r, 1000);
    append(o, "a");
    append(o, "");
    append(o, "b");
    wire w(r);
    const auto all = o.queued();
    BOOST_TEST(w.pull(o) == all);
    BOOST_TEST((w.frames() == list{"text:a", "text:", "text:b"}));
    BOOST_TEST(o.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_full_queue_accepts_nothing_until_it_has_drained) {
  outbox o(role::server, 10);
  BOOST_TEST(o.accepts(5000));  // an empty queue takes a message above its limit
  append(o, "12345678");
  BOOST_TEST(!o.accepts(1));
  op waits("x");
  o.push(waits);
  BOOST_TEST(o.waiting() == 1u);
  BOOST_TEST(!o.accepts(0));  // nobody passes one that waits
  wire w(role::server);
  w.pull_all(o);
  BOOST_TEST(o.pop_finished() == &waits);
  BOOST_TEST(!o.pop_finished());
  BOOST_TEST((w.frames() == list{"text:12345678", "text:x"}));
}

BOOST_AUTO_TEST_CASE(large_messages_are_taken_from_the_caller_in_any_portions) {
  const std::string large(100000, 'L');
  for (auto r : roles)
    for (const std::size_t portion : {1u, 7u, 4096u, 70000u}) {
      if (portion == 1 && r == role::client) continue;
      outbox o(r, 1000);
      append(o, "before");
      op a(large), b("after");
      o.push(a);
      o.push(b);
      wire w(r);
      list frames;
      while (!o.empty()) {
        w.pull(o, portion);
        BOOST_REQUIRE(o.queued() <= 64 * 1024 + 1000u);
      }
      BOOST_TEST((w.frames() == list{"text:before", "text:" + large, "text:after"}));
      BOOST_TEST(o.pop_finished() == &a);
      BOOST_TEST(o.pop_finished() == &b);
    }
}

BOOST_AUTO_TEST_CASE(control_frames_go_between_messages_ahead_of_those_that_wait) {
  const std::string large(200000, 'L');  // more than a client masks ahead
  for (auto r : roles) {
    outbox o(r, 100);
    op a(large), b("b");
    o.push(a);
    o.push(b);
    wire w(r);
    w.pull(o, 20);
    ping(o, "1");
    pong(o, "old");
    pong(o, "new");
    w.pull_all(o);
    BOOST_TEST((w.frames() == list{"text:" + large, "pong:new", "ping:1", "text:b"}));
    BOOST_TEST((o.pop_finished() == &a && o.pop_finished() == &b));
  }
}

BOOST_AUTO_TEST_CASE(a_write_that_has_not_begun_is_removed_without_a_trace) {
  outbox o(role::server, 4);
  append(o, "1234");
  op a("a"), b("b");
  o.push(a);
  o.push(b);
  BOOST_TEST(!o.remove(a));
  wire w(role::server);
  w.pull_all(o);
  BOOST_TEST((w.frames() == list{"text:1234", "text:b"}));
  BOOST_TEST(o.pop_finished() == &b);
}

BOOST_AUTO_TEST_CASE(a_write_that_has_begun_is_copied_when_removed) {
  for (auto r : roles)
    for (const std::size_t sent : {0u, 1u, 5u, 20000u, 99000u}) {
      outbox o(r, 100);
      auto text = std::make_unique<std::string>(100000, 'L');
      auto a = std::make_unique<op>(*text);
      o.push(*a);
      wire w(r);
      if (sent) w.pull(o, sent);
      BOOST_TEST(o.remove(*a));
      a.reset();
      text.reset();
      append(o, "after");
      w.pull_all(o);
      BOOST_TEST((w.frames() == list{"text:" + std::string(100000, 'L'), "text:after"}));
    }
}

BOOST_AUTO_TEST_CASE(the_close_frame_goes_last_and_once) {
  outbox o(role::server, 4);
  append(o, "1234");
  op a("a");
  o.push(a);
  o.close(status::normal, "bye");
  o.close(status::going_away, "again");
  BOOST_TEST(o.close_requested());
  BOOST_TEST(!o.close_left());
  ping(o, "p");
  wire w(role::server);
  w.pull_all(o);
  ping(o, "too late");
  w.pull_all(o);
  BOOST_TEST((w.frames() == list{"text:1234", "ping:p", "text:a", "close:bye"}));
  BOOST_TEST(o.close_left());
  BOOST_TEST(o.pop_finished() == &a);
}

shared_bytes framed(std::string_view text) {
  auto frame = std::make_shared<storage>();
  protocol::append_frame(*frame, role::server, {opcode::text}, std::as_bytes(std::span(text)));
  return frame;
}

BOOST_AUTO_TEST_CASE(large_shared_frames_leave_in_their_place_and_are_not_copied) {
  const std::string large(50'000, 'S');
  for (const std::size_t portion : {1u, 3u, 4096u, 49'990u, 200'000u}) {
    outbox o(role::server, 1000);
    const auto frame = framed(large);
    append(o, "before");
    BOOST_TEST(!o.accepts(outgoing(frame)));  // together they are above the limit
    wire w(role::server);
    w.pull_all(o);
    o.append(outgoing(frame));
    o.append(outgoing(frame));
    ping(o, "p");
    o.append(outgoing(framed("small")));
    BOOST_TEST(frame.use_count() == 3);
    BOOST_TEST(o.queued() > 2 * large.size());
    while (!o.empty()) w.pull(o, portion);
    BOOST_TEST((w.frames() == list{"text:before", "text:" + large, "text:" + large, "ping:p", "text:small"}));
    BOOST_TEST(frame.use_count() == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_shared_frame_waits_as_others_do) {
  outbox o(role::server, 4);
  append(o, "1234");
  const auto frame = framed("shared");
  struct shared_op : write_op {
    explicit shared_op(shared_bytes f) : write_op(outgoing(std::move(f))) {}
  } a(frame), b(frame);
  o.push(a);
  o.push(b);
  BOOST_TEST(!o.remove(a));
  wire w(role::server);
  w.pull_all(o);
  BOOST_TEST((w.frames() == list{"text:1234", "text:shared"}));
  BOOST_TEST(o.pop_finished() == &b);
}

BOOST_AUTO_TEST_CASE(random_use_keeps_every_frame_whole_and_in_order) {
  std::mt19937 random(7);
  const auto upto = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n)(random); };
  for (auto r : roles)
    for (int round = 0; round < 30; ++round) {
      outbox o(r, 1 + upto(3000));
      wire w(r);
      list expected, got;
      std::vector<std::unique_ptr<std::string>> texts;
      std::vector<std::unique_ptr<op>> ops;
      std::vector<std::pair<op*, std::size_t>> open;  // with the place of its text in expected
      for (int step = 0; step < 60; ++step) {
        const auto size = upto(3) == 0 ? upto(60000) : upto(300);
        texts.push_back(std::make_unique<std::string>(size, static_cast<char>('a' + step % 26)));
        const auto frame = r == role::server && upto(2) == 0 ? framed(*texts.back()) : nullptr;
        if (frame && o.accepts(outgoing(frame))) {
          o.append(outgoing(frame));
        } else if (o.accepts(size)) {
          append(o, *texts.back());
        } else {
          ops.push_back(std::make_unique<op>(*texts.back()));
          o.push(*ops.back());
          open.emplace_back(ops.back().get(), expected.size());
        }
        expected.push_back("text:" + *texts.back());
        while (auto* done = o.pop_finished()) std::erase_if(open, [&](auto& e) { return e.first == done; });
        if (!open.empty() && upto(2) == 0) {
          const auto i = upto(open.size() - 1);
          if (!o.remove(*open[i].first)) expected[open[i].second].clear();
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        }
        w.pull(o, upto(5000));
      }
      w.pull_all(o);
      while (o.pop_finished()) continue;
      std::erase(expected, std::string());
      BOOST_TEST((w.frames() == expected));
      BOOST_TEST(w.empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::detail
