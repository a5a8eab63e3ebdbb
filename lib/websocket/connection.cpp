// What a connection is made of, and what it tells of itself from any thread.

#include "websocket/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace coax::detail {
namespace {

frame_info describe(frame_info::direction way, const protocol::frame_header& h) {
  return {way, static_cast<std::uint8_t>(h.op), h.fin, h.rsv1, h.masked, h.length};
}

}  // namespace

frame_taps::frame_taps(connection& c)
    : received([&c](const protocol::frame_header& h) {
        c.in_hook([&] { c.hooks_->on_frame(describe(frame_info::direction::received, h)); });
      }),
      sent([&c](const protocol::frame_header& h) {
        c.in_hook([&] { c.hooks_->on_frame(describe(frame_info::direction::sent, h)); });
      }) {}

std::shared_ptr<connection> connection::create(std::shared_ptr<transport> t, const connection_settings& settings,
                                               std::span<const std::byte> already_read) {
  auto c = std::make_shared<connection>(std::move(t), settings);
  c->transport_->observe(std::static_pointer_cast<connection>(c->shared_from_this()));
  c->early_.append(already_read.data(), already_read.size());
  c->start_timers();
  return c;
}

connection::connection(std::shared_ptr<transport> t, const connection_settings& s)
    : parking_lot(t->executor()),
      role_(s.role),
      transport_(std::move(t)),
      assembler_([&] {
        protocol::assembler::options o;
        o.role = s.role;
        o.read_limit = s.read_limit;
        o.validate_utf8 = s.validate_utf8;
        if (s.agreement) {
          const auto theirs = s.agreement->sent_by(protocol::peer_of(s.role));
          o.deflate = true;
          o.window_bits = theirs.window_bits;
          o.takeover = theirs.takeover;
        }
        return o;
      }()),
      outbox_(s.role, s.send_queue_limit),
      hooks_(s.hooks ? std::make_unique<const conn_hooks>(s.hooks) : nullptr),
      keepalive_idle_(s.keepalive_idle),
      keepalive_timeout_(s.keepalive_timeout),
      write_stall_(s.write_stall),
      close_timeout_(s.close_timeout),
      idle_timeout_(s.idle_timeout),
      max_lifetime_(s.max_lifetime),
      subprotocol_(s.subprotocol) {
  if (s.agreement) {
    const auto ours = s.agreement->sent_by(s.role);
    const protocol::compressor_parameters p{static_cast<std::uint8_t>(s.deflate.level()),
                                            static_cast<std::uint8_t>(ours.window_bits),
                                            static_cast<std::uint8_t>(s.deflate.memory_level())};
    outbox_.deflate(p, ours.takeover, s.deflate.threshold_for(ours.takeover));
  }
  if (!s.hooks.on_frame) return;
  taps_ = std::make_unique<frame_taps>(*this);
  assembler_.tap(&taps_->received);
  outbox_.tap(&taps_->sent);
}

connection::~connection() {
  if (!finished_) transport_->close();
}

std::stop_token connection::until_done(const context& ctx) {
  struct linked {
    struct stop {
      stop_scope* scope;
      void operator()() const { scope->request_stop(); }
    };
    linked(const asio::any_io_executor& ex, const context& parent, const std::stop_token& done)
        : scope(ex, parent), link(done, stop{&scope}) {}
    stop_scope scope;
    std::stop_callback<stop> link;
  };
  auto both = std::make_shared<linked>(executor(), ctx, done());
  auto token = both->scope.get_token();
  at_home([both = std::move(both)](connection& c) {
    if (c.ended_) return both->scope.request_stop();
    c.scopes_.push_back(both);
  });
  return token;
}

void connection::throw_error(error_code ec, std::string_view operation) const {
  const auto info = closed();
  if (ec == errc::closed) {
    if (info) throw close_error(info->status, info->reason, info->clean, info->error);
    // A write has found the transport broken before a read has.
    if (write_failed_.load(std::memory_order_acquire)) throw close_error(status::abnormal, {}, false, write_error_);
    throw close_error(status::no_status, "the connection is closing", false);
  }
  std::string what(operation);
  if (info && ec == info->error && !info->reason.empty()) what.append(": ") += info->reason;
  throw system_error(ec, what);
}

std::optional<close_info> connection::closed() const {
  if (!info_settled_.load(std::memory_order_acquire)) return std::nullopt;
  return info_;
}

bool connection::ended_ordinarily(const error_code& ec) const {
  const auto end = closed();
  return ec == errc::closed && end && is_ordinary_end(end->status, end->clean);
}

conn_stats connection::stats() const {
  conn_stats s;
  s.bytes_received = bytes_received_.get();
  s.bytes_sent = bytes_sent_.get();
  s.messages_received = messages_received_.get();
  s.messages_sent = messages_sent_.get();
  s.inflated_from = inflated_from_.get();
  s.inflated_to = inflated_to_.get();
  s.deflated_from = outbox_.deflated_from();
  s.deflated_to = outbox_.deflated_to();
  s.pings_received = pings_received_.get();
  s.pongs_received = pongs_received_.get();
  s.bytes_queued = bytes_queued_.load(std::memory_order_relaxed);
  s.writers_waiting = writers_waiting_.load(std::memory_order_relaxed);
  return s;
}

}  // namespace coax::detail
