#include "sse/event_request.hpp"

#include <algorithm>
#include <string>

namespace coax::sse {

using protocol::iequals;

bool fits_in_field(std::string_view id) noexcept {
  constexpr std::size_t longest = 8 * 1024;
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  return id.size() <= longest && std::ranges::none_of(id, is_control);
}

std::string event_request::bytes(std::string_view last_event_id) const {
  std::string r = begin_head(method_);
  add_field(r, "Accept", "text/event-stream");
  add_field(r, "Cache-Control", "no-store");
  if (options_.accept_gzip()) add_field(r, "Accept-Encoding", "gzip");
  if (!last_event_id.empty() && fits_in_field(last_event_id)) add_field(r, "Last-Event-ID", last_event_id);
  if (body_dropped_) {
    static constexpr std::string_view of_the_body[] = {"Content-Encoding", "Content-Language", "Content-Location"};
    end_head(r, of_the_body);
    return r;
  }
  if (options_.has_body()) add_field(r, "Content-Type", options_.content_type());
  if (options_.has_body() || method_ != "GET") add_field(r, "Content-Length", std::to_string(options_.body().size()));
  end_head(r);
  return r += options_.body();
}

protocol::outcome<void> event_request::follow(unsigned status, protocol::header_fields answer) {
  auto followed = dial_route::follow(answer);
  const bool moved_post = (status == 301 || status == 302) && method_ == "POST";
  if (followed && (moved_post || (status == 303 && method_ != "GET"))) {
    method_ = "GET";
    body_dropped_ = true;
  }
  return followed;
}

protocol::outcome<content_coding> check_answer(unsigned status, protocol::header_fields fields) {
  const auto wrong = [](std::string text) { return protocol::failure{errc::handshake_failed, {}, std::move(text)}; };
  if (status != 200) return wrong("answered " + std::to_string(status));
  const auto type = protocol::only_value(fields, "Content-Type");
  if (!type) return wrong("answered 200 without one Content-Type");
  if (!iequals(protocol::trim(type->substr(0, type->find(';'))), "text/event-stream"))
    return wrong("answered 200 with " + protocol::printable(*type) + ", which is not text/event-stream");

  auto coding = content_coding::identity;
  for (const auto name : protocol::list_elements(fields, "Content-Encoding")) {
    if (iequals(name, "identity")) continue;
    const bool gzip = iequals(name, "gzip") || iequals(name, "x-gzip");
    if (coding != content_coding::identity || (!gzip && !iequals(name, "deflate")))
      return wrong("answered 200 in the content coding " + protocol::printable(name) + ", which was not asked for");
    coding = gzip ? content_coding::gzip : content_coding::deflate;
  }
  return coding;
}

}  // namespace coax::sse
