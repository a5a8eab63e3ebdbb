#include "hub/peer_link.hpp"

#include "core/prefetch.hpp"
#include "sse/event_connection.hpp"
#include "sse/stream_access.hpp"
#include "websocket/connection.hpp"

#include <stdexcept>

namespace coax::detail {
namespace {

class websocket_link final : public peer_link {
 public:
  explicit websocket_link(std::shared_ptr<connection> c) noexcept : connection_(std::move(c)) {}

  void observe(std::weak_ptr<drain_observer> o) noexcept override { connection_->observe_drain(std::move(o)); }
  bool append(const delivery& what, error_code& ec) override { return connection_->append_encoded(what.frame(), ec); }
  void send_appended() override { connection_->send_appended(); }
  void prefetch_connection() const noexcept override { prefetch(*connection_); }
  void begin_close(const close_request& with) override { connection_->begin_close(with.code, with.reason); }
  void end_now() override { connection_->end_now(); }
  asio::any_io_executor executor() const override { return connection_->executor(); }
  bool ended() const override { return connection_->closed().has_value(); }
  void start_close(const close_request& with) override {
    connection_->at_home([with](connection& c) { c.begin_close(with.code, with.reason); });
  }
  void abandon() noexcept override { connection_->abandon(); }
  task<error_code> wait_until_finished(const context& ctx) override { return connection_->wait_until_finished(ctx); }

 private:
  const std::shared_ptr<connection> connection_;
};

class event_link final : public peer_link {
 public:
  explicit event_link(std::shared_ptr<event_connection> c) noexcept : connection_(std::move(c)) {}

  void observe(std::weak_ptr<drain_observer> o) noexcept override { connection_->observe_drain(std::move(o)); }
  bool append(const delivery& what, error_code& ec) override {
    return connection_->append_encoded(what.event_block(), ec);
  }
  void send_appended() override { connection_->send_appended(); }
  void prefetch_connection() const noexcept override { prefetch(*connection_); }
  void begin_close(const close_request& with) override { connection_->begin_close(with.retry); }
  void end_now() override { connection_->end_now(); }
  asio::any_io_executor executor() const override { return connection_->executor(); }
  bool ended() const override { return connection_->ended().has_value(); }
  void start_close(const close_request& with) override {
    connection_->at_home([retry = with.retry](event_connection& c) { c.begin_close(retry); });
  }
  void abandon() noexcept override { connection_->abandon(); }
  task<error_code> wait_until_finished(const context& ctx) override { return connection_->wait_until_finished(ctx); }

 private:
  const std::shared_ptr<event_connection> connection_;
};

}  // namespace

peer_socket::peer_socket(conn c) : socket(std::move(c)) {
  if (!socket) throw std::invalid_argument("coax: hub::attach: a handle without a connection");
  const auto& core = socket.connection_;
  if (core->role() != protocol::role::server)
    throw std::invalid_argument("coax: hub::attach: only connections that a server has accepted");
  link = std::make_shared<websocket_link>(core);
}

peer_socket::peer_socket(sse::event_stream s) : events(std::move(s)) {
  if (!events) throw std::invalid_argument("coax: hub::attach: a handle without a stream");
  link = std::make_shared<event_link>(sse::stream_access::core(events));
}

}  // namespace coax::detail
