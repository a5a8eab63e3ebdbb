// How a peer reads the log of a topic: from a position in the past when it joins, or from where it left live under
// overflow::rewind.
#include "hub/peer_core.hpp"
#include "hub/registry.hpp"
#include "hub/shard.hpp"

#include <memory>

namespace coax::detail {

// What it has queued of the topic is before that, and is sent first.
void peer_core::go_back(subscription& s, const position& to) {
  if (!s.reader) readers_.push_back(&s);
  s.reader = std::make_unique<log_reader>(++last_reader_, s.topic->name, to);
  ++home->counts.rewinds;
}

// From the logs only what the connection takes at once; what is queued goes first. So the log is read at the pace of
// the socket, and what else is published to the peer is not held up.
void peer_core::read_on() {
  if (readers_.empty()) return;
  for (auto* s : std::vector(readers_))
    if (!reads_on() || !read_on(*s)) break;
  home->watch(*this);
}

// False if the connection has no room.
bool peer_core::read_on(subscription& s) {
  if (!s.reader || !s.topic->is_told) return true;
  while (const auto* event = s.reader->next()) {
    if (const auto* hole = std::get_if<topic_feed::reset>(event)) {
      const auto lost = *hole;
      if (!tell_hole(s, lost)) return false;
      continue;
    }
    const auto& entry = std::get<entry_ptr>(*event);
    if (was(entry->origin()) || !wants(s, *entry)) {
      s.reader->pop();
      continue;
    }
    if (!hand_over(*s.reader->make(entry))) return false;
    ++home->counts.handed_out;
    if (s.reader->answered) tell_recovery(s, true);
    s.reader->pop();
  }
  if (s.reader->through()) {
    become_live(s);
  } else {
    ask_log(s);
  }
  return true;
}

// Whoever has been here before is owed what was lost; who has come with a position is told by `recovered`.
bool peer_core::tell_hole(subscription& s, const topic_feed::reset& hole) {
  if (s.past != past::unknown) {
    std::size_t dropped = 0;
    queue_.lose(*s.part->log, s.reader->lost(hole), dropped);
    home->counts.handed_out += dropped;
    home->counts.dropped += dropped;
  } else {
    queue_.tell_reset(*s.part->log);
  }
  tell_recovery(s, false);
  s.reader->pop();
  return tell_losses();
}

void peer_core::become_live(subscription& s) {
  tell_recovery(s, true);
  s.read_to = s.reader->at();
  std::erase(readers_, &s);
  s.reader.reset();
  token_due_ = options.resumable();
}

// A hole is for ever; that there is none is known once.
void peer_core::tell_recovery(subscription& s, bool whole) noexcept {
  if (whole && s.past != past::unknown) return;
  s.past = whole ? past::whole : past::holed;
  home->wake_waiting(s.awaits_recovery);
}

void peer_core::ask_log(subscription& s) {
  const auto q = s.reader->inquire(now());
  if (q) hub->read_log(s.shared_from_this(), s.reader->id, *q);
}

void peer_core::on_page(subscription& s, std::uint64_t reader, std::uint64_t question,
                        const result<history_page>& page) {
  if (!s.reader || s.reader->id != reader) return;
  s.reader->on_page(question, page, now());
  if (queue_.empty()) home->mark_offered(*this);
}

void peer_core::on_reset(subscription& s) {
  s.read_to = {};
  if (s.reader) return s.reader->doubt();
  queue_.tell_reset(*s.part->log);
  tell_recovery(s, false);
  // Before what comes next, if nothing is queued.
  if (state_ == state::open && queue_.empty() && tell_losses()) home->mark_offered(*this);
}

}  // namespace coax::detail
