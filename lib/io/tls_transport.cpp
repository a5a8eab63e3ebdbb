#include "io/tls_transport.hpp"

#include "core/buffer_pool.hpp"
#include "io/stream.hpp"
#include "io/tls_session.hpp"
#include <coax/message.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace coax::detail {
namespace {

constexpr std::size_t record_size = 16 * 1024;       // RFC 8446 section 5.1
constexpr std::size_t most_sealed = 64 * 1024;       // plain bytes sealed by one write_some
constexpr std::size_t most_unanswered = 128 * 1024;  // ciphertext beyond which nothing is read

// OpenSSL reads from the lower transport through its BIO, and writes into `pending_`, which takes everything: a sealed
// record is never lost, and no read has to wait for a write. What is pending leaves by itself, as far as the transport
// below takes it.
class tls_transport final : public transport, public transport::observer {
 public:
  tls_transport(std::shared_ptr<transport> lower, ssl_ptr session)
      : transport(lower->executor()), lower_(std::move(lower)), ssl_(std::move(session)) {}

  static std::shared_ptr<tls_transport> create(std::shared_ptr<transport> lower, ssl_ptr session);

  /// One step of the handshake: nothing when it is complete, `would_block` to try again when readable.
  error_code handshake() noexcept;

  std::size_t read_some(asio::mutable_buffer to, error_code& ec) override;
  std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) override;
  bool output_pending() const noexcept override { return !pending_.empty() || lower_->output_pending(); }
  void wait(direction d) override;
  void shutdown_send() noexcept override;
  void close() noexcept override;
  std::string local_endpoint() const override { return lower_->local_endpoint(); }
  std::string remote_endpoint() const override { return lower_->remote_endpoint(); }
  bool secure() const noexcept override { return true; }

 private:
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* b, char* to, int size) noexcept;
  static int bio_write(BIO* b, const char* from, int size) noexcept;
  static long bio_control(BIO* b, int command, long, void*) noexcept;

  // Also what a transport below has taken and not sent, such as TLS to a proxy: nobody else will wait for it.
  bool must_flush() const noexcept { return !write_error_ && output_pending(); }

  void on_ready(direction d) override;
  error_code last_error(int result) noexcept;
  std::size_t seal(const void* from, std::size_t size, error_code& ec) noexcept;
  std::size_t seal_all(std::span<const asio::const_buffer> from, error_code& ec);
  void flush() noexcept;
  void flush_by_itself() noexcept;

  std::shared_ptr<transport> lower_;
  ssl_ptr ssl_;
  storage pending_;  // ciphertext, from sent_ on
  std::size_t sent_ = 0;
  error_code lower_error_;  // what the transport below said while OpenSSL was reading
  error_code read_error_;
  error_code write_error_;
  bool wanted_[2] = {};
  bool lower_ended_ = false;
  bool held_ = false;    // reading waits until ciphertext has left
  bool ending_ = false;  // shutdown_send was called
  bool ended_ = false;   // and passed on
  bool closed_ = false;
  bool dead_ = false;  // OpenSSL has failed for good
};

std::shared_ptr<tls_transport> tls_transport::create(std::shared_ptr<transport> lower, ssl_ptr session) {
  auto t = std::make_shared<tls_transport>(std::move(lower), std::move(session));
  BIO* bio = BIO_new(bio_method());
  if (!bio) throw std::bad_alloc();
  BIO_set_data(bio, t.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl_.get(), bio, bio);
  t->lower_->observe(std::shared_ptr<transport::observer>(t, t.get()));
  return t;
}

BIO_METHOD* tls_transport::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "coax transport");
    if (!m) throw std::bad_alloc();
    BIO_meth_set_read(m, [](BIO* b, char* to, int size) { return bio_read(b, to, size); });
    BIO_meth_set_write(m, [](BIO* b, const char* from, int size) { return bio_write(b, from, size); });
    BIO_meth_set_ctrl(m, [](BIO* b, int command, long n, void* p) { return bio_control(b, command, n, p); });
    return m;
  }();
  return method;
}

