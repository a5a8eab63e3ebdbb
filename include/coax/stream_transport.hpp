/// @file
/// Any Asio stream as a transport.
///
///     auto t = coax::make_transport(std::move(tls_stream));   // asio::ssl::stream<asio::ip::tcp::socket>, say
#pragma once

#include <coax/detail/export.hpp>
#include <coax/message.hpp>
#include <coax/transport.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

namespace boost::asio {
template <class Protocol, class Executor>
class basic_stream_socket;
namespace ip {
class tcp;
}
namespace local {
class stream_protocol;
}
}  // namespace boost::asio

namespace coax {
namespace detail {

using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, asio::any_io_executor>;
using unix_socket = asio::basic_stream_socket<asio::local::stream_protocol, asio::any_io_executor>;

COAX_EXPORT std::shared_ptr<transport> make_tcp_transport(tcp_socket&& socket);
COAX_EXPORT std::shared_ptr<transport> make_unix_transport(unix_socket&& socket);

/// The socket under TLS and under timeouts, or the stream itself.
template <class Stream>
auto& lowest_layer(Stream& s) {
  if constexpr (requires { s.next_layer(); })
    return lowest_layer(s.next_layer());
  else if constexpr (requires { s.socket(); })
    return s.socket();
  else
    return s;
}

/// Turns completions into readiness. One read at a time goes on into memory of the transport, and one write from such
/// memory; neither has a cancellation slot, so nothing but `close` ends them early and no byte is lost between layers.
template <class Stream>
class stream_transport final : public transport {
 public:
  explicit stream_transport(Stream&& s) : transport(s.get_executor()), stream_(std::move(s)) {}

  std::size_t read_some(asio::mutable_buffer to, error_code& ec) override {
    ec.clear();
    if (reading_ || in_.size() == in_taken_) {
      ec = !reading_ && read_error_ ? read_error_ : error_code(asio::error::would_block);
      return 0;
    }
    const auto n = std::min(to.size(), in_.size() - in_taken_);
    std::memcpy(to.data(), in_.data() + in_taken_, n);
    in_taken_ += n;
    if (in_taken_ == in_.size()) forget(in_, in_taken_);
    return n;
  }

  std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) override {
    ec = write_error_;
    if (ec) return 0;
    if (writing_) {
      ec = asio::error::would_block;
      return 0;
    }
    for (const auto& b : from) {
      const auto n = std::min(b.size(), most_ahead - out_.size());
      out_.append(b.data(), n);
      if (n < b.size()) break;
    }
    const auto taken = out_.size();
    if (taken != 0) write_rest();
    return taken;
  }

  bool output_pending() const noexcept override { return writing_; }

  void wait(direction d) override {
    auto& wanted = wanted_[static_cast<int>(d)];
    if (wanted || closed_) return;
    wanted = true;
    if (d == direction::write ? !writing_ : !reading_ && (in_.size() != in_taken_ || read_error_))
      asio::post(executor(), [self = self(), d] { self->ready(d); });
    else if (d == direction::read && !reading_)
      read_more();
  }

  void shutdown_send() noexcept override {
    if (std::exchange(ending_, true) || writing_) return;
    end_output();
  }

  void close() noexcept override {
    if (std::exchange(closed_, true)) return;
    read_error_ = write_error_ = asio::error::bad_descriptor;
    auto& socket = detail::lowest_layer(stream_);
    error_code ignored;
    if constexpr (requires { socket.close(ignored); })
      socket.close(ignored);
    else if constexpr (requires { socket.close(); })
      socket.close();
  }

  std::string local_endpoint() const override {
    return describe(
        [](auto& socket, error_code& ec) -> decltype(socket.local_endpoint(ec)) { return socket.local_endpoint(ec); });
  }
  std::string remote_endpoint() const override {
    return describe([](auto& socket, error_code& ec) -> decltype(socket.remote_endpoint(ec)) {
      return socket.remote_endpoint(ec);
    });
  }
  bool secure() const noexcept override {
    return requires { typename Stream::handshake_type; };
  }

 private:
  static constexpr std::size_t read_size = 16 * 1024;
  static constexpr std::size_t most_ahead = 64 * 1024;

  std::shared_ptr<stream_transport> self() { return std::static_pointer_cast<stream_transport>(shared_from_this()); }

