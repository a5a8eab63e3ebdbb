// How what is published comes to the members of its topic: through the broker, and back as an event of it.
#include "broker/topic_filter.hpp"
#include "hub/notice.hpp"
#include "hub/registry.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <variant>

namespace coax::detail {
namespace {

// When a broker that could not be reached is asked again.
constexpr std::chrono::seconds retry_after{1};

}  // namespace

registry::admission registry::admit(std::string_view name, std::size_t size, const publish_options& o) {
  admission a;
  const std::lock_guard lock(mutex_);
  const auto count = [&](const topic& t) {
    if (a.wait) return;
    for (const auto* s : t.blockers)
      if (!s->peer->has_block_room(size)) return void(a.wait = s->peer);
    for (const auto& part : t.parts) a.members += part->count;
    if (!o.except() || o.except()->hub.get() != this) return;
    for (const auto& s : o.except()->subscriptions)
      if (s->topic.get() == &t) --a.members;
  };
  const auto exact = topics_.find(name);
  if (exact != topics_.end()) count(*exact->second);
  for (const auto& f : filters_)
    if (matches(f->name, name)) count(*f);
  return a;
}

publication registry::make(prepared_message m, const publish_options& o) const {
  publication what(std::move(m));
  what.key(o.key()).event_type(o.event_type()).idempotency_key(o.idempotency_key());
  if (o.history()) what.history(*o.history());
  if (o.except()) what.from({o.except()->hub->node_, o.except()->id});
  return what;
}

void registry::publish(std::string_view name, publication what, broker_session::reply<position> done) {
  counts_->published.fetch_add(1, std::memory_order_relaxed);
  session_->publish(name, std::move(what), std::move(done));
}

void registry::publish(std::string_view name, publication what) {
  publish(name, std::move(what), [counts = counts_](const result<position>& at) {
    if (!at) counts->publish_errors.fetch_add(1, std::memory_order_relaxed);
  });
}

// Called with the broker's lock held, in the order of the topic's log.
void registry::on_entry(std::string_view name, std::string_view epoch, const entry_ptr& entry) {
  outcome out;
  std::shared_ptr<topic> exact;
  std::optional<topic_feed::question> question;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    if (found != topics_.end()) exact = found->second;
    const bool passes = !exact || exact->begins_behind(epoch, *entry);
    try {
      if (exact) {
        exact->feed.on_entry(epoch, entry);
        question = advance(exact, out);
      }
      if (passes && !filters_.empty())
        deliver(name, nullptr, std::make_shared<const delivery>(entry, name_history(name, epoch)), out);
    } catch (...) {
      if (exact) exact->feed.doubt();
      lose(name, exact.get(), out);
    }
  }
  if (question) ask_log(exact, *question);
  out.wake();
}

// For want of memory. The broker and the other topics go on.
void registry::lose(std::string_view name, const topic* exact, outcome& to) noexcept {
  const auto end_members = [&to](const topic& t) {
    for (const auto& part : t.parts) {
      part->lost.store(true, std::memory_order_relaxed);
      if (part->home->note_loss() == shard::pushed::asleep) to.asleep.push_back(part->home);
    }
  };
  if (exact) end_members(*exact);
  for (const auto& f : filters_)
    if (matches(f->name, name)) end_members(*f);
}

std::optional<topic_feed::question> registry::advance(const std::shared_ptr<topic>& t, outcome& to) {
  try {
    return follow(t, to);
  } catch (...) {
    lose(t->name, t.get(), to);
    return std::nullopt;
  }
}

std::optional<topic_feed::question> registry::follow(const std::shared_ptr<topic>& t, outcome& to) {
  while (const auto event = t->feed.next()) {
    if (const auto* entry = std::get_if<entry_ptr>(&*event)) {
      if (!t->history) t->history = name_history(t->name, t->feed.at().epoch());
      deliver(t->name, t, std::make_shared<const delivery>(*entry, t->history), to);
    } else {
      const auto& from = std::get<topic_feed::reset>(*event).from;
      t->history = name_history(t->name, from.epoch());
      t->begin = {};
      counts_->resets.fetch_add(1, std::memory_order_relaxed);
      for (const auto& part : t->parts) push(to, part->home, commands::reset{part, from});
    }
  }
  const auto question = t->feed.inquire(now());
  if (const auto due = t->feed.due()) wake_at(*due, to);
  return question;
}

void registry::pass_by(const topic& t, bool before_begin, outcome& to) {
  if (filters_.empty()) return;
  t.feed.for_each_waiting([&](const std::string& epoch, const entry_ptr& e) {
    if (t.begins_behind(epoch, *e) != before_begin) return;
    deliver(t.name, nullptr, std::make_shared<const delivery>(e, name_history(t.name, epoch)), to);
  });
}

void registry::deliver(std::string_view name, const std::shared_ptr<topic>& exact, const shared_delivery& what,
                       outcome& to) {
  const auto origin = what->entry()->origin();
  const auto except = origin.node == node_ ? origin.peer : 0;
  const auto serial = ++last_serial_;
  const auto give = [&](topic& t) {
    t.tally->published.fetch_add(1, std::memory_order_relaxed);
    for (auto* s : t.blockers) s->peer->blocks_on(what->size());
    std::size_t members = 0;
    for (const auto& part : t.parts)
      if (push(to, part->home, commands::publish{part, what, except, serial})) members += part->count;
    counts_->handed_out.fetch_add(members, std::memory_order_relaxed);
  };
  if (exact) give(*exact);
  for (const auto& f : filters_)
    if (matches(f->name, name)) give(*f);
}

