#include "sse/event_body.hpp"

#include <string>

namespace coax::sse {

event_body::event_body(coax::detail::reply_parser head, std::string rest, content_coding coding)
    : head_(std::move(head)), received_(std::move(rest)) {
  if (coding != content_coding::identity) decoder_.emplace(coding);
}

bool event_body::decode(error_code& ec) {
  for (;;) {
    if (decoder_ && inflate()) return true;
    if (error_ || framing_error_ || !unframe(decoder_ ? framed_ : text_)) break;
    if (!text_.empty()) return true;
  }
  ec = error_ ? error_ : framing_error_;
  return false;
}

// Whether there is text now.
bool event_body::inflate() {
  while (!error_ && (inflated_full_ || !framed_.empty())) {
    const auto to = text_.room();
    const auto s = decoder_->run(framed_.view(), to);
    framed_.use(s.used);
    text_.add(s.got);
    inflated_full_ = s.got == to.size();
    error_ = s.error;
    if (s.got != 0) return true;
    if (s.used == 0) break;
  }
  return false;
}

// Whether it has got on.
bool event_body::unframe(piece_buffer& to) {
  if (received_.empty()) return false;
  const auto s = head_.put_body(received_.view(), to.room());
  received_.use(s.used);
  to.add(s.got);
  framing_error_ = s.error;
  if (s.used != 0 || s.got != 0) return true;
  // A line of a chunk or a trailer that fills the whole buffer is none.
  if (!framing_error_ && !over() && received_.room().empty()) framing_error_ = errc::bad_request;
  return false;
}

void event_body::rest() {
  received_.rest();
  framed_.rest();
  text_.rest();
}

}  // namespace coax::sse