  static void forget(storage& bytes, std::size_t& done) noexcept {
    bytes.release();
    done = 0;
  }

  void ready(direction d) {
    if (std::exchange(wanted_[static_cast<int>(d)], false) && !closed_) notify(d);
  }

  void read_more() {
    reading_ = true;
    in_.reserve(read_size);
    stream_.async_read_some(asio::mutable_buffer(in_.data(), in_.capacity()),
                            [self = self()](const error_code& ec, std::size_t n) {
                              self->reading_ = false;
                              self->in_.resize(n);
                              if (n == 0) forget(self->in_, self->in_taken_);
                              if (ec && !self->closed_) self->read_error_ = ec;
                              self->ready(direction::read);
                            });
  }

  void write_rest() {
    writing_ = true;
    stream_.async_write_some(asio::const_buffer(out_.data() + out_taken_, out_.size() - out_taken_),
                             [self = self()](const error_code& ec, std::size_t n) { self->written(ec, n); });
  }

  void written(const error_code& ec, std::size_t n) {
    out_taken_ += n;
    if (ec && !closed_) write_error_ = ec;
    if (!ec && !closed_ && out_taken_ != out_.size()) return write_rest();
    writing_ = false;
    forget(out_, out_taken_);
    if (ending_ && !write_error_) end_output();
    ready(direction::write);
  }

  // TLS says its own goodbye first; its shutdown also waits for the peer's, which `close` cuts short.
  void end_output() noexcept {
    try {
      if constexpr (requires { stream_.async_shutdown([](const error_code&) {}); })
        stream_.async_shutdown([self = self()](const error_code&) { self->end_socket(); });
      else
        end_socket();
    } catch (...) {
      close();
    }
  }

  void end_socket() noexcept {
    auto& socket = detail::lowest_layer(stream_);
    using socket_type = std::remove_reference_t<decltype(socket)>;
    error_code ignored;
    if constexpr (requires { socket.shutdown(socket_type::shutdown_send, ignored); })
      socket.shutdown(socket_type::shutdown_send, ignored);
    else if constexpr (requires { socket.close_write(); })
      socket.close_write();
  }

  template <class Get>
  std::string describe(Get get) const {
    auto& socket = detail::lowest_layer(stream_);
    error_code ec;
    if constexpr (requires { get(socket, ec).address().to_string(); }) {
      const auto e = get(socket, ec);
      if (ec) return {};
      const auto address = e.address().to_string();
      const auto port = std::to_string(e.port());
      return e.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
    } else if constexpr (requires {
                           { get(socket, ec).path() } -> std::convertible_to<std::string>;
                         }) {
      const auto e = get(socket, ec);
      return ec ? std::string() : std::string(e.path());
    } else {
      return {};
    }
  }

  Stream stream_;
  storage in_;  // what has been read, from in_taken_ on; while reading_, where it goes
  std::size_t in_taken_ = 0;
  storage out_;  // what is being written, from out_taken_ on
  std::size_t out_taken_ = 0;
  error_code read_error_;
  error_code write_error_;
  bool reading_ = false;
  bool writing_ = false;
  bool ending_ = false;
  bool closed_ = false;
  bool wanted_[2] = {};
};

}  // namespace detail

/// Any stream with `async_read_some`, `async_write_some` and `get_executor` as a transport: `asio::ssl::stream`,
/// `beast::tcp_stream`, a stream of your own. TCP and Unix sockets take a direct path that holds no buffer while idle;
/// for other streams a pooled buffer of 16 KiB stays lent to the stream while a read is outstanding.
///
/// The stream must be connected, and handshaken if it is TLS; nothing else may use it from now on. Its lowest layer is
/// shut down and closed where it has members `shutdown` and `close` (or `close_write`).
template <class AsyncStream>
std::shared_ptr<transport> make_transport(AsyncStream s) {
  if constexpr (std::is_same_v<AsyncStream, detail::tcp_socket>)
    return detail::make_tcp_transport(std::move(s));
  else if constexpr (std::is_same_v<AsyncStream, detail::unix_socket>)
    return detail::make_unix_transport(std::move(s));
  else
    return std::make_shared<detail::stream_transport<AsyncStream>>(std::move(s));
}

}  // namespace coax
