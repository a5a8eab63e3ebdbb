#include "hub/send_queue.hpp"

#include <algorithm>

namespace coax::detail {

send_queue::verdict send_queue::push(shared_message frame, overflow policy, time_point now, std::size_t& dropped) {
  const std::size_t size = frame->size();
  while (!fits(size) && drop_one()) ++dropped;
  if (!fits(size)) {
    if (policy == overflow::disconnect) return verdict::overflows;
    ++dropped;
    return verdict::kept;
  }
  entries_.push_back({std::move(frame), now, policy});
  bytes_ += size;
  if (policy == overflow::drop_oldest) ++droppable_;
  return verdict::kept;
}

send_queue::verdict send_queue::expire(time_point now, std::size_t& dropped) {
  // What stands behind the first that is young enough is younger still.
  while (!empty() && expires() <= now) {
    if (entries_.front().policy == overflow::disconnect) return verdict::overflows;
    pop();
    ++dropped;
  }
  return verdict::kept;
}

void send_queue::pop() noexcept {
  bytes_ -= entries_.front().frame->size();
  if (entries_.front().policy == overflow::drop_oldest) --droppable_;
  entries_.pop_front();
  if (empty()) entries_ = {};
}

std::size_t send_queue::clear() noexcept {
  const std::size_t n = entries_.size();
  entries_ = {};
  bytes_ = droppable_ = 0;
  return n;
}

// The oldest that may be dropped.
bool send_queue::drop_one() noexcept {
  if (droppable_ == 0) return false;
  const auto oldest =
      std::find_if(entries_.begin(), entries_.end(), [](const entry& e) { return e.policy == overflow::drop_oldest; });
  bytes_ -= oldest->frame->size();
  --droppable_;
  entries_.erase(oldest);
  return true;
}

}  // namespace coax::detail
