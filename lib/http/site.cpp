#include "http/site.hpp"

#include "http/refusal.hpp"
#include "io/jitter.hpp"
#include <coax/exchange.hpp>

#include <algorithm>

namespace coax::http {

server_stats site::stats() const noexcept {
  server_stats s;
  s.connections = open.load();
  s.streams = streams.load();
  s.accepted = accepted.load();
  s.requests = requests.load();
  s.refused_connections = refused_connections.load();
  s.refused_streams = refused_streams.load();
  s.refused_by_hook = refused_by_hook.load();
  s.refused_proxies = refused_proxies.load();
  return s;
}

admission site::admit(const exchange& x, bool crowded_out) {
  const auto& o = options.admission();
  if (!crowded_out && !o.admit()) return admission::admit;
  if (std::ranges::find(o.exempt(), x.path()) != o.exempt().end()) return admission::admit;
  if (crowded_out) {
    ++refused_connections;
    return admission::refuse;
  }
  const auto verdict = o.admit()(x);
  if (verdict == admission::refuse) ++refused_by_hook;
  return verdict;
}

std::optional<stream_slot> site::take_stream_slot() noexcept {
  auto slot = stream_slot::take(streams, options.admission().streams());
  if (!slot) ++refused_streams;
  return slot;
}

response site::busy() const {
  const auto& o = options.admission();
  auto answer = text_answer(503, "the server is busy; come back later");
  const auto wait = detail::between(o.retry_least(), o.retry_most());
  answer.header("Retry-After", std::to_string(wait.count())).header("Cache-Control", "no-store");
  return answer;
}

}  // namespace coax::http
