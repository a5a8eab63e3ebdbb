#include <coax/handshake_error.hpp>

#include <string>

namespace coax {

handshake_error::handshake_error(std::string_view what, unsigned status, headers fields, std::string body)
    : handshake_error(errc::handshake_failed, what, status, std::move(fields), std::move(body)) {}

handshake_error::handshake_error(errc code, std::string_view what, unsigned status, headers fields, std::string body)
    : system_error(code, what), status_(status), fields_(std::move(fields)), body_(std::move(body)) {
  if (body_.size() > max_body) body_.resize(max_body);
}

}  // namespace coax
