// Who waits for a peer: publishers for room under overflow::block, its handler for its past.
#include "hub/peer_core.hpp"
#include "hub/registry.hpp"
#include "hub/shard.hpp"

#include <memory>

namespace coax::detail {
namespace {

/// A waiter that is to be found in a list for as long as it waits.
class listed_waiter final : public self_linked_waiter {
 public:
  listed_waiter(std::vector<waiter*>& list, const context& ctx) : self_linked_waiter(ctx), list_(list) {
    list.push_back(this);
  }
  ~listed_waiter() { std::erase(list_, this); }

 private:
  std::vector<waiter*>& list_;
};

}  // namespace

bool peer_core::has_block_room(std::size_t size) const noexcept {
  // Nobody waits for what takes nothing any more.
  if (state_ != state::open) return true;
  const auto messages = blocking_messages_.load(std::memory_order_acquire);
  return messages == 0 ||
         (messages < limits_.messages() && blocking_bytes_.load(std::memory_order_acquire) + size <= limits_.bytes());
}

void peer_core::blocks_on(std::size_t size) noexcept {
  blocking_messages_.fetch_add(1, std::memory_order_acq_rel);
  blocking_bytes_.fetch_add(size, std::memory_order_acq_rel);
}

void peer_core::unblock(send_queue::amount n) noexcept {
  if (n.messages == 0) return;
  blocking_bytes_.fetch_sub(n.bytes, std::memory_order_acq_rel);
  blocking_messages_.fetch_sub(n.messages, std::memory_order_acq_rel);
  wake_publishers();
}

// They try again, and wait again if another was quicker.
void peer_core::wake_publishers() noexcept { home->wake_waiting(awaits_room_); }

task<error_code> peer_core::wait_for_room(std::size_t size, const context& ctx) {
  const auto keep = shared_from_this();
  if (const auto ec = ctx.stopped()) co_return ec;
  if (state_ != state::open || has_block_room(size)) co_return error_code();
  listed_waiter w(awaits_room_, ctx);
  co_await home->park(w);
  const error_code ec = w.result();
  co_return ec;
}

task<error_code> peer_core::wait_for_recovery(std::shared_ptr<subscription> s, const context& ctx) {
  const auto keep = shared_from_this();
  if (const auto ec = ctx.stopped()) co_return ec;
  if (s->past != past::unknown || state_ != state::open) co_return error_code();
  listed_waiter w(s->awaits_recovery, ctx);
  co_await home->park(w);
  const error_code ec = w.result();
  co_return ec;
}

task<error_code> peer_core::wait_for_news(std::shared_ptr<subscription> s, const context& ctx) {
  const auto keep = shared_from_this();
  if (const auto ec = ctx.stopped()) co_return ec;
  if (!s->topic->is_told && state_ == state::open) {
    listed_waiter w(s->awaits_news, ctx);
    co_await home->park(w);
    if (const auto ec = w.result()) co_return ec;
  }
  const bool told = s->topic->is_told && state_ == state::open;
  co_return told ? error_code() : make_error_code(errc::closed);
}

}  // namespace coax::detail
