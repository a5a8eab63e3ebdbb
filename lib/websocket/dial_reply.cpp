#include "websocket/dial_reply.hpp"

#include <coax/proxy_error.hpp>

#include <boost/asio/error.hpp>

#include <utility>

namespace coax::detail {

void reply_reader::refuse(const std::string& text) const {
  if (proxy_.empty()) throw handshake_error(who_ + ": " + text);
  throw proxy_error(who_ + ": " + text);
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
  parser_ = reply_parser();
  for (;;) {
    error_code ec;
    if (used_ < input_.size()) used_ += parser_.put_head(std::string_view(input_).substr(used_), ec);
    if (reply_parser::head_too_large(ec)) refuse("the head of the answer of " + sender() + " exceeds 16 KiB");
    if (ec) refuse(sender() + " did not answer with HTTP: " + ec.message());
    if (parser_.head_done()) co_return;
    ec = co_await read_more(ctx);
    ended_early_ = ec == asio::error::eof;
    if (ended_early_) refuse(sender() + " ended the connection instead of answering");
    if (ec) throw system_error(ec, who_ + ": reading the answer of " + sender());
  }
}

task<> reply_reader::read_head(context ctx) {
  for (int i = 0; i <= max_interim; ++i) {
    co_await read_one_head(ctx);
    if (parser_.status() >= 200 || parser_.status() == 101) co_return;
  }
  refuse(sender() + " sent too many interim answers");
}

task<std::string> reply_reader::read_body(context ctx) {
  const auto bounded = ctx.with_timeout(body_time);
  std::string body(handshake_error::max_body, '\0');
  std::size_t size = 0;
  while (!parser_.body_done() && size < body.size()) {
    reply_parser::step s;
    if (used_ < input_.size())
      s = parser_.put_body(std::string_view(input_).substr(used_), std::span(body).subspan(size));
    used_ += s.used;
    size += s.got;
    // The rest is malformed: what there is must do.
    if (s.error) break;
    if (s.used != 0) continue;
    const error_code ec = co_await read_more(bounded);
    if (ec) break;
  }
  body.resize(size);
  co_return body;
}

}  // namespace coax::detail
