/// Listening sockets.
#pragma once

#include <coax/transport.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coax::http {

class worker;

/// One listening socket. Confined to the executor it was opened on, after `open_listeners`.
class listener {
 public:
  virtual ~listener() = default;

  /// The next connection, as a transport on the executor `ex`.
  virtual task<result<std::shared_ptr<transport>>> accept(asio::any_io_executor ex) = 0;
  virtual void close() noexcept = 0;

  /// Who serves what is accepted here, in turn.
  std::vector<std::shared_ptr<worker>> targets;
  std::string endpoint;
  unsigned short port = 0;
};

/// Opens sockets for `address`, see `server::listen`: one for each worker where the system spreads connections over
/// them, otherwise one for all. The i-th is on the executor of the i-th worker.
/// @throws std::invalid_argument, system_error
std::vector<std::shared_ptr<listener>> open_listeners(std::string_view address,
                                                      const std::vector<std::shared_ptr<worker>>& workers);

/// What to do about an error of accept.
enum class accept_trouble : unsigned char {
  closed,     ///< The socket was closed.
  transient,  ///< That one connection has failed before it was accepted.
  exhausted   ///< The process or the system is out of file descriptors or memory: wait.
};
accept_trouble classify(const error_code& ec) noexcept;

}  // namespace coax::http
