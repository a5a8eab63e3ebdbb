#include "io/elsewhere.hpp"
#include "sse/event_source_core.hpp"
#include <coax/event_source.hpp>

namespace coax::sse {

using coax::detail::event_source_core;

event_source::event_source(asio::any_io_executor ex, std::string url, event_source_options options)
    : core_(std::make_shared<event_source_core>(std::move(ex), url, std::move(options))) {}

event_source::event_source(event_source&&) noexcept = default;

event_source& event_source::operator=(event_source&& other) noexcept {
  if (this == &other) return *this;
  if (core_) core_->close();
  core_ = std::move(other.core_);
  return *this;
}

event_source::~event_source() {
  if (core_) core_->close();
}

task<std::optional<event>> event_source::next(context ctx) {
  const auto core = core_;
  auto call = [core](context inner) { return core->next(std::move(inner)); };
  co_return co_await coax::detail::on_home<std::optional<event>>(core->executor(), std::move(ctx), std::move(call));
}

std::optional<event> event_source::try_next() {
  const auto core = core_;  // a hook may let go of the source
  return core->try_next();
}

ready_state event_source::ready_state() const noexcept { return core_->ready_state(); }
const std::string& event_source::last_event_id() const noexcept { return core_->last_event_id(); }
const std::string& event_source::url() const noexcept { return core_->url(); }
event_source_stats event_source::stats() const noexcept { return core_->stats(); }
void event_source::close() noexcept { core_->close(); }
const asio::any_io_executor& event_source::get_executor() const noexcept { return core_->executor(); }

}  // namespace coax::sse
