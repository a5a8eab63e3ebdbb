/// What can be at either end of a pipe, once it is open.
#pragma once

#include <coax/byte_stream.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <fcntl.h>

#include <memory>
#include <variant>

namespace asio = boost::asio;

using tcp_socket = asio::ip::tcp::socket;
using local_socket = asio::local::stream_protocol::socket;

/// Standard input and output. Their flags are set back at the end: a terminal is shared with the shell.
class stdio_stream {
 public:
  explicit stdio_stream(const asio::any_io_executor& ex) : state_(std::make_unique<state>(ex)) {}

  asio::any_io_executor get_executor() { return state_->in.stream.get_executor(); }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& to, Token&& token) {
    return state_->in.stream.async_read_some(to, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& from, Token&& token) {
    return state_->out.stream.async_write_some(from, std::forward<Token>(token));
  }
  /// Who reads the output sees its end; so `coax::pipe` passes it on.
  void close_write() { state_->out.close(); }

 private:
  struct descriptor {
    descriptor(const asio::any_io_executor& ex, int fd) : flags(::fcntl(fd, F_GETFL)), stream(ex, fd) {}
    ~descriptor() { close(); }
    void close() {
      if (!stream.is_open()) return;
      ::fcntl(stream.native_handle(), F_SETFL, flags);
      stream.close();
    }
    int flags;
    asio::posix::stream_descriptor stream;
  };
  struct state {
    explicit state(const asio::any_io_executor& ex) : in(ex, 0), out(ex, 1) {}
    descriptor in, out;
  };

  std::unique_ptr<state> state_;
};

using any_stream = std::variant<coax::byte_stream, tcp_socket, local_socket, stdio_stream>;
