/// What a price feed sends.
#pragma once

#include <cstddef>
#include <string>

namespace bench {

/// JSON of about `size` bytes, another one for each number.
inline std::string quotes(unsigned number, std::size_t size) {
  std::string text = "{\"sequence\":" + std::to_string(number) + ",\"quotes\":[";
  for (unsigned i = 0; text.size() + 70 < size; ++i) {
    const unsigned cents = (number * 7919 + i * 104729) % 90000;
    text += (i ? ",{\"symbol\":\"SYM" : "{\"symbol\":\"SYM") + std::to_string(i) +
            "\",\"bid\":" + std::to_string(cents) + ",\"ask\":" + std::to_string(cents + 3) + ",\"venue\":\"XETR\"}";
  }
  return text + "]}";
}

}  // namespace bench
