#include "protocol/close_frame.hpp"
#include "protocol/utf8.hpp"
#include <coax/codec.hpp>

#include <string>

namespace coax::detail {

void refuse_message(conn& c, std::string_view why) {
  const std::string text(why);
  c.start_close(status::invalid_data, protocol::is_valid_utf8(text) ? protocol::fit_reason(text) : std::string_view());
  throw system_error(errc::invalid_data, "read: " + text);
}

task<> write_message(conn& c, message m, context ctx) { co_await c.write(m.kind(), m.data(), std::move(ctx)); }

}  // namespace coax::detail
