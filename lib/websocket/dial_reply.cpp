#include "websocket/dial_reply.hpp"

#include <coax/proxy_error.hpp>

#include <boost/asio/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <array>
#include <stdexcept>

namespace coax::detail {

namespace http = boost::beast::http;

class reply_reader::parser {
 public:
  parser() {
    http_.header_limit(max_head);
    http_.body_limit(boost::none);
  }

  bool head_done() const { return http_.is_header_done(); }
  bool done() const { return http_.is_done(); }
  const auto& message() const { return http_.get(); }

  /// How many bytes it has used; the error is not one that more input can cure.
  std::size_t put(std::string_view input, error_code& ec) {
    const auto n = http_.put(boost::asio::buffer(input.data(), input.size()), ec);
    if (ec == http::error::need_more) ec.clear();
    return n;
  }

  void begin_body() {
    http_.eager(true);
    auto& to = http_.get().body();
    to.data = body_.data();
    to.size = body_.size();
  }
  std::string_view body() const { return {body_.data(), body_.size() - http_.get().body().size}; }

 private:
  http::response_parser<http::buffer_body> http_;
  std::array<char, handshake_error::max_body> body_;
};

reply_reader::reply_reader(stream& s) : stream_(s) {}
reply_reader::reply_reader(stream& s, std::string proxy) : stream_(s), proxy_(std::move(proxy)) {}
reply_reader::~reply_reader() = default;

unsigned reply_reader::status() const { return parser_->message().result_int(); }

std::vector<protocol::header_field> reply_reader::fields() const {
  std::vector<protocol::header_field> all;
  for (const auto& f : parser_->message()) {
    const auto name = f.name_string();
    const auto value = f.value();
    all.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
  }
  return all;
}

headers reply_reader::copy_fields() const {
  headers all;
  for (const auto& f : fields()) {
    // What Beast lets through and `headers` does not is nothing that a program could use.
    if (protocol::is_token(f.name) && protocol::valid_field_value(f.value)) all.add(f.name, f.value);
  }
  return all;
}

std::span<const std::byte> reply_reader::rest() const noexcept {
  return std::as_bytes(std::span(input_)).subspan(used_);
}

void reply_reader::refuse(const std::string& text) const {
  if (proxy_.empty()) throw handshake_error("dial: " + text);
  throw proxy_error("dial: " + text);
}

task<error_code> reply_reader::read_more(const context& ctx) {
  constexpr std::size_t step = 4096;
  input_.erase(0, std::exchange(used_, 0));
  const auto size = input_.size();
  input_.resize(size + step);
  const auto n = co_await stream_.read_some(asio::buffer(input_.data() + size, step), ctx);
  input_.resize(size + (n ? *n : 0));
  co_return n ? error_code() : n.error();
}

task<> reply_reader::read_one_head(const context& ctx) {
  parser_ = std::make_unique<parser>();
  for (;;) {
    error_code ec;
    if (used_ < input_.size()) used_ += parser_->put(std::string_view(input_).substr(used_), ec);
    if (ec == http::error::header_limit) refuse("the head of the answer of " + sender() + " exceeds 16 KiB");
    if (ec) refuse(sender() + " did not answer with HTTP: " + ec.message());
    if (parser_->head_done()) co_return;
    ec = co_await read_more(ctx);
    if (ec == asio::error::eof) refuse(sender() + " ended the connection instead of answering");
    if (ec) throw system_error(ec, "dial: reading the answer of " + sender());
  }
}

task<> reply_reader::read_head(context ctx) {
  for (int i = 0; i <= max_interim; ++i) {
    co_await read_one_head(ctx);
    if (status() >= 200 || status() == 101) co_return;
  }
  refuse(sender() + " sent too many interim answers");
}

task<std::string> reply_reader::read_body(context ctx) {
  const auto bounded = ctx.with_timeout(body_time);
  parser_->begin_body();
  while (!parser_->done()) {
    error_code ec;
    std::size_t n = 0;
    if (used_ < input_.size()) n = parser_->put(std::string_view(input_).substr(used_), ec);
    used_ += n;
    // The buffer is full, or the rest is malformed: what there is must do.
    if (ec) break;
    if (n != 0) continue;
    ec = co_await read_more(bounded);
    if (ec) break;
  }
  co_return std::string(parser_->body());
}

}  // namespace coax::detail
