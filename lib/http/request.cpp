#include "http/request.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace coax::http {
namespace {

namespace beast = boost::beast;
using error_code = boost::system::error_code;

std::string_view view(beast::string_view s) noexcept { return {s.data(), s.size()}; }

std::optional<refusal> check_host(const request& r) {
  const auto hosts = protocol::count(r.fields, "Host");
  // RFC 9112 section 3.2.
  if (hosts > 1 || (hosts == 0 && r.version >= 11))
    return refusal(400, std::to_string(hosts) + " Host fields in a request instead of one");
  const auto host = protocol::only_value(r.fields, "Host");
  constexpr std::string_view refused = " \t\"<>\\^`{|}/?#@,";
  if (host && host->find_first_of(refused) != std::string_view::npos) return refusal(400, "a malformed Host field");
  return std::nullopt;
}

/// How the body is framed must be beyond doubt, or a proxy and we might disagree where the next request begins.
std::optional<refusal> check_framing(const request& r) {
  if (protocol::count(r.fields, "Transfer-Encoding") == 0) return std::nullopt;
  if (r.version < 11) return refusal(400, "Transfer-Encoding in an HTTP/1.0 request");
  if (protocol::count(r.fields, "Content-Length") != 0)
    return refusal(400, "both Transfer-Encoding and Content-Length (RFC 9112 6.1)");
  const auto codings = protocol::list_elements(r.fields, "Transfer-Encoding");
  for (const auto coding : codings)
    if (!protocol::iequals(coding, "chunked")) return refusal(501, "a transfer coding other than chunked");
  // "chunked," would be the same list; a proxy may take it for a coding that it does not know, and the body for a
  // request.
  if (!protocol::iequals(protocol::only_value(r.fields, "Transfer-Encoding").value_or(""), "chunked"))
    return refusal(400, "a malformed Transfer-Encoding field");
  return std::nullopt;
}

std::optional<refusal> check_expectation(const request& r) {
  for (const auto expected : protocol::list_elements(r.fields, "Expect"))
    if (!protocol::iequals(expected, "100-continue")) return refusal(417, "an expectation other than 100-continue");
  return std::nullopt;
}

/// "HTTP/2.0" and the like are another version; anything else at the end of the line is no HTTP.
bool names_other_version(std::string_view head) {
  const auto line = head.substr(0, head.find('\r'));
  const auto version = line.substr(line.rfind(' ') + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && digit(version[5]) && version[6] == '.' &&
         digit(version[7]) && version != "HTTP/1.1" && version != "HTTP/1.0";
}

}  // namespace

class request_parser::impl final : public beast::http::basic_parser<true> {
 public:
  // The limits are those of head_scanner and of the reader of the body.
  impl() {
    this->header_limit(0xffffffffU);
    this->body_limit(boost::none);
    this->eager(false);
  }

  request* target = nullptr;
  std::string* out = nullptr;

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view uri, int version,
                       error_code&) override {
    target->method = view(method);
    target->target = view(uri);
    target->version = static_cast<unsigned>(version);
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, error_code&) override {
    // The trailers of a chunked body are dropped: a field that comes late must not count.
    if (target) target->fields.push_back({view(name), view(value)});
  }
  // Boost 1.90 hands trailers over here; a member without `override` serves older ones too.
  virtual void on_trailer_field_impl(beast::http::field, beast::string_view, beast::string_view, error_code&) {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override { return take(bytes); }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override { return take(bytes); }
  void on_finish_impl(error_code&) override {}

  std::size_t take(beast::string_view bytes) {
    out->append(bytes.data(), bytes.size());
    return bytes.size();
  }
};

request_parser::request_parser() : impl_(std::make_unique<impl>()) {}
request_parser::request_parser(request_parser&&) noexcept = default;
request_parser& request_parser::operator=(request_parser&&) noexcept = default;
request_parser::~request_parser() = default;

std::optional<refusal> request_parser::parse_head(request& r) {
  impl_->target = &r;
  error_code ec;
  const auto used = impl_->put(boost::asio::const_buffer(r.head.data(), r.head.size()), ec);
  impl_->target = nullptr;
  if (ec == beast::http::error::bad_version && names_other_version(r.head))
    return refusal(505, "HTTP/1.1 and HTTP/1.0 are served");
  if (ec || used != r.head.size()) return refusal(400, "a malformed request: " + ec.message());
  if (auto wrong = check_framing(r)) return wrong;
  if (auto wrong = check_host(r)) return wrong;
  return check_expectation(r);
}

body_info request_parser::body() const {
  body_info info;
  if (impl_->is_done()) return info;
  info.present = true;
  if (const auto length = impl_->content_length()) info.length = *length;
  return info;
}

bool request_parser::done() const noexcept { return !impl_ || impl_->is_done(); }

void request_parser::reset() noexcept { impl_.reset(); }

request_parser::progress request_parser::decode(std::string_view input, std::string& out) {
  progress p;
  impl_->out = &out;
  while (!impl_->is_done() && p.used < input.size()) {
    error_code ec;
    const auto rest = input.substr(p.used);
    p.used += impl_->put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    if (ec == beast::http::error::need_more) break;
    p.malformed = ec.failed();
    if (ec) break;
  }
  impl_->out = nullptr;
  return p;
}

bool wants_keep_alive(const request& r) {
  if (protocol::has_token(r.fields, "Connection", "close")) return false;
  return r.version >= 11 || protocol::has_token(r.fields, "Connection", "keep-alive");
}

}  // namespace coax::http
