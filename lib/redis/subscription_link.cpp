#include "redis/subscription_link.hpp"

#include "protocol/resp.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace coax::redis {

using coax::detail::now;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_names = 512;             // of a command, and of a turn
constexpr std::chrono::milliseconds patience{250};  // before what was refused is asked for again

constexpr channel_kind kinds[] = {channel_kind::plain, channel_kind::pattern, channel_kind::shard};

struct told {
  std::string_view word;
  channel_kind kind;
  enum class event : unsigned char { message, subscribe, unsubscribe } what;
};

constexpr std::array words{
    told{"message", channel_kind::plain, told::event::message},
    told{"pmessage", channel_kind::pattern, told::event::message},
    told{"smessage", channel_kind::shard, told::event::message},
    told{"subscribe", channel_kind::plain, told::event::subscribe},
    told{"psubscribe", channel_kind::pattern, told::event::subscribe},
    told{"ssubscribe", channel_kind::shard, told::event::subscribe},
    told{"unsubscribe", channel_kind::plain, told::event::unsubscribe},
    told{"punsubscribe", channel_kind::pattern, told::event::unsubscribe},
    told{"sunsubscribe", channel_kind::shard, told::event::unsubscribe},
};

std::string_view command_for(channel_kind kind, bool subscribe) noexcept {
  static constexpr std::string_view names[3][2] = {
      {"UNSUBSCRIBE", "SUBSCRIBE"}, {"PUNSUBSCRIBE", "PSUBSCRIBE"}, {"SUNSUBSCRIBE", "SSUBSCRIBE"}};
  return names[static_cast<std::size_t>(kind)][subscribe ? 1 : 0];
}

}  // namespace

void subscription_link::want(channel_kind kind, std::string_view name) {
  auto& entries = of(kind);
  auto found = entries.find(name);
  if (found == entries.end()) found = entries.emplace(name, subscription()).first;
  auto& s = found->second;
  if (std::exchange(s.wanted, true)) return;
  stats_.subscriptions.fetch_add(1, std::memory_order_relaxed);
  s.announce = true;
  queue(kind, *found);
}

void subscription_link::unwant(channel_kind kind, std::string_view name) {
  const auto found = of(kind).find(name);
  if (found == of(kind).end() || !std::exchange(found->second.wanted, false)) return;
  stats_.subscriptions.fetch_sub(1, std::memory_order_relaxed);
  if (std::exchange(found->second.confirmed, false)) stats_.confirmed.fetch_sub(1, std::memory_order_relaxed);
  if (up())
    queue(kind, *found);
  else
    of(kind).erase(found);
}

void subscription_link::take(channel_kind kind, std::string_view name) {
  const auto found = of(kind).find(name);
  if (found == of(kind).end()) return;
  lose(kind, *found);
  unwant(kind, name);
}

void subscription_link::queue(channel_kind kind, entry& e) {
  // What is wanted when the link comes up is asked for then.
  if (up() && !std::exchange(e.second.queued, true)) pending_.emplace_back(kind, e.first);
}

void subscription_link::lose(channel_kind kind, entry& e) {
  if (!std::exchange(e.second.confirmed, false)) return;
  stats_.confirmed.fetch_sub(1, std::memory_order_relaxed);
  owner_.lost(kind, e.first);
}

std::vector<std::string> subscription_link::wanted(channel_kind kind) const {
  std::vector<std::string> names;
  for (const auto& [name, s] : tables_[static_cast<std::size_t>(kind)])
    if (s.wanted) names.push_back(name);
  return names;
}

bool subscription_link::empty() const noexcept {
  return std::ranges::all_of(
      tables_, [](const table& t) { return std::ranges::none_of(t, [](const entry& e) { return e.second.wanted; }); });
}

void subscription_link::came_up() {
  owner_.subscription_link_changed(*this, link_event::up, {});
  for (const auto kind : kinds)
    for (auto& e : of(kind)) queue(kind, e);
  pump();
}

void subscription_link::went_down(std::string_view why) {
  asked_.clear();
  pending_.clear();
  later_.clear();
  owner_.subscription_link_changed(*this, link_event::down, why);
  for (const auto kind : kinds) {
    std::erase_if(of(kind), [](const entry& e) { return !e.second.wanted; });
    for (auto& e : of(kind)) {
      e.second.asked = e.second.queued = e.second.announce = false;
      e.second.open = 0;
      lose(kind, e);
    }
  }
}

// One command for names that follow each other and want the same; a turn asks for a batch and lets it leave.
void subscription_link::fill_output() {
  while (!pending_.empty() && unsent() < most_unsent) {
    std::vector<std::string> names;
    const auto kind = pending_.front().first;
    std::optional<bool> subscribe;
    const bool alone = kind == channel_kind::shard && batches_ == batches::by_slot;
    while (!pending_.empty() && pending_.front().first == kind && names.size() < (alone ? 1 : most_names)) {
      const auto found = of(kind).find(pending_.front().second);
      if (found == of(kind).end()) {
        pending_.pop_front();
        continue;
      }
      auto& s = found->second;
      if (s.wanted != s.asked) {
        if (subscribe.value_or(s.wanted) != s.wanted) break;
        subscribe = s.wanted;
        s.asked = s.wanted;
        ++s.open;
        names.push_back(found->first);
      }
      s.queued = false;
      pending_.pop_front();
      if (s.open == 0) answered(kind, found->first);
    }
    if (!names.empty()) ask(kind, *subscribe, std::move(names));
  }
}

