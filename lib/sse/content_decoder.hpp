/// The content codings of an answer (RFC 9110 section 8.4.1).
#pragma once

#include <coax/error.hpp>

#include <memory>
#include <span>
#include <string_view>

namespace coax::sse {

enum class content_coding : unsigned char { identity, gzip, deflate };

/// Takes gzip or deflate off, no more at a time than there is room for. No I/O.
class content_decoder {
 public:
  /// `coding` is not identity.
  explicit content_decoder(content_coding coding);
  content_decoder(content_decoder&&) noexcept;
  content_decoder& operator=(content_decoder&&) noexcept;
  ~content_decoder();

  struct step {
    std::size_t used = 0;
    std::size_t got = 0;
    error_code error;  ///< `errc::corrupt_data`; what was got came before the fault.
  };
  /// When it fills `to`, there may be more without any further input.
  step run(std::string_view input, std::span<char> to);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace coax::sse