int tls_transport::bio_read(BIO* b, char* to, int size) noexcept {
  auto& self = *static_cast<tls_transport*>(BIO_get_data(b));
  BIO_clear_retry_flags(b);
  // A peer that has us answer (key updates) without taking the answers does not get to fill our memory: one SSL_read
  // goes through any number of them.
  if (self.pending_.size() - self.sent_ > most_unanswered) {
    self.held_ = true;
    BIO_set_retry_read(b);
    return -1;
  }
  error_code ec;
  const auto n = self.lower_->read_some({to, static_cast<std::size_t>(size)}, ec);
  if (!ec) return static_cast<int>(n);
  if (ec == asio::error::would_block)
    BIO_set_retry_read(b);
  else if (ec == asio::error::eof)
    self.lower_ended_ = true;
  else
    self.lower_error_ = ec;
  return self.lower_ended_ ? 0 : -1;
}

int tls_transport::bio_write(BIO* b, const char* from, int size) noexcept {
  auto& self = *static_cast<tls_transport*>(BIO_get_data(b));
  BIO_clear_retry_flags(b);
  try {
    self.pending_.append(from, static_cast<std::size_t>(size));
  } catch (...) {
    self.lower_error_ = asio::error::no_memory;
    return -1;
  }
  return size;
}

long tls_transport::bio_control(BIO* b, int command, long, void*) noexcept {
  if (command == BIO_CTRL_EOF) return static_cast<tls_transport*>(BIO_get_data(b))->lower_ended_;
  return command == BIO_CTRL_FLUSH;
}

error_code tls_transport::last_error(int result) noexcept {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
    default: break;
  }
  dead_ = true;
  if (lower_error_) return lower_error_;
  if (const auto ec = take_tls_error(ssl_.get())) return ec;
  return asio::ssl::error::stream_truncated;
}

error_code tls_transport::handshake() noexcept {
  forget_tls_errors();
  const int r = SSL_do_handshake(ssl_.get());
  const error_code ec = r == 1 ? error_code() : last_error(r);
  flush_by_itself();
  return ec ? ec : write_error_;
}

std::size_t tls_transport::read_some(asio::mutable_buffer to, error_code& ec) {
  held_ = false;
  ec = read_error_;
  if (ec) return 0;
  const auto unsent = pending_.size();
  std::size_t total = 0;
  do {
    forget_tls_errors();
    std::size_t n = 0;
    const int r = SSL_read_ex(ssl_.get(), static_cast<std::byte*>(to.data()) + total, to.size() - total, &n);
    total += n;
    if (r == 1) continue;
    ec = last_error(r);
    break;
  } while (total < to.size() && SSL_has_pending(ssl_.get()));
  if (ec && ec != asio::error::would_block) read_error_ = ec;
  if (pending_.size() != unsent) flush_by_itself();
  if (total != 0) ec.clear();
  return total;
}

std::size_t tls_transport::write_some(std::span<const asio::const_buffer> from, error_code& ec) {
  flush();
  ec = write_error_;
  if (ec) return 0;
  if (output_pending()) ec = asio::error::would_block;
  if (!ec && ending_ && !from.empty()) ec = asio::error::shut_down;
  if (ec) return 0;
  const auto taken = seal_all(from, ec);
  flush();
  if (taken != 0) ec.clear();
  return taken;
}

// Small buffers are brought together into one record: a frame header of four bytes is not worth the 22 of a record.
std::size_t tls_transport::seal_all(std::span<const asio::const_buffer> from, error_code& ec) {
  std::size_t total = 0;
  block together;
  std::size_t gathered = 0;
  const auto seal_gathered = [&] { total += seal(together.data, std::exchange(gathered, 0), ec); };
  for (std::size_t i = 0; i < from.size(); ++i) {
    auto rest = from[i];
    while (rest.size() != 0 && total + gathered < most_sealed && !ec) {
      const bool direct = gathered == 0 && (i + 1 == from.size() || rest.size() >= record_size);
      auto n = std::min(rest.size(), most_sealed - total - gathered);
      if (direct) {
        total += seal(rest.data(), n, ec);
      } else {
        if (!together.data) together = take_block(record_size);
        n = std::min(n, record_size - gathered);
        std::memcpy(together.data + gathered, rest.data(), n);
        gathered += n;
        if (gathered == record_size) seal_gathered();
      }
      rest += n;
    }
  }
  if (gathered != 0 && !ec) seal_gathered();
  if (together.data) give_block(together);
  return total;
}