// What the socket takes at once makes room for more; nobody would tell that it has left.
void subscription_link::pump() {
  if (!up()) return;
  do {
    fill_output();
    flush();
  } while (up() && !pending_.empty() && unsent() == 0);
}

void subscription_link::ask(channel_kind kind, bool subscribe, std::vector<std::string> names) {
  protocol::append_array_head(output(), names.size() + 1);
  protocol::append_bulk(output(), command_for(kind, subscribe));
  for (const auto& name : names) protocol::append_bulk(output(), name);
  asked_.push_back({kind, subscribe, false, std::move(names), 0, now()});
}

void subscription_link::ask_ping() {
  command("PING").append_to(output());
  asked_.push_back({channel_kind::plain, false, true, {}, 0, now()});
}

std::optional<subscription_link::time_point> subscription_link::oldest_question() const {
  if (asked_.empty()) return std::nullopt;
  return asked_.front().asked;
}

void subscription_link::heard(const value& v) {
  if (v.is_error()) return heard_error(v);
  const auto word = v[0].text();
  if (v.is_aggregate() && word != "pong") return heard_told(v);
  if (!asked_.empty() && asked_.front().ping) asked_.pop_front();
}

void subscription_link::heard_told(const value& v) {
  const auto known = std::ranges::find(words, v[0].text(), &told::word);
  if (known == words.end()) return;
  const bool pattern = known->kind == channel_kind::pattern;
  switch (known->what) {
    case told::event::message:
      count(stats_.messages);
      if (pattern) return owner_.message(known->kind, v[1].text(), v[2].text(), v[3].text());
      return owner_.message(known->kind, {}, v[1].text(), v[2].text());
    case told::event::subscribe: return heard_answer(known->kind, true, v[1].text());
    case told::event::unsubscribe: return heard_answer(known->kind, false, v[1].text());
  }
}

void subscription_link::heard_answer(channel_kind kind, bool subscribe, std::string_view name) {
  if (!asked_.empty()) {
    auto& q = asked_.front();
    if (!q.ping && q.kind == kind && q.subscribe == subscribe && q.names[q.answered] == name) {
      // The view may be of a name that goes with the question.
      if (++q.answered == q.names.size()) asked_.pop_front();
      if (const auto found = of(kind).find(name); found != of(kind).end()) {
        if (found->second.open != 0) --found->second.open;
        if (found->second.open == 0) answered(kind, found->first);
      }
      return;
    }
  }
  if (subscribe || kind != channel_kind::shard) return;
  // Unasked: the slot has left this node, and the channel with it.
  const auto found = of(kind).find(name);
  if (found == of(kind).end()) return;
  found->second.asked = false;
  lose(kind, *found);
  if (found->second.wanted) owner_.channel_moved(*this, found->first);
}

// Nothing more is to come about the name: what Redis was asked for last holds.
void subscription_link::answered(channel_kind kind, std::string_view name) {
  const auto found = of(kind).find(name);
  auto& s = found->second;
  if (!s.wanted && !s.asked && !s.queued) {
    of(kind).erase(found);
    return;
  }
  if (!s.wanted || !s.asked) return;
  if (!std::exchange(s.confirmed, true)) {
    stats_.confirmed.fetch_add(1, std::memory_order_relaxed);
    s.announce = true;
  }
  if (std::exchange(s.announce, false)) owner_.subscribed(kind, found->first);
}

// Of a command as a whole. One that was refused for one of its names is tried name by name.
void subscription_link::heard_error(const value& v) {
  if (asked_.empty()) return;
  auto q = std::move(asked_.front());
  asked_.pop_front();
  if (q.ping) return;
  for (std::size_t i = q.answered; i < q.names.size(); ++i) {
    const auto found = of(q.kind).find(q.names[i]);
    if (found == of(q.kind).end()) continue;
    auto& s = found->second;
    if (s.open != 0) --s.open;
    if (!q.subscribe) continue;
    s.asked = false;
    if (!s.wanted) {
      answered(q.kind, found->first);
    } else if (v.error_word() == "MOVED") {
      owner_.channel_moved(*this, found->first);
    } else {
      owner_.subscription_refused(q.kind, found->first, v.text());
      later_.emplace_back(q.kind, found->first);
    }
  }
  if (!later_.empty()) alarm(coax::detail::after(now(), patience));
}

subscription_link::time_point subscription_link::on_alarm(time_point) {
  for (const auto& [kind, name] : std::exchange(later_, {})) {
    const auto found = of(kind).find(name);
    if (found == of(kind).end() || !up()) continue;
    auto& s = found->second;
    if (!s.wanted || s.asked) continue;
    s.asked = true;
    ++s.open;
    ask(kind, true, {found->first});
  }
  flush();
  return time_point::max();
}

}  // namespace coax::redis
