#include "adapters/byte_stream_core.hpp"
#include <coax/byte_stream.hpp>

#include <memory>
#include <stdexcept>

namespace coax {

namespace detail {

void start_read(const std::shared_ptr<byte_stream_core>& core, const stream_pieces& to, stream_operation_ptr op) {
  core->start_read(to, std::move(op));
}

void start_write(const std::shared_ptr<byte_stream_core>& core, const stream_pieces& from, stream_operation_ptr op) {
  core->start_write(from, std::move(op));
}

void start_shutdown(const std::shared_ptr<byte_stream_core>& core, stream_operation_ptr op) {
  core->start_shutdown(std::move(op));
}

}  // namespace detail

byte_stream_options& byte_stream_options::max_message(std::size_t bytes) {
  if (bytes < 4) throw std::invalid_argument("byte_stream_options: max_message must be at least 4");
  max_message_ = bytes;
  return *this;
}

byte_stream::byte_stream(conn c, byte_stream_options options) {
  if (!c) throw std::invalid_argument("byte_stream: a handle without a connection");
  core_ = std::make_shared<detail::byte_stream_core>(std::move(c), options);
  executor_ = core_->executor();
}

byte_stream::byte_stream(byte_stream&&) noexcept = default;

byte_stream& byte_stream::operator=(byte_stream&& other) noexcept {
  if (this == &other) return *this;
  if (core_) core_->abandon();
  core_ = std::move(other.core_);
  executor_ = std::move(other.executor_);
  return *this;
}

byte_stream::~byte_stream() {
  if (core_) core_->abandon();
}

void byte_stream::close_write() { core_->close_write(); }
void byte_stream::close(status code, std::string_view reason) { core_->close(code, reason); }
void byte_stream::close_now() { core_->close_now(); }
void byte_stream::expires_after(std::chrono::nanoseconds d) { core_->expires_at(detail::after(detail::now(), d)); }
void byte_stream::expires_at(clock::time_point at) { core_->expires_at(at); }
void byte_stream::expires_never() { core_->expires_at(clock::time_point::max()); }
const conn& byte_stream::connection() const noexcept { return core_->handle(); }
conn& byte_stream::connection() noexcept { return core_->handle(); }

void beast_close_socket(byte_stream& s) { s.close_now(); }

void teardown(boost::beast::role_type, byte_stream& s, error_code& ec) {
  s.close();
  ec = {};
}

}  // namespace coax