void registry::on_reset(std::string_view name, const position&) {
  outcome out;
  std::shared_ptr<topic> t;
  std::optional<topic_feed::question> question;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    if (found == topics_.end()) return;
    t = found->second;
    t->feed.doubt();
    question = advance(t, out);
  }
  if (question) ask_log(t, *question);
  out.wake();
}

void registry::on_link(link_state state) {
  if (state != link_state::ready) return;
  std::vector<std::pair<std::shared_ptr<topic>, topic_feed::question>> questions;
  outcome out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, t] : topics_) {
      if (t->is_filter) continue;
      t->feed.doubt();
      if (const auto q = advance(t, out)) questions.emplace_back(t, *q);
    }
  }
  for (const auto& [t, q] : questions) ask_log(t, q);
  out.wake();
}

void registry::ask_for(const std::shared_ptr<topic>& t) {
  {
    const std::lock_guard lock(mutex_);
    if (t->members == 0 || std::exchange(t->asked, true)) return;
  }
  auto subscribed = [weak = weak_from_this(), which = std::weak_ptr(t)](const result<position>& from) {
    if (const auto self = weak.lock()) self->on_subscribed(which, from);
  };
  if (!t->is_filter) return session_->subscribe(t->name, std::move(subscribed));
  session_->watch(t->name, [subscribed = std::move(subscribed)](const result<void>& done) {
    subscribed(done ? result<position>(position()) : result<position>(done.error()));
  });
}

void registry::on_subscribed(const std::weak_ptr<topic>& which, const result<position>& from) {
  const auto t = which.lock();
  if (!t) return;
  outcome out;
  std::optional<topic_feed::question> question;
  {
    const std::lock_guard lock(mutex_);
    if (!from) {
      t->asked = false;
      wake_at(now() + retry_after, out);
    } else {
      if (!t->is_filter) {
        t->begin = *from;
        if (t->members != 0) pass_by(*t, true, out);
        t->feed.start(*from);
        question = advance(t, out);
      }
      t->is_told = true;
      for (const auto& part : t->parts) push(out, part->home, commands::begin{part, *from});
    }
  }
  if (question) ask_log(t, *question);
  out.wake();
}

void registry::give_up(const outcome& left) {
  for (const auto& s : left.absent) session_->leave(s->topic->name, handle_of(*s->peer));
  for (const auto& t : left.abandoned) {
    if (t->is_filter) {
      session_->unwatch(t->name);
    } else {
      session_->unsubscribe(t->name);
    }
  }
}

void registry::ask_log(const std::shared_ptr<topic>& t, const topic_feed::question& q) {
  auto answered = [weak = weak_from_this(), which = std::weak_ptr(t), id = q.id](const result<history_page>& page) {
    const auto self = weak.lock();
    const auto asked = which.lock();
    if (!self || !asked) return;
    outcome out;
    std::optional<topic_feed::question> next;
    {
      const std::lock_guard lock(self->mutex_);
      if (page) {
        asked->feed.on_page(id, *page, now());
      } else {
        asked->feed.on_failure(id, now());
      }
      next = self->advance(asked, out);
    }
    out.wake();
    if (next) self->ask_log(asked, *next);
  };
  try {
    session_->history(t->name, q.since, q.limit, std::move(answered));
  } catch (...) {
    // It is asked again when its time is up.
  }
}

void registry::read_log(const std::shared_ptr<subscription>& s, std::uint64_t reader, const topic_feed::question& q) {
  auto answered = [s, reader, id = q.id](result<history_page> page) {
    s->peer->home->submit(commands::page{s, reader, id, std::move(page)});
  };
  session_->history(s->topic->name, q.since, q.limit, std::move(answered));
}

void registry::history(std::string_view name, const position& since, std::size_t limit,
                       broker_session::reply<history_page> done) {
  session_->history(name, since, limit, std::move(done));
}

// Any of the shards has a timer.
void registry::wake_at(steady::time_point at, outcome& to) {
  if (!shards_.empty()) push(to, shards_.front(), commands::alarm{at});
}

void registry::on_time(steady::time_point time) {
  std::vector<std::pair<std::shared_ptr<topic>, topic_feed::question>> questions;
  std::vector<std::shared_ptr<topic>> unasked;
  outcome out;
  {
    const std::lock_guard lock(mutex_);
    auto next = steady::time_point::max();  // the alarm knew only the earliest
    for (const auto& [name, t] : topics_) {
      if (!t->asked) unasked.push_back(t);
      if (t->is_filter) continue;
      const auto due = t->feed.due().value_or(steady::time_point::max());
      if (due > time) {
        next = std::min(next, due);
      } else if (const auto q = advance(t, out)) {
        questions.emplace_back(t, *q);
      }
    }
    if (next != steady::time_point::max()) wake_at(next, out);
  }
  for (const auto& [t, q] : questions) ask_log(t, q);
  const std::lock_guard joining(joining_);
  for (const auto& t : unasked) ask_for(t);
  out.wake();
}

void registry::members(std::string_view name, broker_session::reply<std::vector<present_user>> done) {
  session_->members(name, std::move(done));
}

void registry::on_presence(std::string_view name, const presence_change& change) {
  const auto what = notice_of_presence(name, change);
  outcome out;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    if (found == topics_.end()) return;
    for (const auto& part : found->second->parts) push(out, part->home, commands::tell{part, what});
  }
  out.wake();
}

}  // namespace coax::detail
