/// An answer that the server gives by itself.
#pragma once

#include <string>

namespace coax::http {

struct refusal {
  refusal() = default;
  refusal(unsigned s, std::string t) : status(s), text(std::move(t)) {}

  unsigned status = 400;
  std::string text;
};

}  // namespace coax::http
