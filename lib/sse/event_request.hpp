/// What an event source asks for, and which answers it takes.
#pragma once

#include "sse/content_decoder.hpp"
#include "websocket/dial_route.hpp"
#include <coax/event_source_options.hpp>

namespace coax::sse {

/// Whether an id can be told to a server. To a control character it answers 400, to a long field 431, and that would
/// end the source for good; one that gets no id begins anew.
bool fits_in_field(std::string_view id) noexcept;

/// The request of one attempt. No I/O.
class event_request : public coax::detail::dial_route {
 public:
  /// `options` must outlive it.
  event_request(coax::detail::dial_target target, const event_source_options& options)
      : dial_route(std::move(target), options), options_(options), method_(options.method()) {}

  /// Head and body of the request that is due now. Asks the cookie jar.
  /// @throws std::invalid_argument the jar gave what a field must not have.
  std::string bytes(std::string_view last_event_id) const;

  /// As that of the route; some redirects make a GET of a POST (Fetch standard, HTTP-redirect fetch).
  protocol::outcome<void> follow(unsigned status, protocol::header_fields answer);

 private:
  const event_source_options& options_;
  std::string method_;
  bool body_dropped_ = false;
};

/// How the body of a stream is coded, or why an answer is none, in words that follow "the server ". `status` is not
/// 204.
protocol::outcome<content_coding> check_answer(unsigned status, protocol::header_fields fields);

}  // namespace coax::sse
