#include "hub/log_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace coax::detail {
namespace {

// Small, because there may be thousands of readers that wait for their sockets.
constexpr std::size_t most_unread = 32;

topic_feed::limits modest() {
  topic_feed::limits l;
  l.page = most_unread;
  l.waiting = most_unread;
  return l;
}

}  // namespace

log_reader::log_reader(std::uint64_t number, std::string_view topic, const position& since)
    : id(number), topic_(topic), feed_(modest()), seen_(since) {
  feed_.start_since(since);
  if (since) history_ = name_history(topic_, since.epoch());
}

log_reader::log_reader(std::uint64_t number, std::string_view topic, std::size_t n)
    : id(number), topic_(topic), feed_(modest()), recent_(n), collecting_(true) {
  feed_.start_since({});
}

void log_reader::came_at(const position& p) {
  if (!came_at_) came_at_ = p;
}

// When it has enough to do it will find the entry in the log; also before it has asked, if it comes from a position.
void log_reader::on_entry(std::string_view epoch, const entry_ptr& entry) {
  if ((!asked_ && !collecting_) || unread_ == most_unread) return feed_.doubt();
  ++unread_;
  feed_.on_entry(epoch, entry);
}

void log_reader::on_page(std::uint64_t question, const result<history_page>& page, steady::time_point now) {
  if (!page) return feed_.on_failure(question, now);
  feed_.on_page(question, *page, now);
  answered = true;
}

std::optional<topic_feed::question> log_reader::inquire(steady::time_point now) {
  auto question = feed_.inquire(now);
  if (question) asked_ = true;
  return question;
}

const topic_feed::event* log_reader::next() {
  if (!next_) next_ = take();
  if (!next_) unread_ = 0;
  return next_ ? &*next_ : nullptr;
}

std::optional<topic_feed::event> log_reader::take() {
  while (collecting_) {
    const auto event = feed_.next();
    if (!event) {
      if (!feed_.settled()) return std::nullopt;
      collecting_ = false;
    } else if (const auto* entry = std::get_if<entry_ptr>(&*event)) {
      collect(*entry);
    } else {
      last_.clear();  // of a history that is no more
    }
  }
  if (last_.empty()) return feed_.next();
  topic_feed::event oldest = std::move(last_.front());
  last_.pop_front();
  return oldest;
}

void log_reader::collect(const entry_ptr& e) {
  last_.push_back(e);
  std::size_t news = 0;
  if (came_at_.epoch() == feed_.at().epoch() && e->offset() > came_at_.offset())
    news = static_cast<std::size_t>(e->offset() - came_at_.offset());
  while (last_.size() > recent_ + news) last_.pop_front();
}

void log_reader::pop() {
  if (const auto* entry = std::get_if<entry_ptr>(&*next_)) {
    seen_ = (*entry)->behind(history()->epoch);
  } else {
    seen_ = std::get<topic_feed::reset>(*next_).from;
    history_ = name_history(topic_, seen_.epoch());
  }
  next_.reset();
}

std::uint64_t log_reader::lost(const topic_feed::reset& hole) const noexcept {
  const bool comparable =
      hole.why == continuity::too_old && hole.from.epoch() == seen_.epoch() && hole.from.offset() > seen_.offset();
  return comparable ? hole.from.offset() - seen_.offset() : 1;
}

const shared_history& log_reader::history() {
  if (!history_) history_ = name_history(topic_, feed_.at().epoch());
  return history_;
}

shared_delivery log_reader::make(const entry_ptr& e) { return std::make_shared<const delivery>(e, history()); }

}  // namespace coax::detail
