/// Happy Eyeballs: the addresses of a host against each other (RFC 8305).
#pragma once

#include "core/clock.hpp"
#include <coax/context.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coax::detail {

/// The order of attempts (section 4): the families in turn, beginning with that of the first address; within a family
/// as they came.
std::vector<asio::ip::address> interleave(const std::vector<asio::ip::address>& addresses);

/// When to begin which attempt (section 5). No clock, no I/O.
class attempt_schedule {
 public:
  static constexpr std::chrono::milliseconds delay{250};

  explicit attempt_schedule(std::size_t attempts) noexcept : count_(attempts) {}

  /// The attempt to begin now, if it is time for one; to be asked again until there is none.
  std::optional<std::size_t> due(steady::time_point now) noexcept;
  /// An attempt has failed: the next one need not wait any longer.
  void failed() noexcept {
    ++failed_;
    next_ = steady::time_point::min();
  }
  /// When `due` is to be asked again if nothing happens; never if all have begun.
  steady::time_point next() const noexcept { return begun_ < count_ ? next_ : steady::time_point::max(); }
  bool all_failed() const noexcept { return failed_ == count_; }

 private:
  std::size_t count_;
  std::size_t begun_ = 0;
  std::size_t failed_ = 0;
  steady::time_point next_ = steady::time_point::min();
};

/// The first connection to one of these addresses that comes about; the sockets of the other attempts are closed, all
/// of them when `ctx` stops. `what` begins the text of errors.
/// @throws system_error the error of the last attempt that failed, or of `ctx`.
task<asio::ip::tcp::socket> connect_first(std::vector<asio::ip::address> addresses, std::uint16_t port,
                                          std::string what, const context& ctx);

}  // namespace coax::detail
