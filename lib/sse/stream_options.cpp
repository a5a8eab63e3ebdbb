#include "sse/cors.hpp"
#include <coax/event_stream.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace coax::sse {
namespace {

constexpr std::string_view own_fields[] = {"Content-Type", "Content-Encoding",  "Content-Length",
                                           "Connection",   "Transfer-Encoding", "X-Accel-Buffering"};

// What Fetch forbids for the literal `*`, for the same reason: every page would read its visitor's stream.
void check(const cors_policy& policy) {
  if (policy.credentials && policy.origins.match_all())
    throw std::invalid_argument("coax::sse::stream_options: credentials for every origin");
}

}  // namespace

stream_options& stream_options::header(std::string_view name, std::string_view value) {
  for (const auto own : own_fields)
    if (protocol::iequals(name, own))
      throw std::invalid_argument("coax::sse::stream_options: " + std::string(own) + " is set by accept");
  fields_.add(name, value);
  return *this;
}

// Options are copied into each call of accept; what all copies have in common is made once.
cors_policy& stream_options::change() {
  if (!cors_)
    cors_ = std::make_shared<cors_policy>();
  else if (cors_.use_count() != 1)
    cors_ = std::make_shared<cors_policy>(*cors_);
  return *cors_;
}

// Without origins there is no policy.
const cors_policy* stream_options::cors() const noexcept {
  return cors_ && !cors_->origins.empty() ? cors_.get() : nullptr;
}

stream_options& stream_options::allow_origin(std::string pattern) {
  auto all = cors_ ? cors_->patterns : std::vector<std::string>();
  all.push_back(std::move(pattern));
  return allow_origins(std::move(all));
}

stream_options& stream_options::allow_origins(std::vector<std::string> patterns) {
  protocol::origin_patterns compiled(patterns);
  auto& policy = change();
  policy.origins = std::move(compiled);
  policy.patterns = std::move(patterns);
  check(policy);
  return *this;
}

stream_options& stream_options::allow_credentials(bool on) {
  auto& policy = change();
  policy.credentials = on;
  check(policy);
  return *this;
}

}  // namespace coax::sse
