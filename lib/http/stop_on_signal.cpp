#include <coax/stop_on_signal.hpp>

#include <boost/asio/signal_set.hpp>

#include <memory>
#include <stop_token>

namespace coax {

struct stop_on_signal::state {
  explicit state(const asio::any_io_executor& ex) : signals(ex, SIGINT, SIGTERM) {}

  asio::signal_set signals;
  std::stop_source source;
};

stop_on_signal::stop_on_signal(asio::any_io_executor ex) : state_(std::make_shared<state>(ex)) {
  state_->signals.async_wait([weak = std::weak_ptr(state_)](const error_code& ec, int) {
    const auto self = weak.lock();
    if (!self || ec) return;
    // With the set empty, signals have their old effect again.
    error_code ignored;
    self->signals.clear(ignored);
    self->source.request_stop();
  });
}

stop_on_signal::stop_on_signal(stop_on_signal&&) noexcept = default;
stop_on_signal& stop_on_signal::operator=(stop_on_signal&&) noexcept = default;
stop_on_signal::~stop_on_signal() = default;

void stop_on_signal::request_stop() { state_->source.request_stop(); }
std::stop_token stop_on_signal::get_token() const noexcept { return state_->source.get_token(); }

}  // namespace coax
