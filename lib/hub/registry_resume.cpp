// How a client comes back.
#include "hub/notice.hpp"
#include "hub/registry.hpp"
#include "hub/resume_token.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace coax::detail {
namespace {

std::int64_t unix_seconds() {
  const auto t = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(t).count();
}

}  // namespace

const std::optional<resume_options>& registry::resumes() const {
  if (!options_.resume()) throw std::logic_error("coax: resuming wants a hub with keys (hub_options::resume)");
  return options_.resume();
}

bool registry::has_joined(const peer_core& p, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(p.subscriptions.begin(), p.subscriptions.end(),
                     [&](const auto& s) { return s->topic->name == name; });
}

void registry::tell(const std::shared_ptr<peer_core>& p, shared_delivery notice) {
  if (!p->options.resumable()) return;
  counts_->handed_out.fetch_add(1, std::memory_order_relaxed);
  p->home->submit(commands::send{p, std::move(notice)});
}

registry::resumed registry::resume(const std::shared_ptr<peer_core>& p, std::string_view token, const rejoin& how) {
  const auto& keys = resumes()->keys();
  resumed r;
  if (token.empty()) return r;
  resume_claim claim;
  r.refused = read_resume(token, keys, p->options.user(), unix_seconds(), claim);
  if (r.refused != resume_refusal::none) {
    tell(p, notice_of_refusal(to_string(r.refused)));
    return r;
  }
  std::vector<std::pair<std::string, join_options>> allowed;
  std::vector<std::string_view> names;
  for (auto& place : claim.places) {
    if (has_joined(*p, place.topic)) continue;
    auto options = how ? how(place.topic) : join_options();
    if (!options) continue;
    options->since(std::move(place.at));
    allowed.emplace_back(std::move(place.topic), std::move(*options));
  }
  names.reserve(allowed.size());
  for (const auto& [topic, options] : allowed) names.push_back(topic);
  p->home->submit(commands::resume{p, std::move(claim.origins)});
  // Before anything of these topics.
  tell(p, notice_of_resumption(names));
  try {
    for (const auto& [topic, options] : allowed)
      if (auto s = join(p, topic, options)) r.joined.emplace_back(std::move(s));
  } catch (...) {
    for (auto& s : r.joined) leave(s);
    throw;
  }
  return r;
}

}  // namespace coax::detail
