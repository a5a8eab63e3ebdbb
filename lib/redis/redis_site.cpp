#include "redis/redis_site.hpp"

#include "core/clock.hpp"
#include "redis/scripts.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace coax::detail {
namespace {

// Redis needs room for its answer, and so do we.
constexpr std::size_t most_entries = 10'000;

std::optional<history_page> page_of(const redis::value& v) {
  history_page page;
  const auto found = v[0].text();
  const auto end = parse_place(v[1].text());
  if (!end || v.size() != 4) return std::nullopt;
  page.found = found == "whole" ? continuity::whole : found == "too_old" ? continuity::too_old : continuity::forked;
  page.end = *end;
  page.more = v[2].text() == "1";
  page.entries.reserve(v[3].size() / 2);
  for (auto i = v[3].begin(); i != v[3].end(); ++i) {
    const auto offset = parse_number((*i).text());
    auto entry = offset && ++i != v[3].end() ? unpack(*offset, (*i).text()) : nullptr;
    if (!entry) return std::nullopt;
    page.entries.push_back(std::move(entry));
  }
  return page;
}

}  // namespace

void read_log(redis_site& site, const redis_names& names, std::string_view topic, const position& since,
              std::size_t limit, std::function<void(result<history_page>)> done) {
  const auto& kept = site.options.history();
  redis::command c(redis::history_script());
  c.key(names.state(topic)).key(names.log(topic));
  c.arg(site.new_history()).arg(kept.size()).arg(to_milliseconds(kept.ttl()));
  c.arg(to_milliseconds(site.options.idle_time()));
  c.arg(since.epoch()).arg(since.offset()).arg(to_hex(since.tag())).arg(std::min(limit, most_entries));
  c.idempotent().expires_at(after(now(), site.options.publish_time()));
  site.send(std::move(c), [&site, done = std::move(done)](const result<redis::value>& r) {
    if (!r || r->is_error()) return done(error_of(r));
    auto page = page_of(*r);
    if (!page) return done(errc::invalid_data);
    site.used(page->end.epoch());
    done(*std::move(page));
  });
}

}  // namespace coax::detail
