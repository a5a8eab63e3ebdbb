#include "io/lot_service.hpp"

#include <atomic>
#include <memory>
#include <utility>

namespace coax::detail {
namespace {

// Every service of the process, for the virtual clock of the test kit.
struct directory {
  std::mutex mutex;
  std::vector<lot_service*> services;
};

directory& all_services() {
  static directory d;
  return d;
}

}  // namespace

lot_service::lot_service(asio::execution_context& ctx) : service(ctx) {
  auto& all = all_services();
  const std::lock_guard lock(all.mutex);
  all.services.push_back(this);
}

lot_service::~lot_service() = default;

void lot_service::add(parking_lot& lot) {
  const std::lock_guard lock(mutex_);
  if (shut_down_)
    lot.shut_down_ = true;
  else
    lots_.push_back(lot);
}

void lot_service::remove(parking_lot& lot) noexcept {
  const std::lock_guard lock(mutex_);
  if (lot.service_hook_.is_linked()) lots_.erase(lots_.iterator_to(lot));
  forget(lot);
}

void lot_service::unschedule(parking_lot& lot) noexcept {
  const std::lock_guard lock(mutex_);
  forget(lot);
}

// With the mutex held.
void lot_service::forget(parking_lot& lot) noexcept {
  if (lot.heap_index_ == 0) return;
  erase(lot);
  // An armed timer would keep run() from returning.
  if (heap_.empty() && timer_) {
    timer_->cancel();
    armed_for_ = steady::time_point::max();
  }
}

void lot_service::schedule(parking_lot& lot, steady::time_point at) {
  const std::lock_guard lock(mutex_);
  if (!lot.service_hook_.is_linked() || (lot.heap_index_ != 0 && lot.due_ <= at)) return;
  lot.due_ = at;
  if (lot.heap_index_ == 0) {
    heap_.push_back(&lot);
    lot.heap_index_ = heap_.size();
  }
  sift_up(lot.heap_index_);
  arm(lot.executor());
}

// With the mutex held.
void lot_service::arm(const asio::any_io_executor& ex) {
  if (heap_.empty() || heap_.front()->due_ >= armed_for_ || current_clock.load(std::memory_order_acquire)) return;
  if (!timer_) timer_.emplace(ex);
  armed_for_ = heap_.front()->due_;
  timer_->expires_at(armed_for_);
  timer_->async_wait([this](boost::system::error_code ec) {
    if (!ec) fire_due();
  });
}

void lot_service::fire_due() {
  std::vector<std::shared_ptr<parking_lot>> due;
  {
    const std::lock_guard lock(mutex_);
    armed_for_ = steady::time_point::max();
    const auto time = now();
    while (!heap_.empty() && heap_.front()->due_ <= time) {
      auto& lot = *heap_.front();
      erase(lot);
      // A lot whose last owner is just letting go waits in remove() for this mutex.
      if (auto owned = lot.weak_from_this().lock()) due.push_back(std::move(owned));
    }
    if (!heap_.empty()) arm(heap_.front()->executor());
  }
  for (auto& lot : due) lot->post([lot] { lot->time_is_up(); });
}

void lot_service::fire_due_everywhere() {
  auto& all = all_services();
  const std::lock_guard lock(all.mutex);
  for (auto* s : all.services) s->fire_due();
}

void lot_service::shutdown() {
  {
    auto& all = all_services();
    const std::lock_guard lock(all.mutex);
    std::erase(all.services, this);
  }
  // No other thread is left: whoever destroys an io_context has stopped its threads. One of another io_context may have
  // let go of a lot before, though, and the mutex is what that is ordered by. Dropping one lot may destroy coroutine
  // frames, and with them others.
  std::vector<std::weak_ptr<parking_lot>> lots;
  {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    while (!lots_.empty()) {
      auto& lot = lots_.front();
      lots_.pop_front();
      lot.shut_down_ = true;
      lots.push_back(lot.weak_from_this());
    }
    heap_.clear();
  }
  for (auto& weak : lots)
    if (auto lot = weak.lock()) lot->drop();
  timer_.reset();
}

void lot_service::place(std::size_t i, parking_lot* lot) noexcept {
  heap_[i - 1] = lot;
  lot->heap_index_ = i;
}

void lot_service::sift_up(std::size_t i) noexcept {
  auto* lot = heap_[i - 1];
  for (; i > 1 && lot->due_ < heap_[i / 2 - 1]->due_; i /= 2) place(i, heap_[i / 2 - 1]);
  place(i, lot);
}

void lot_service::sift_down(std::size_t i) noexcept {
  auto* lot = heap_[i - 1];
  for (std::size_t child; (child = 2 * i) <= heap_.size(); i = child) {
    if (child < heap_.size() && heap_[child]->due_ < heap_[child - 1]->due_) ++child;
    if (lot->due_ <= heap_[child - 1]->due_) break;
    place(i, heap_[child - 1]);
  }
  place(i, lot);
}

void lot_service::erase(parking_lot& lot) noexcept {
  const std::size_t i = std::exchange(lot.heap_index_, 0);
  auto* last = heap_.back();
  heap_.pop_back();
  if (last == &lot) return;
  place(i, last);
  sift_up(i);
  sift_down(last->heap_index_);
}

}  // namespace coax::detail
