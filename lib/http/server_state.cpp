#include "http/server_state.hpp"

#include <coax/stop_on_signal.hpp>

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace coax::detail {

/// Where `serve` waits, on its own executor.
class server_state::latch final : public parking_lot {
 public:
  latch(asio::any_io_executor ex, std::size_t n) : parking_lot(std::move(ex)), left_(n) {}

  /// From any thread, `n` times in all.
  void arrive() {
    asio::post(executor(), [self = std::static_pointer_cast<latch>(shared_from_this())] {
      if (--self->left_ == 0 && self->parked_) self->wake_inline(*std::exchange(self->parked_, nullptr));
    });
  }

  /// Whether all have arrived; returns early when `ctx` stops.
  task<bool> wait(context ctx) {
    if (left_ != 0 && !ctx.stopped()) {
      plain_waiter w(ctx);
      parked_ = &w;
      co_await park(w);
      parked_ = nullptr;
    }
    co_return left_ == 0;
  }

 private:
  std::size_t left_;
  waiter* parked_ = nullptr;
};

server_state::server_state(std::unique_ptr<asio::io_context> own, asio::any_io_executor ex, server_options options)
    : own_(std::move(own)), executor_(std::move(ex)), site_(std::make_shared<http::site>(std::move(options))) {
  const auto threads = site_->options.threads();
  for (unsigned i = 0; i < threads; ++i) lanes_.push_back(std::make_unique<lane>());
  for (const auto& l : lanes_) workers_.push_back(std::make_shared<http::worker>(l->ioc.get_executor(), site_));
  if (workers_.empty()) workers_.push_back(std::make_shared<http::worker>(executor_, site_));
  site_->workers.assign(workers_.begin(), workers_.end());
}

server_state::~server_state() {
  join();
  listeners_.clear();
  workers_.clear();
}

std::string server_state::listen(std::string_view address) {
  if (served_) throw std::logic_error("coax::server: listen after serve");
  auto opened = http::open_listeners(address, workers_);
  auto endpoint = opened.front()->endpoint;
  listeners_.insert(listeners_.end(), opened.begin(), opened.end());
  if (const auto& hook = site_->options.on_listening()) hook(endpoint);
  return endpoint;
}

// The i-th socket of an address is on the i-th executor; each loop starts where its socket lives.
void server_state::spread_listeners() {
  for (const auto& l : listeners_) {
    const auto& home = l->targets.front();
    asio::post(home->executor(), [home, l] { home->listen(l); });
  }
}

void server_state::start() {
  for (const auto& l : lanes_)
    l->thread = std::thread([&ioc = l->ioc, site = site_] {
      for (;;) {
        try {
          ioc.run();
          return;
        } catch (const std::exception& e) {
          site->log(log_level::error, std::string("an exception has left a handler: ") + e.what());
        }
      }
    });
  spread_listeners();
}

task<> server_state::serve(context stop) {
  if (served_) throw std::logic_error("coax::server: serve is called once");
  if (listeners_.empty()) throw std::logic_error("coax::server: serve without listen");
  served_ = true;
  const auto self = shared_from_this();
  const auto ex = co_await asio::this_coro::executor;
  const auto all = std::make_shared<latch>(ex, workers_.size());
  std::exception_ptr error;
  try {
    start();
    const bool early = co_await all->wait(std::move(stop));
    if (!early) {
      co_await before_drain();
      co_await drain(all);
    }
  } catch (...) {
    // Asio's cancellation: nothing can be awaited any more.
    error = std::current_exception();
    abort();
  }
  join();
  if (error) std::rethrow_exception(error);
}

task<> server_state::before_drain() {
  if (!site_->options.on_stop()) co_return;
  const auto before = co_await asio::this_coro::cancellation_state;
  try {
    co_await site_->options.on_stop()();
  } catch (const std::exception& e) {
    if (before.cancelled() != asio::cancellation_type::none) throw;
    site_->log(log_level::error, std::string("on_stop: ") + e.what());
  }
}

task<> server_state::drain(std::shared_ptr<latch> all) {
  for (const auto& w : workers_) asio::post(w->executor(), [w, all] { w->drain([all] { all->arrive(); }); });
  const auto limited = context().with_timeout(site_->options.drain_timeout());
  const bool drained = co_await all->wait(limited);
  if (drained) co_return;
  site_->log(log_level::warning, "the time to drain is up; cutting what is left");
  abort();
  const context never;
  co_await all->wait(never);
}

void server_state::abort() {
  for (const auto& w : workers_) asio::post(w->executor(), [w] { w->abort(); });
}

void server_state::join() noexcept {
  for (const auto& l : lanes_) {
    l->work.reset();
    l->ioc.stop();
    if (l->thread.joinable()) l->thread.join();
  }
}

void server_state::run(std::string_view address) {
  if (!own_) throw std::logic_error("coax::server: run is for a server with an io_context of its own");
  // Whoever is told that it listens may end it.
  stop_on_signal stop(executor_);
  listen(address);
  std::exception_ptr failed;
  asio::co_spawn(
      *own_, [self = shared_from_this(), &stop] { return self->serve(stop); },
      [&](std::exception_ptr error) {
        failed = error;
        own_->stop();
      });
  own_->run();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace coax::detail