// All of `size` bytes, in records: the BIO never refuses, so less means an error.
std::size_t tls_transport::seal(const void* from, std::size_t size, error_code& ec) noexcept {
  std::size_t total = 0;
  while (total < size) {
    forget_tls_errors();
    std::size_t n = 0;
    const int r = SSL_write_ex(ssl_.get(), static_cast<const std::byte*>(from) + total, size - total, &n);
    total += n;
    if (r == 1) continue;
    ec = last_error(r);
    if (ec != asio::error::would_block) write_error_ = ec;
    break;
  }
  return total;
}

void tls_transport::flush() noexcept {
  if (closed_ || write_error_) return;
  error_code ec;
  while (!pending_.empty()) {
    const asio::const_buffer rest(pending_.data() + sent_, pending_.size() - sent_);
    const auto n = lower_->write_some(std::span(&rest, 1), ec);
    if (ec) break;
    sent_ += n;
    if (sent_ != pending_.size()) continue;
    pending_.release();
    sent_ = 0;
  }
  if (!ec && lower_->output_pending()) lower_->write_some({}, ec);
  if (ec && ec != asio::error::would_block) {
    write_error_ = ec;
    pending_.release();
    sent_ = 0;
  }
  if (ending_ && pending_.empty() && !std::exchange(ended_, true)) lower_->shutdown_send();
}

// For ciphertext that no write of the owner has caused.
void tls_transport::flush_by_itself() noexcept {
  flush();
  if (must_flush() && !closed_) lower_->wait(direction::write);
}

void tls_transport::wait(direction d) {
  if (closed_ || std::exchange(wanted_[static_cast<int>(d)], true)) return;
  lower_->wait(d == direction::read && held_ ? direction::write : d);
}

void tls_transport::on_ready(direction d) {
  if (closed_) return;
  if (d == direction::write) {
    flush();
    if (must_flush()) return lower_->wait(direction::write);
    // Either may end in the owner letting go of us.
    const auto self = shared_from_this();
    if (std::exchange(held_, false) && std::exchange(wanted_[static_cast<int>(direction::read)], false))
      notify(direction::read);
    if (!closed_ && std::exchange(wanted_[static_cast<int>(direction::write)], false)) notify(direction::write);
    return;
  }
  if (std::exchange(wanted_[static_cast<int>(direction::read)], false)) notify(direction::read);
}

void tls_transport::shutdown_send() noexcept {
  if (closed_ || std::exchange(ending_, true)) return;
  forget_tls_errors();
  // After a fatal error, or before the handshake is done, there is no close_notify to be sent.
  if (SSL_is_init_finished(ssl_.get()) && !dead_) SSL_shutdown(ssl_.get());
  flush_by_itself();
}

void tls_transport::close() noexcept {
  closed_ = true;
  read_error_ = write_error_ = asio::error::bad_descriptor;
  pending_.release();
  sent_ = 0;
  lower_->close();
}

// The handshake waits in a stream of its own, which also ends it when the io_context goes down.
task<result<std::shared_ptr<transport>>> shake_hands(std::shared_ptr<tls_transport> t, context ctx) {
  const auto s = stream::create(t);
  for (;;) {
    error_code ec = t->handshake();
    if (!ec) break;
    if (ec == asio::error::would_block) ec = co_await s->readable(ctx);
    if (!ec) continue;
    t->close();
    co_return ec;
  }
  co_return std::shared_ptr<transport>(t);
}

}  // namespace

task<result<std::shared_ptr<transport>>> tls_connect(std::shared_ptr<transport> lower, asio::ssl::context& tls,
                                                     std::string host, tls_verify verify, context ctx, tls_alpn offer) {
  auto t = tls_transport::create(std::move(lower), make_client_session(tls, std::move(host), verify, offer));
  co_return co_await shake_hands(std::move(t), std::move(ctx));
}

task<result<std::shared_ptr<transport>>> tls_accept(std::shared_ptr<transport> lower, asio::ssl::context& tls,
                                                    context ctx) {
  auto t = tls_transport::create(std::move(lower), make_server_session(tls));
  co_return co_await shake_hands(std::move(t), std::move(ctx));
}

}  // namespace coax::detail
