#include "redis/command_link.hpp"

#include "core/parse_number.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <vector>

namespace coax::redis {

using coax::detail::now;

namespace {

// Beyond, a node that sends commands elsewhere, which send them back, is asked at leisure.
constexpr unsigned most_refusals_at_once = 5;

std::optional<refusal> refusal_of(std::string_view word) noexcept {
  struct row {
    std::string_view word;
    refusal how;
  };
  static constexpr std::array rows{
      row{"MOVED", refusal::again},    row{"ASK", refusal::again},          row{"NOSCRIPT", refusal::again},
      row{"TRYAGAIN", refusal::later}, row{"CLUSTERDOWN", refusal::later},  row{"LOADING", refusal::later},
      row{"BUSY", refusal::later},     row{"MASTERDOWN", refusal::demoted}, row{"READONLY", refusal::demoted},
  };
  const auto found = std::ranges::find(rows, word, &row::word);
  if (found == rows.end()) return std::nullopt;
  return found->how;
}

// "MOVED 3999 127.0.0.1:6381", and the same with ASK.
struct redirection {
  std::uint16_t slot = 0;
  std::string_view to;
};

std::optional<redirection> redirection_of(std::string_view error) noexcept {
  redirection r;
  error.remove_prefix(error.find(' ') + 1);
  const auto space = error.find(' ');
  if (space == error.npos) return std::nullopt;
  const auto slot = coax::detail::parse_number<std::uint16_t>(error.substr(0, space));
  if (!slot || *slot >= 16384) return std::nullopt;
  r.slot = *slot;
  r.to = error.substr(space + 1);
  return r;
}

}  // namespace

void command_link::came_up() {
  loaded_.clear();
  trusted_ = trying_ = false;
  owner_.command_link_changed(*this, link_event::up, {});
  pump();
}

void command_link::pump() {
  if (!up() || refusing_ || trying_ || waiting_.empty()) return;
  turn_ = now();
  if (turn_ < pause_until_) return alarm(pause_until_);
  while (transmit_waiting()) {
    count(stats_.writes);
    flush();
    if (!up() || waiting_.empty() || trying_ || unsent() != 0) return;
  }
}

// As much as fits into one write; whether there was anything.
bool command_link::transmit_waiting() {
  std::vector<pending_command> held;
  bool sent = false;
  while (!waiting_.empty() && !trying_ && unsent() < most_unsent) {
    auto c = std::move(waiting_.front());
    waiting_.pop_front();
    if (must_wait(c)) {
      held.push_back(std::move(c));
    } else {
      transmit(std::move(c));
      trying_ = !trusted_;
      sent = true;
    }
  }
  put_in_front(held);
  return sent;
}

// The slot of a command, if it is moving.
command_link::moving_slots::iterator command_link::moving(const pending_command& c) {
  return c.what.slot() ? moving_.find(*c.what.slot()) : moving_.end();
}

// Of two commands of a moving slot that are under way the server may refuse the first and take the second.
bool command_link::must_wait(const pending_command& c) {
  const auto slot = moving(c);
  return slot != moving_.end() && slot->second;
}

void command_link::put_in_front(std::vector<pending_command>& those) {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(those.begin()), std::make_move_iterator(those.end()));
  those.clear();
}

void command_link::go_on_at(time_point t) {
  refusing_ = false;
  pause_until_ = t;
  alarm(t);
}

command_link::time_point command_link::on_alarm(time_point time) {
  if (time < pause_until_) return pause_until_;
  pump();
  return time_point::max();
}

void command_link::transmit(pending_command c) {
  if (c.what.script() && !c.as_source) load(*c.what.script());
  if (c.asking && c.what.slot()) doubt(*c.what.slot());
  if (const auto slot = moving(c); slot != moving_.end()) slot->second = true;
  if (c.asking) ask_own(command("ASKING"));  // it is for the very next command
  if (c.as_source)
    c.what.append_eval_to(output());
  else
    c.what.append_to(output());
  count(stats_.commands_sent);
  asked_.push_back({std::move(c), turn_});
}

void command_link::ask_own(const command& c) {
  c.append_to(output());
  asked_.push_back({std::nullopt, now()});
}

// In front of its first use on this connection, so that the uses that follow need not wait for NOSCRIPT.
void command_link::load(const script& s) {
  if (!loaded_.insert(s.sha1()).second) return;
  command c("SCRIPT");
  c.arg("LOAD").arg(s.source());
  ask_own(c);
}

