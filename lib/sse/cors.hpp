/// Which pages of other origins may read a stream (Fetch standard, section 3.2: the CORS protocol).
#pragma once

#include "protocol/header_field.hpp"
#include "protocol/origin.hpp"
#include <coax/response.hpp>

namespace coax::sse {

struct cors_policy {
  std::vector<std::string> patterns;
  protocol::origin_patterns origins;
  bool credentials = false;
};

/// What a request says of the page that it is for.
class cors_request {
 public:
  /// Without a policy every origin is let through, and no browser is told anything.
  cors_request(protocol::header_fields fields, const cors_policy* policy);

  bool refused() const noexcept { return refused_; }
  /// Adds what the browser has to know of an answer, so that the page may read it and caches keep it for that page.
  void answer(response& r) const;
  /// The same for the answer to its question in advance, which it asks when the id is not one that all pages may send:
  /// over 128 bytes, or with bytes that are not safe.
  void answer_preflight(response& r) const;

 private:
  const cors_policy* policy_;
  std::string_view origin_;
  std::string requested_headers_;
  bool refused_ = false;
  bool told_ = false;  // that the page may read the answer
};

}  // namespace coax::sse
