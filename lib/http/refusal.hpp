/// An answer that the server gives by itself.
#pragma once

#include <coax/response.hpp>

#include <string>
#include <string_view>

namespace coax::http {

struct refusal {
  refusal() = default;
  refusal(unsigned s, std::string t) : status(s), text(std::move(t)) {}

  unsigned status = 400;
  std::string text;
};

/// As plain text, with a line end.
inline response text_answer(unsigned status, std::string_view text) {
  response r(status);
  r.content_type("text/plain; charset=utf-8").body(std::string(text) + "\n");
  return r;
}

}  // namespace coax::http
