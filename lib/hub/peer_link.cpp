#include "hub/peer_link.hpp"

#include "core/prefetch.hpp"
#include "protocol/event_block.hpp"
#include "sse/event_connection.hpp"
#include "sse/stream_access.hpp"
#include "websocket/connection.hpp"

#include <algorithm>
#include <stdexcept>

namespace coax::detail {
namespace {

class websocket_link final : public peer_link {
 public:
  explicit websocket_link(std::shared_ptr<connection> c) noexcept : connection_(std::move(c)) {}

  void observe(std::weak_ptr<drain_observer> o) noexcept override { connection_->observe_drain(std::move(o)); }
  bool append(const delivery& what, error_code& ec) override {
    return connection_->append_encoded(resumable_ ? what.resumable_frame() : what.frame(), ec);
  }
  void make_resumable() override { resumable_ = true; }
  bool append_token(resume_token t, error_code& ec) override {
    const auto head = "{\"token\":\"" + t.text + "\"}\n";
    return connection_->append_encoded(encode(message_kind::text, asio::buffer(head)), ec);
  }
  void send_appended() override { connection_->send_appended(); }
  void prefetch_connection() const noexcept override { prefetch(*connection_); }
  void begin_close(const close_request& with) override { connection_->begin_close(with.code, with.reason); }
  void end_now() override { connection_->end_now(); }
  asio::any_io_executor executor() const override { return connection_->executor(); }
  bool ended() const override { return connection_->closed().has_value(); }
  bool ended_well() const override {
    const auto how = connection_->closed();
    return how && how->clean;
  }
  void start_close(const close_request& with) override {
    connection_->at_home([with](connection& c) { c.begin_close(with.code, with.reason); });
  }
  void abandon() noexcept override { connection_->abandon(); }
  task<error_code> wait_until_finished(const context& ctx) override { return connection_->wait_until_finished(ctx); }

 private:
  const std::shared_ptr<connection> connection_;
  bool resumable_ = false;
};

/// The ids of a stream's events, each of which stands for all topics: the token, and marks for what came since.
class event_ids {
 public:
  void begin(resume_token t) {
    token_ = std::move(t.text);
    marks_.clear();
    for (auto& topic : t.topics) marks_.push_back({std::move(topic), {}});
  }
  /// The line behind an event, and the empty one, if `moved` were `to`.
  std::string_view line(const std::string* moved, std::string_view to) {
    line_.clear();
    if (!token_.empty()) {
      line_.append("id: ").append(token_);
      for (const auto& m : marks_) {
        const std::string_view text = &m.text == moved ? to : std::string_view(m.text);
        if (!text.empty()) line_.append(".").append(text);
      }
      line_ += '\n';
    }
    return line_ += '\n';
  }
  /// Where the mark of a topic stands, if the token names it.
  std::string* mark_of(std::string_view topic) noexcept {
    const auto m = std::find_if(marks_.begin(), marks_.end(), [&](const mark& x) { return x.topic == topic; });
    return m == marks_.end() ? nullptr : &m->text;
  }

 private:
  struct mark {
    std::string topic, text;
  };
  std::string token_;
  std::vector<mark> marks_;
  std::string line_;
};

class event_link final : public peer_link {
 public:
  explicit event_link(std::shared_ptr<event_connection> c) noexcept : connection_(std::move(c)) {}

  void observe(std::weak_ptr<drain_observer> o) noexcept override { connection_->observe_drain(std::move(o)); }
  bool append(const delivery& what, error_code& ec) override {
    if (!ids_ || !what.entry()) return connection_->append_encoded(what.event_block(), {}, ec);
    auto* const place = ids_->mark_of(what.topic());
    if (!connection_->append_encoded(what.open_event_block(), ids_->line(place, what.mark()), ec)) return false;
    if (place) *place = what.mark();
    return true;
  }
  void make_resumable() override { ids_.emplace(); }
  // An id without an event.
  bool append_token(resume_token t, error_code& ec) override {
    const auto block = std::make_shared<storage>();
    protocol::append_event(*block, sse::event().id(t.text));
    if (!connection_->append_encoded(block, {}, ec)) return false;
    ids_->begin(std::move(t));
    return true;
  }
  void send_appended() override { connection_->send_appended(); }
  void prefetch_connection() const noexcept override { prefetch(*connection_); }
  void begin_close(const close_request& with) override { connection_->begin_close(with.retry); }
  void end_now() override { connection_->end_now(); }
  asio::any_io_executor executor() const override { return connection_->executor(); }
  bool ended() const override { return connection_->ended().has_value(); }
  bool ended_well() const override {
    const auto how = connection_->ended();
    return how && !*how;
  }
  void start_close(const close_request& with) override {
    connection_->at_home([retry = with.retry](event_connection& c) { c.begin_close(retry); });
  }
  void abandon() noexcept override { connection_->abandon(); }
  task<error_code> wait_until_finished(const context& ctx) override { return connection_->wait_until_finished(ctx); }

 private:
  const std::shared_ptr<event_connection> connection_;
  std::optional<event_ids> ids_;
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
