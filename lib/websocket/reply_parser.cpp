#include "websocket/reply_parser.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace coax::detail {

namespace beast_http = boost::beast::http;

struct reply_parser::state {
  beast_http::response_parser<beast_http::buffer_body> parser;
};

reply_parser::reply_parser() : state_(std::make_unique<state>()) {
  state_->parser.header_limit(max_head);
  state_->parser.body_limit(boost::none);
}
reply_parser::reply_parser(reply_parser&&) noexcept = default;
reply_parser& reply_parser::operator=(reply_parser&&) noexcept = default;
reply_parser::~reply_parser() = default;

std::size_t reply_parser::put_head(std::string_view input, error_code& ec) {
  const auto n = state_->parser.put(boost::asio::buffer(input.data(), input.size()), ec);
  if (ec == beast_http::error::need_more) ec.clear();
  return n;
}

bool reply_parser::head_done() const noexcept { return state_->parser.is_header_done(); }
bool reply_parser::head_too_large(const error_code& ec) noexcept { return ec == beast_http::error::header_limit; }
unsigned reply_parser::status() const noexcept { return state_->parser.get().result_int(); }

std::vector<protocol::header_field> reply_parser::fields() const {
  std::vector<protocol::header_field> all;
  for (const auto& f : state_->parser.get()) {
    const auto name = f.name_string();
    const auto value = f.value();
    all.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
  }
  return all;
}

headers reply_parser::copy_fields() const {
  headers all;
  for (const auto& f : fields()) {
    // What Beast lets through and `headers` does not is nothing that a program could use.
    if (protocol::is_token(f.name) && protocol::valid_field_value(f.value)) all.add(f.name, f.value);
  }
  return all;
}

reply_parser::step reply_parser::put_body(std::string_view input, std::span<char> to) {
  step s;
  auto& parser = state_->parser;
  parser.eager(true);
  auto& body = parser.get().body();
  body.data = to.data();
  body.size = to.size();
  if (!body_done()) s.used = parser.put(boost::asio::buffer(input.data(), input.size()), s.error);
  if (s.error == beast_http::error::need_more || s.error == beast_http::error::need_buffer) s.error.clear();
  s.got = to.size() - body.size;
  return s;
}

bool reply_parser::body_done() const noexcept { return state_->parser.is_done(); }

error_code reply_parser::put_end() {
  error_code ec;
  if (!body_done()) state_->parser.put_eof(ec);
  return ec;
}

}  // namespace coax::detail
