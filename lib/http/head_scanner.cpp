#include "http/head_scanner.hpp"

#include "protocol/header_field.hpp"

namespace coax::http {

head_scanner::verdict head_scanner::refuse(unsigned status, const char* text) {
  why_ = refusal(status, text);
  return verdict::refused;
}

head_scanner::verdict head_scanner::scan(std::string_view input) {
  while (at_ < input.size()) {
    const auto v = take(input[at_]);
    if (v == verdict::refused) return v;
    ++at_;
    if (v == verdict::complete) return v;
    if (at_ - begin_ >= limits_.bytes) return refuse(431, "the request head is too long");
  }
  return verdict::need_more;
}

head_scanner::verdict head_scanner::take(char c) {
  if (after_cr_) return c == '\n' ? end_line() : refuse(400, "a carriage return without a line feed");
  if (c == '\n') return refuse(400, "a line feed without a carriage return");
  if (c == '\r') {
    after_cr_ = true;
    return verdict::need_more;
  }
  const auto byte = static_cast<unsigned char>(c);
  if ((byte < 0x20 && c != '\t') || byte == 0x7f) return refuse(400, "a control character in the request head");
  if (lines_ > 0) {
    if (at_ == line_ && (c == ' ' || c == '\t')) return refuse(400, "a folded or indented header field");
    return verdict::need_more;
  }
  // Noise that is no HTTP at all, as a TLS handshake on a plain port, is seen at its first byte.
  if (in_method_) {
    if (c == ' ' && at_ > line_)
      in_method_ = false;
    else if (!protocol::is_token({&c, 1}))
      return refuse(400, "a malformed request line");
  }
  if (at_ - line_ >= limits_.request_line) return refuse(414, "the request target is too long");
  return verdict::need_more;
}

head_scanner::verdict head_scanner::end_line() {
  const bool empty = at_ - 1 == line_;
  after_cr_ = false;
  line_ = at_ + 1;
  if (empty && lines_ > 0) return verdict::complete;
  if (empty) {
    // RFC 9112 section 2.2: empty lines before a request are to be ignored; not without end.
    begin_ = line_;
    return begin_ > 64 ? refuse(400, "too many empty lines before a request") : verdict::need_more;
  }
  if (++lines_ > limits_.fields + 1) return refuse(431, "too many header fields");
  return verdict::need_more;
}

}  // namespace coax::http