void command_link::heard(const value& v) {
  if (v.kind() == protocol::resp_kind::push || asked_.empty()) return;
  auto q = std::move(asked_.front());
  asked_.pop_front();
  if (!q.c) return;
  count(stats_.replies);
  trying_ = false;
  if (const auto slot = moving(*q.c); slot != moving_.end()) slot->second = false;
  if (q.c->ended || (v.is_error() && refuse(*q.c, v))) return;
  took(*q.c);
  // An error of now says nothing of the first time.
  if (v.is_error() && q.c->perhaps_executed) return owner_.complete(*q.c, error_code(errc::publication_in_doubt));
  owner_.complete(*q.c, v);
}

// What is taken behind a refusal proves nothing, and behind ASKING not that the slot has come to rest.
void command_link::took(const pending_command& c) {
  if (!refusing_) trusted_ = true;
  const auto slot = moving(c);
  if (slot != moving_.end() && !c.asking && !has_refused(slot->first)) moving_.erase(slot);
}

void command_link::heard_all() {
  settle_refusals();
  pump();
}

// Whether the error says that the command was not executed and is to be sent again.
bool command_link::refuse(pending_command& c, const value& v) {
  const auto word = v.error_word();
  auto how = refusal_of(word);
  const bool redirects = word == "ASK" || word == "MOVED";
  const auto to = redirects ? redirection_of(v.text()) : std::nullopt;
  if (!how || (redirects && (!to || !owner_.follows_redirects()))) return false;
  ++c.refusals;
  if (redirects) c.asking = false;
  if (word == "ASK") {
    if (!has_refused(to->slot)) {
      moving_.erase(to->slot);
      owner_.slot_is_moving(*this, std::move(c), to->to);
      return true;
    }
  } else if (word == "TRYAGAIN") {
    // It is able to do something, only not for this slot.
    if (!refusing_) trusted_ = true;
    if (c.what.slot()) moving_[*c.what.slot()] = false;
  } else {
    trusted_ = false;
  }
  if (word == "MOVED") {
    moving_.erase(to->slot);
    owner_.slot_moved(*this, to->slot, to->to);
  }
  if (word == "NOSCRIPT") {
    c.as_source = true;
    loaded_.clear();
  }
  if (c.refusals > most_refusals_at_once) how = std::max(*how, refusal::later);
  keep_refused(std::move(c), *how);
  return true;
}

void command_link::keep_refused(pending_command c, refusal how) {
  gravest_ = refused_.empty() ? how : std::max(gravest_, how);
  refused_.push_back(std::move(c));
  refusing_ = true;
}

// Commands to the slot that are to be sent again, in front of what is answered now.
bool command_link::has_refused(std::uint16_t slot) const noexcept {
  return std::ranges::any_of(refused_, [&](const pending_command& c) { return c.what.slot() == slot; });
}

void command_link::settle_refusals() {
  if (!refusing_ || !asked_.empty()) return;
  put_in_front(refused_);
  owner_.commands_refused(*this, gravest_);
}

void command_link::went_down(std::string_view why) {
  auto asked = std::exchange(asked_, {});
  auto kept = std::exchange(refused_, {});
  refusing_ = false;
  for (auto& q : asked) {
    if (!q.c || q.c->ended) continue;
    if (q.c->what.is_idempotent()) {
      q.c->perhaps_executed = true;
      kept.push_back(std::move(*q.c));
    } else {
      owner_.complete(*q.c, error_code(errc::publication_in_doubt));
    }
  }
  put_in_front(kept);
  for (auto& [slot, is_asked] : moving_) is_asked = false;
  owner_.command_link_changed(*this, link_event::down, why);
}

std::optional<command_link::time_point> command_link::oldest_question() const {
  if (asked_.empty()) return std::nullopt;
  return asked_.front().asked;
}

command_link::time_point command_link::expire(time_point time) {
  time_point next = time_point::max();
  const auto check = [&](pending_command& c, error_code ec) {
    if (c.ended) return;
    if (time >= c.expiry)
      owner_.complete(c, ec);
    else
      next = std::min(next, c.expiry);
  };
  for (auto& c : refused_) check(c, not_executed(c));
  for (auto& c : waiting_) check(c, not_executed(c));
  for (auto& q : asked_)
    if (q.c) check(*q.c, errc::publication_in_doubt);
  const auto ended = [](const pending_command& c) { return c.ended; };
  std::erase_if(refused_, ended);
  std::erase_if(waiting_, ended);
  return next;
}

void command_link::cancel_all() {
  for (auto& q : std::exchange(asked_, {}))
    if (q.c && !q.c->ended) owner_.complete(*q.c, error_code(errc::canceled));
  for (auto& c : std::exchange(refused_, {})) owner_.complete(c, error_code(errc::canceled));
  for (auto& c : std::exchange(waiting_, {})) owner_.complete(c, error_code(errc::canceled));
}

void command_link::forget_all() noexcept {
  const auto asked = std::exchange(asked_, {});
  const auto refused = std::exchange(refused_, {});
  const auto waiting = std::exchange(waiting_, {});
}

}  // namespace coax::redis
