#include <coax/proxy_error.hpp>

namespace coax {

proxy_error::proxy_error(std::string_view what, unsigned status, headers fields, std::string body)
    : handshake_error(errc::proxy_failed, what, status, std::move(fields), std::move(body)) {}

}  // namespace coax
