#include "protocol/header_field.hpp"
#include "sse/event_request.hpp"
#include <coax/event_source_options.hpp>

namespace coax::sse {

event_source_options::event_source_options() : connect_options("event_source"), method_("GET") {}

event_source_options& event_source_options::header(std::string_view name, std::string_view value) {
  static constexpr std::string_view own[] = {"Accept",       "Accept-Encoding", "Cache-Control",
                                             "Content-Type", "Last-Event-ID",   "Upgrade"};
  return set_header(name, value, own), *this;
}

event_source_options& event_source_options::method(std::string_view name) {
  if (!protocol::is_token(name) || name == "CONNECT" || name == "HEAD")
    refuse("not a method that asks for a stream: " + protocol::printable(name));
  method_ = name;
  return *this;
}

event_source_options& event_source_options::body(std::string bytes, std::string_view content_type) {
  if (content_type.empty() || !protocol::valid_field_value(content_type))
    refuse("not a value for the field Content-Type");
  if (method_ == "GET") method_ = "POST";
  body_ = std::move(bytes);
  content_type_ = content_type;
  return *this;
}

event_source_options& event_source_options::last_event_id(std::string id) {
  if (!fits_in_field(id)) refuse("the last event id has a control character, or over 8 KiB");
  last_event_id_ = std::move(id);
  return *this;
}

event_source_options& event_source_options::backoff(double growth, std::chrono::nanoseconds cap,
                                                    std::chrono::nanoseconds stable_after) {
  if (!(growth >= 1)) refuse("a back-off that does not grow");
  growth_ = growth;
  cap_ = cap;
  stable_after_ = stable_after;
  return *this;
}

}  // namespace coax::sse
