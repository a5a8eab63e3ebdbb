// Where a peer is in its topics, for whoever is to go on from there.
#include "hub/peer_core.hpp"
#include "hub/registry.hpp"
#include "hub/shard.hpp"

#include <algorithm>

namespace coax::detail {
namespace {

// In no history: who shows it is told that there is a hole.
const position nowhere("?", 0, 0);

std::int64_t seconds_from_now(std::chrono::seconds d) {
  const auto at = std::chrono::system_clock::now() + d;
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

}  // namespace

bool peer_core::was(const origin& o) const noexcept {
  return hub->is_peer(o, id) || std::find(was_.begin(), was_.end(), o) != was_.end();
}

void peer_core::resumed(const std::vector<origin>& former) { was_ = former; }

// What its connection has taken, in order: what is queued comes next, then what the log has behind that.
position peer_core::place_in(const subscription& s) const {
  if (queue_.owes_reset(*s.part->log)) return nowhere;
  if (const auto* next = queue_.first_of(*s.part->log)) return (*next)->before();
  if (s.reader) return s.reader->seen();
  return s.read_to ? s.read_to : s.part->told.at();
}

resume_token peer_core::make_token() const {
  const auto& how = *hub->resumes();
  resume_claim claim;
  claim.user = options.user();
  claim.expires = seconds_from_now(how.lifetime());
  claim.origins.push_back(hub->origin_of(*this));
  // Until it has read what they may have published.
  if (!readers_.empty()) claim.origins.insert(claim.origins.end(), was_.begin(), was_.end());
  for (const auto* s : parts_) {
    if (s->topic->is_filter || !s->resumable) continue;
    if (auto at = place_in(*s)) claim.places.push_back({s->topic->name, std::move(at)});
  }
  return sign(claim, how);
}

void peer_core::place_changed() {
  if (!options.resumable() || state_ != state::open) return;
  token_due_ = true;
  home->mark_offered(*this);
}

// Behind all that it covers. While a loss is still to be told the client keeps the token that knows nothing of it.
void peer_core::tell_place() {
  if (!token_due_ || state_ != state::open || !queue_.empty() || queue_.untold()) return;
  error_code ec;
  if (!link->append_token(make_token(), ec)) return;
  const auto& how = *hub->resumes();
  token_due_ = false;
  token_at_ = after(home->time(), how.refresh());
  renew_at_ = after(home->time(), std::max<std::chrono::nanoseconds>(how.lifetime() / 2, std::chrono::seconds(1)));
  home->watch(*this);
}

}  // namespace coax::detail
