#include "sse/cors.hpp"

#include <string_view>

namespace coax::sse {

cors_request::cors_request(protocol::header_fields fields, const cors_policy* policy) : policy_(policy) {
  if (!policy) return;
  origin_ = protocol::only_value(fields, "Origin").value_or(std::string_view());
  const auto host = protocol::only_value(fields, "Host").value_or(std::string_view());
  const bool named = protocol::count(fields, "Origin") != 0;
  refused_ = named && !policy->origins.allows(origin_, host);
  // A page of the same host needs no word, and one of the same host by another scheme must not have it.
  told_ = policy->origins.match(origin_);
  for (const auto name : protocol::list_elements(fields, "Access-Control-Request-Headers"))
    if (protocol::is_token(name)) requested_headers_.append(", ").append(name);
}

void cors_request::answer(response& r) const {
  if (!policy_) return;
  r.header("Vary", "Origin");
  if (!told_) return;
  r.header("Access-Control-Allow-Origin", origin_);
  if (policy_->credentials) r.header("Access-Control-Allow-Credentials", "true");
}

void cors_request::answer_preflight(response& r) const {
  if (!policy_) return;
  answer(r);
  r.header("Vary", "Access-Control-Request-Headers");
  if (!told_) return;
  r.header("Access-Control-Allow-Methods", "GET, POST");
  r.header("Access-Control-Allow-Headers", "Last-Event-ID" + requested_headers_);
  r.header("Access-Control-Max-Age", "7200");
}

}  // namespace coax::sse
